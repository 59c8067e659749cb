"""When the token in a file ends, for who shows it and for who renews it.

Imports nothing of ours, so that programs that only look at files are not slowed down.
"""

import json
from base64 import urlsafe_b64decode
from pathlib import Path

UNUSABLE = 0.0
"""What a file without a token has ended at: nobody is let in with it."""


def ends_at(file: Path) -> float:
    """The `exp` of the JWT in a file, in seconds since the epoch; `UNUSABLE` when none can be read.

    The signature is not verified: whoever is shown the token does that.
    """
    try:
        payload = file.read_text().split(".")[1]
        return float(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (OSError, LookupError, ValueError, TypeError):
        return UNUSABLE

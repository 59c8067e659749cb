"""Work for processes of their own, as functions that such a process can import."""

import os
import time
from multiprocessing import get_context
from pathlib import Path


def who(text: str) -> bytes:
    """Says what it was given, how polite it is and which process it is."""
    return f"{text} {os.nice(0)} {os.getpid()}".encode()


def die(code: int) -> bytes:
    os._exit(code)


def sleep_in_two(folder: Path) -> bytes:
    """Writes down its process and one of its own, and never ends by itself."""
    get_context("fork").Process(target=_sleep, args=(folder,)).start()
    return _sleep(folder)


def _sleep(folder: Path) -> bytes:
    (folder / str(os.getpid())).touch()
    while True:
        time.sleep(1)

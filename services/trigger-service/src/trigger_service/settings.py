"""What trigger-service is told by its environment."""

from typing import Annotated

from pydantic import Field, SecretStr

from contracts.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """The kit's settings and these."""

    entity_service_url: str
    secrets_key: SecretStr
    """32 random bytes in base64url, with which payment providers' secrets are kept; with another key put them again."""
    form_posts_per_minute: Annotated[int, Field(ge=1)] = 20
    """How often one address may post one form in a minute."""

"""The settings of trigger-service."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from contracts.kit.plaintext import SecretUrl
from contracts.kit.settings import ServiceSettings
from trigger_service.gateways.challenge import ProviderName


class Settings(ServiceSettings):
    """The kit's settings and these."""

    entity_service_url: SecretUrl
    secrets_key: SecretStr
    """32 random bytes in base64url, with which nonces of forms are signed; after another key visitors open their forms
    again."""
    form_posts_per_minute: Annotated[int, Field(ge=1)] = 20
    """How often one address may post one form in a minute."""
    form_min_seconds: Annotated[int, Field(ge=0, le=60)] = 3
    """How long after a form was opened it may be sent, at the earliest: people need as long."""
    form_max_hours: Annotated[int, Field(ge=1, le=7 * 24)] = 24
    """How long after a form was opened it may be sent, at the latest."""
    submission_days: Annotated[int, Field(ge=1)] = 30
    """How long a submission that was refused is kept, to be judged again."""
    challenge: ProviderName | None = None
    """Who asks visitors of forms to show that they are human; null: nobody does."""
    challenge_site_key: str | None = None
    challenge_secret: SecretStr | None = None
    challenge_verify_url: SecretUrl | None = None
    """Where answers are verified, if not where the provider says."""

    @model_validator(mode="after")
    def _challenge_is_complete(self) -> Self:
        if self.challenge is not None and not (self.challenge_site_key and self.challenge_secret):
            raise ValueError("CHALLENGE needs CHALLENGE_SITE_KEY and CHALLENGE_SECRET, which its provider gives out")
        return self

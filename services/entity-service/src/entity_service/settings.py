"""The settings of entity-service."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import SecretStr, field_validator
from pydantic_settings import NoDecode

from contracts.kit.plaintext import SecretUrl
from contracts.kit.settings import ServiceSettings
from contracts.values import Code


class Settings(ServiceSettings):
    """Those of every service, and what providers need."""

    secrets_key: SecretStr
    """32 random bytes in base64url, with which the secrets of accounts at providers are kept; with another key put the
    secrets again."""
    public_entity_url: SecretUrl
    """Where providers reach this service with their reports."""
    payment_providers: Annotated[Mapping[Code, SecretUrl], NoDecode] = {}
    """Where payment providers are asked, by the names that tenants' accounts use: `sandbox=https://…`, with commas."""
    carriers: Annotated[Mapping[Code, SecretUrl], NoDecode] = {}
    """The same of carriers."""

    @field_validator("payment_providers", "carriers", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        """Raises ValueError for what is not `name=url` with commas between."""
        if not isinstance(value, str):
            return value
        pairs = [one.strip().partition("=") for one in value.split(",") if one.strip()]
        if any(not separator for _, separator, _ in pairs):
            raise ValueError("write name=url, with commas between several")
        return {name: url for name, _, url in pairs}

"""Payment providers."""

from pydantic import BaseModel, ConfigDict, SecretStr

from contracts.inputs import Input
from contracts.texts import Name


class ProviderSpec(Input):
    """A payment provider. `secret` (Standard Webhooks, `whsec_…`) is written only; left out, the former one stays."""

    name: Name
    secret: SecretStr | None = None
    archived: bool = False


class Provider(BaseModel):
    """A payment provider as it is kept; `token` is the address it calls, `sealed` its secret, encrypted."""

    model_config = ConfigDict(frozen=True)

    code: str
    token: str
    name: str
    sealed: str
    archived: bool

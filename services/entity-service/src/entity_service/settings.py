"""The settings of entity-service."""

from contracts.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """Those of every service."""

"""What entity-service is told by its environment."""

from contracts.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing beyond what every service is told."""

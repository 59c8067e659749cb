"""What is done beside requests and messages: asking providers, and what is done now and then."""

from entity_service.jobs.asking import Asking
from entity_service.jobs.upkeep import Forgetting, Unlocking

__all__ = ["Asking", "Forgetting", "Unlocking"]

"""`python -m entity_service run | migrate`."""

from entity_service.main import run

run()

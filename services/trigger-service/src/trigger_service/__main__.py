"""`python -m trigger_service run | migrate`."""

from trigger_service.main import run

run()

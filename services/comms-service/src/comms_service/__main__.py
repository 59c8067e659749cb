"""`python -m comms_service run | migrate`."""

from comms_service.main import run

run()

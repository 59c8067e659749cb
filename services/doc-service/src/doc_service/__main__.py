"""`python -m doc_service run | migrate`."""

from doc_service.main import run

run()

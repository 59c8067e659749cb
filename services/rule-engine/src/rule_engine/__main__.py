"""`python -m rule_engine run | migrate`."""

from rule_engine.main import run

run()

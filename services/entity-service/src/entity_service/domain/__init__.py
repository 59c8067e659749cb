"""What entity-service decides: pure values and functions."""

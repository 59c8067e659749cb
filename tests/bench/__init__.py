"""The bench: every path beside its raw floor, in one run, on one machine."""

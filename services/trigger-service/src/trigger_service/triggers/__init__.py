"""What can set off a move: one class per trigger type, one file per group of the catalogue."""

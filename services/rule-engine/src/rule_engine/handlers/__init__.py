"""What the engine consumes."""

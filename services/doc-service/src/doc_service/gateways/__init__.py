"""The outside world: the typesetter in its sandbox, and the object store."""

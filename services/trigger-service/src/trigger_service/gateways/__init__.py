"""The outside world: entity-service over HTTP, and who shows that visitors are human."""

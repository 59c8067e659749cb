"""The outside world: entity-service over HTTP, and the signatures of payment providers."""

"""Every SQL statement of this service. Each takes the caller's transaction."""

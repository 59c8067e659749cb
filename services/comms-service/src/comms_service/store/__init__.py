"""Every SQL statement of this service, split by noun."""

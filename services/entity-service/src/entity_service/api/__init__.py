"""The HTTP APIs: translate a request to a change and back, split by noun."""

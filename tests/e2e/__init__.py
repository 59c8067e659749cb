"""Scenarios on all services and servers. A package, so that its stack ends with its last test."""

"""Decisions about messages, channels, consents, notifications and sender domains, without asking anybody."""

"""Definitions, and the pure decisions about what arrives."""

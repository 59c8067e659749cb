"""Replays: recorded decisions, decided again by another version."""

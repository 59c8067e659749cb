"""Everything that comes from outside and may move or create an item."""

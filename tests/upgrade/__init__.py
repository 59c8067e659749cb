"""Two versions side by side under load: a rolling update, and nothing lost, doubled, late or out of order."""

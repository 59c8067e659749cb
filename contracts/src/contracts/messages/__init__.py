"""Every message, by owner: events (facts for anyone), commands (imperatives to their owner), results (answers)."""

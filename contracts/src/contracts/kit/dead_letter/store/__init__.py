"""Every statement on dead letters, on what operators did with them, and on parked outbox rows: a module each."""

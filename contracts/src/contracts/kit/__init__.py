"""How delivery is kept: settings, broker, outbox, inbox, commands, dead letters, database, leased work, auth, HTTP,
telemetry, health. Nothing here knows what the business is about.
"""

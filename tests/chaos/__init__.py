"""`make chaos`: load on all services while they and their servers are killed, stalled and restarted; then the audit."""

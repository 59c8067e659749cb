"""Rule sets and versions, planning, durable runs, decisions."""

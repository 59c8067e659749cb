"""When a rule is due: calendars, clocks, run times."""

"""Documents, templates, numbers, links: pure decisions and how values are printed."""

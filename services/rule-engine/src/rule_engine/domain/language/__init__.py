"""What authors write inside rules: templates, expressions, conditions, and the values they name."""

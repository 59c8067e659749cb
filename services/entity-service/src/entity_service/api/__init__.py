"""HTTP: translates a request to a change and back, one file per noun."""

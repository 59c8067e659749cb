"""HTTP: translates requests to decisions and back."""

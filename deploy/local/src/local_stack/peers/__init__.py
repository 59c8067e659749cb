"""The outside world in small: mail server, SMS provider, payment provider, trace collector. Each is its own process."""

"""The outside world in small: providers of mail, SMS and payments, a carrier, a collector of traces; a process each."""

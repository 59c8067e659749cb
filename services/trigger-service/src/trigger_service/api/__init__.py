"""HTTP: definitions and arrivals under `/v1`; public addresses under `/f` and `/hooks`."""

"""What the API, handlers and jobs share: each method in its caller's transaction."""

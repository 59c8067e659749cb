"""What authors do with rule sets: the document, its checks, and what it is compiled to."""

"""What strangers, lesser roles and other tenants may do. A package, so that its services end with its last test."""

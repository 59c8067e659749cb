"""HTTP: files, templates and documents for employees and services; the public page of a document for its readers."""

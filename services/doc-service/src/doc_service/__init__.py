"""Files, templates, documents, PDF, public links."""

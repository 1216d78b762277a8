"""Use cases against both databases, with committed data."""

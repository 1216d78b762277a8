"""Records against both databases, with committed data."""

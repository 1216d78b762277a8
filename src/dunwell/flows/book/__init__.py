"""The book's use cases: items and accounts imported, the sample book loaded."""

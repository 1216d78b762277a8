"""A made-up book, the same for the same seed: two creditors, their customers, and what customers do."""

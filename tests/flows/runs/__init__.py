"""Runs proposed, posted, delivered and explained, on both databases."""

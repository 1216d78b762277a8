"""Rates, and what letters say of the law, on both databases."""

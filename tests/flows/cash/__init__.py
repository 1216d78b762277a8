"""Payments and what is taken back, on both databases."""

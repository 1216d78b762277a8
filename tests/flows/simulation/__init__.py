"""Simulations over a real book, and what they refuse."""

"""Holds, disputes and promises, on both databases."""

"""Simulations, held against the plain fold."""

"""Figures, held against worked examples."""

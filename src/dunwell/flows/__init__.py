"""CONNECTS. One use case per file: load, call the pure part, save in one transaction, hand on.

Nothing here knows which door it was called from. Expected refusals are the four of `errors.py`.
"""

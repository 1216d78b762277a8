"""Simulations: policies from files or in force, played over an entity's history; nothing is written to the book.

`scenarios.py` reads what is compared, `simulate.py` plays it, `words.py` says what it shows and what it cannot,
`files.py` writes tables, pictures and pages.
"""

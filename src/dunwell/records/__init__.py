"""REMEMBERS. Models and one migration tree for SQLite and PostgreSQL; frames out, bulk in.

Models hold fields, constraints and indexes. `frames` reads a book as Polars frames inside the caller's
transaction, `bulk` writes what `advance` says has changed, `connect` chooses the database.
"""

"""Mutation testing of the engine: small faults put into it one by one, and whether the tests see each.

`make mutants` runs it, CI does not: see docs/mutants.md.
"""

"""DECIDES. `decide(book, policies, as_of) -> Plan` and `advance(book, events) -> Book, effects`.

Pure: no database, no network, no clock, no chance. What the words mean exactly stands in docs/semantics.md,
and tests/engine/oracle.py says the same again in plain Python.
"""

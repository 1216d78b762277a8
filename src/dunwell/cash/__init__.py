"""MATCHES: bank lines and open items into allocations, with a confidence and a reason. Pure.

`match` walks a ladder from what is certain to what is merely likely (docs/cash.md).
"""

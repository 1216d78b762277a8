"""MATCHES: bank lines and open items into allocations, with a confidence and a reason. Pure.

`match` walks a ladder from what is certain to what is only likely (docs/cash.md); what it says is data, and flows
do it.
"""

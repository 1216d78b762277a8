"""SPEAKS OUT. A message over one wire per file; `outbox` writes it to a folder.

A channel knows an envelope and a message, never the database. What it cannot do it raises as
`Temporary` or `Permanent`; sending the same delivery twice must not reach the debtor twice.
"""

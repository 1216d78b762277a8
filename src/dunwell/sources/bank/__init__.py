"""HEARS IN what banks send: statements, reports within the day, and advices, one module a format.

Each reads a file in one pass, in constant memory, into the same pieces (`pieces`): a statement opens, has lines, and
closes. `balances` adds them up on the way, and refuses a statement whose figures contradict each other.
"""

"""CONNECTS money with the book: payments and what is taken back.

Each is applied to one account at once; what waits to be sent to it is looked at again in the same transaction.
"""

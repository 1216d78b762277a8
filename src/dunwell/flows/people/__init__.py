"""CONNECTS what people say with the book: holds, disputes and promises.

Each is applied to one account at once; what waits to be sent to it is looked at again in the same transaction.
"""

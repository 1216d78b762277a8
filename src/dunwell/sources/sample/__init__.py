"""A made-up book, the same for the same seed: two creditors, their customers, and what customers do.

`book.sample_book` is the way in; nothing in it is real, and no address in it can be written to.
"""

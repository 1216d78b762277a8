"""What each kind of event does to a book: `(book, event) -> Effects`, one function each.

Money (invoices, payments, credits), people (holds, disputes, promises) and notices (posted, delivered, taken back).
"""

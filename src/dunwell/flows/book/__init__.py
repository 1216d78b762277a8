"""What changes the book: a new one begun, files of items imported, the sample book loaded.

Each brings its rows in one transaction, with an audit event for every entity concerned.
"""

"""HEARS what a payment is for: an advice that a payer sends in a file of its own, as a table or as a PDF.

Every reader gives `Advice`s; what is wrong with a file goes to `Problems`, each with its place.
"""

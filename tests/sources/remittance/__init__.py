"""Advices as payers send them: tables with and without a mapping, and PDFs of many layouts.

Every file is made by its test.
"""

"""The law at work in a book: reference rates that people keep, and what a claim bears by now.

The rules and the rates that come with Dunwell are in `engine.law`; here they meet what is on record.
"""

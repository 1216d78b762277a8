"""WRITES. A notice and a language become a message: `write(notice) -> Message`.

Pure: no clock, no network, no database. Templates are the only files read, one folder per language.
"""

"""The policy language: what a dunning procedure can say, checked at load with file and line.

`model.py` holds the keys, `expressions.py` the SQL booleans and their allow-list; `parse.py` turns text into
a `Policy`.
"""

"""The fonts of letters, so that they look the same on every machine, and the signs that they have.

README.md says where they come from and under which licences. `signs.txt` lists what they can print.
"""

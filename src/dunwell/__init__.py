"""Dunwell: dunning that explains itself.

The rooms are laid out along the way of the data: sources hear in, records remember, the engine decides,
flows connect, letters write, channels speak out. ARCHITECTURE.md has the picture.
"""

__version__ = "0.1.0"

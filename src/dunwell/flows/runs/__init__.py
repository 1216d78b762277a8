"""The life of a run: proposed, posted, delivered; and explained to whoever asks.

Posting is by compare-and-set: an item that changed since the decision is never announced by it.
"""

"""The life of a run: proposed, posted, delivered; and explained to whoever asks."""

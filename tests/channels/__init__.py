"""Channels against what they really speak to."""

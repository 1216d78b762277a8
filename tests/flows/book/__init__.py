"""Imports and the sample book."""

"""What templates can do besides Django's own.

Texts alone, which templates escape like all others.
"""

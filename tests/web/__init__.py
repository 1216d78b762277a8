"""The console: pages by Django's client on both databases, and in a browser."""

"""Reports from real books: what is known, what is left out, and what was kept day by day."""

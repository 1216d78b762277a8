"""Real worker processes on both databases: they share work, are killed, and are waited for."""

"""Bank files read and refused, without a database."""

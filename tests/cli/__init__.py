"""The shell, as a person or a program meets it."""

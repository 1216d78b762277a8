"""Stories that play the policies of docs/procedures.md."""

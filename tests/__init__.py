"""Tests mirror `src/dunwell`; `postgres` starts the server that tests and benches share."""

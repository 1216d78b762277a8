"""Bank lines and open items, matched."""

"""Bank lines against open items, in the words of the trade."""

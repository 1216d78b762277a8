"""One tree for both databases; a vendor's own statements stand behind a check of the vendor."""

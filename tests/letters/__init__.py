"""Letters as a debtor reads them."""

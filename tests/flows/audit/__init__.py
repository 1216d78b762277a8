"""The audit trail: sealed, verified against tampering, and shown, on both databases."""

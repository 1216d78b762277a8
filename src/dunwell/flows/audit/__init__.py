"""The audit trail: sealed into a chain, verified, and shown to whoever asks what happened.

Events are written by the flows they tell of, in the same transaction.
"""

"""The steps of `decide`, one thought each, in the order of the pipeline.

Every step takes lazy frames and adds columns; none removes rows. What they mean stands in docs/semantics.md.
"""

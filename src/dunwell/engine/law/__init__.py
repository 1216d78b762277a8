"""The law of late payment, as data: which interest, flat sums and fees a country allows, what money counts for first.

A regime (`engine/regimes/*.yaml`) says the rules, reference series (`engine/rates/*.csv`) give the figures.
`working.py` works one claim out in full, `accrual.py` a book of them in frames; both are exact, and round once.
"""

"""Simulations: what policies would have sent over a period of the past, folded from `decide` and `advance` in memory.

`happenings.py` tells what happened apart from us, `play.py` folds over it, `clocks.py` says which days need a look,
`ahead.py` takes several of them at once, `response.py` lets payments answer by a stated model, `result.py` measures
what came of it.
"""

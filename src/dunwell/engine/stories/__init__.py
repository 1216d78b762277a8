"""Stories: unit tests for policies, folded from `decide` and `advance` in memory.

`format.py` reads a story, `world.py` keeps its book and names, `runner.py` plays it, `report.py` says what differed.
"""

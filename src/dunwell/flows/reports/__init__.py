"""Figures over the book of entities: what is owed by age, measures over some days, and their trend over months.
Each reads a history or what was kept of every day, calls `insight`, and says what is left out.
"""

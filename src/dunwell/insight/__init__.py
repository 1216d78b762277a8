"""MEASURES. Figures over a book or its history for the people who steer by them: how old what is owed is, how many days
of sales, how much of it is collected and how late, what notices and promises come to.

Pure: frames in, frames out, the date a parameter. Sums are exact integers in minor units.
"""

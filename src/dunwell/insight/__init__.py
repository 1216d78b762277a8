"""MEASURES. Figures over a book for the people who steer by it; `ageing` is how old what is owed is.

Pure: frames in, frames out, the date a parameter. Sums are exact integers in minor units.
"""

"""HEARS IN. One module per format or system; each turns what it hears into frames with declared types.

A source checks everything before it hands anything on: what is wrong comes back as problems, each with its
line, its column, the value and what to do. It knows no database; flows save what it has heard.
"""

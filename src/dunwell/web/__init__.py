"""Door: the console, pages for those who work with the book. Asks read models and flows, and shows what came of it.

`pages` has a module for each kind of page, `templates` what they look like. Forms alone change something, by POST;
who does it is who signed in. Nothing here saves a row.
"""

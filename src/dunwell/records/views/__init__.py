"""Read models: what pages show, ready to be shown, in a bounded number of queries whatever the size of the book.

Each is asked for one entity's rows, or for those of the entities given. Lists come in pages that begin behind a key,
so that the last page costs what the first one does.
"""

"""LAYS OUT. The words of a letter become text, HTML for mails, or a page: no sentence is written here.

Each layout takes the same `Letter`; what data hold is shown as it is, and never read as markup.
"""

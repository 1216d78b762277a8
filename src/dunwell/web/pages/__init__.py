"""The pages of the console, a module for each kind.

Each view reads what was asked, calls a read model or a flow, and renders a template. Refusals of flows pass through.
"""

"""Measures each speed beside its floor: `python -m bench` for all, `python -m bench read` for one."""

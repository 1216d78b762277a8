"""The door of clock and queue: works off what is due, until it is told to stop.

On PostgreSQL any number of workers share the queue; on SQLite one worker looks for work itself.
"""

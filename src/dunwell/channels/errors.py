"""Why a message did not leave: for now, or for good."""


class Temporary(Exception):
    """The message did not leave this time; it may, if tried again after `retry_after_seconds`."""

    def __init__(self, reason: str, *, retry_after_seconds: int) -> None:
        """Keep the reason, for the person who reads the attempt."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class Permanent(Exception):
    """The message will not leave over this channel, however often it is tried; `reason` says what a person must do."""

    def __init__(self, reason: str) -> None:
        """Keep the reason, for the task it becomes."""
        super().__init__(reason)
        self.reason = reason

"""Why a message did not leave: for now, or for good; or why nobody can tell."""


class Temporary(Exception):
    """The message did not leave this time; it may, if tried again after `retry_after_seconds`.

    `of_message`: it is this message that is refused, and no other; not for ever will it be tried.
    """

    def __init__(self, reason: str, *, retry_after_seconds: int, of_message: bool = False) -> None:
        """Keep the reason, for the person who reads the attempt."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
        self.of_message = of_message


class Permanent(Exception):
    """The message will not leave over this channel, however often it is tried; `reason` says what a person must do."""

    def __init__(self, reason: str) -> None:
        """Keep the reason, for the task it becomes."""
        super().__init__(reason)
        self.reason = reason


class InDoubt(Exception):
    """The message may have left, or not; only a person can find out, and it must not be sent again before that."""

    def __init__(self, reason: str) -> None:
        """Keep the reason, for the task it becomes."""
        super().__init__(reason)
        self.reason = reason

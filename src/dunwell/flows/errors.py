"""The four ways a use case refuses; each door says them once in its own way."""

from collections.abc import Sequence


class FlowError(Exception):
    """A refusal that a person can act on."""


class NotFound(FlowError):
    """What was asked for is not there."""


class Forbidden(FlowError):
    """Whoever asks may not do this."""


class Conflict(FlowError):
    """It cannot be done now, because of what has happened meanwhile."""


class Invalid(FlowError):
    """What was given cannot be taken; `problems` says where and why, one line each."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *problems]))
        self.message = message
        self.problems = tuple(problems)

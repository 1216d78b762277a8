"""The one worker of a book on SQLite: looks for work, does it, and looks again."""

import signal
from threading import Event
from types import FrameType
from typing import Final

from django.db import DatabaseError

from dunwell.flows.runs.work import Piece
from dunwell.records import chain, connect
from dunwell.worker.hands import Hands, log, name_of

LOOK_SECONDS: Final = 5.0


def work_alone(hands: Hands) -> None:
    """Work until a signal says stop, or `once`. Errors: WrongReleaseError, such as after an upgrade."""
    stopped = _stopped_by_signal()
    before: list[Piece] = []
    while not stopped.is_set():
        pieces = []
        try:
            connect.require_this_release()
            pieces = list(hands.due())
            for piece in pieces:
                if not stopped.is_set():
                    _try(hands, piece)
            chain.seal()
        except DatabaseError as error:  # such as somebody who writes for longer than we wait for the lock
            log.error("%s; trying again", str(error).strip())  # the text says all
        is_idle = not pieces or pieces == before  # what was refused, or failed, is still due
        if is_idle and hands.once:
            return
        if is_idle:
            stopped.wait(LOOK_SECONDS)
        before = pieces


def _try(hands: Hands, piece: Piece) -> None:
    try:
        hands.do(piece)
    except Exception:  # noqa: BLE001  # one piece that fails, for whatever reason, holds up no other
        log.exception("%s failed, and is tried again", name_of(piece))


def _stopped_by_signal() -> Event:
    """Set by SIGTERM or SIGINT: the piece under way is finished first."""
    stopped = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        log.info("stopping")
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped

"""The outbox channel: one file a delivery, in a folder a run, for people and programs to pick up.

A mail is an .eml with the letter attached, ready to be sent; a letter is a .pdf, ready to be printed; what goes over
another channel is a .txt.

A file is under its name only when it is whole: it is written under a name with a dot, put on the disk, and renamed.
One that is there already and says something else is somebody else's, such as an earlier book's: it is neither taken for
the delivery nor overwritten.
"""

import errno
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path
from typing import Final, ParamSpec, TypeAlias, TypeVar

from dunwell.channels.envelope import Envelope, Receipt
from dunwell.channels.errors import Permanent, Temporary
from dunwell.channels.files import NewFile, sync_folder
from dunwell.channels.mail import encodable, mail_of, one_line
from dunwell.letters.notice import Message

__all__ = ["Envelope", "Outbox", "Receipt"]

Outcome: TypeAlias = Receipt | Temporary | Permanent
P = ParamSpec("P")
T = TypeVar("T")
FILES_AT_ONCE: Final = 250  # open at the same time
SYNCS_AT_ONCE: Final = 32  # the disk answers for many files with one write of its journal
PAYER_BYTES_MAX: Final = 80  # of the account's code in a file's name, which may have 255
RETRY_SECONDS: Final = 60
NOON: Final = time(12, tzinfo=UTC)  # of the notice's date: the same delivery is the same file
# Something else is where a folder or file should be; whatever else a disk refuses, such as when it is full or may not
# be written to, is right for every message once somebody has seen to it.
_LASTING: Final = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})
_KIND_OF_FILE: Final = {"email": "eml", "letter": "pdf"}
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class Outbox:
    """A folder into which messages are written."""

    def __init__(self, folder: Path | str) -> None:
        """Name the folder; it is made with the first message."""
        self.folder = Path(folder)

    def holds(self, run: int) -> Path | None:
        """Return the folder of a run if anything is seen in it; what is wrong with it is said by `send`."""
        folder = self.folder / str(int(run))
        with suppress(OSError):
            return folder if any(folder.iterdir()) else None
        return None

    def made(self, envelope: Envelope) -> Receipt | None:
        """Return the receipt of a delivery that was made, by whomever, or None. Errors: OSError."""
        path = self.folder / str(int(envelope.run)) / file_name(envelope)
        if not path.exists():
            return None
        sync_folder(path.parent)  # its name may not be on the disk yet
        return Receipt(envelope.message_id, path, again=True)

    def send(self, envelope: Envelope, message: Message) -> Receipt:
        """Write one message. It is on the disk, and under its name, when this returns.

        A delivery that was already made is not made again. Errors: Temporary; Permanent, also for another message under
        its name.
        """
        (outcome,) = self.send_all([(envelope, message)])
        if isinstance(outcome, Receipt):
            return outcome
        raise outcome

    def send_all(self, deliveries: Iterable[tuple[Envelope, Message]]) -> list[Outcome]:
        """Write many messages; what came of each, in their order: errors are values here.

        As durable as `send`, and several times faster, since the disk takes many files at once. After a crash in
        between some files may be missing; none is in part, and sending all of them again completes them.
        """
        rest = iter(deliveries)
        outcomes: list[Outcome] = []
        while some := list(islice(rest, FILES_AT_ONCE)):
            outcomes += self._send(some)
        return outcomes

    def _send(self, deliveries: Sequence[tuple[Envelope, Message]]) -> list[Outcome]:
        files: dict[Path, NewFile] = {}
        outcomes = [_tried(self._begin, files, envelope, message) for envelope, message in deliveries]
        with ThreadPoolExecutor(SYNCS_AT_ONCE) as pool:
            ended = dict(zip(files, pool.map(lambda file: _tried(file.end), files.values()), strict=True))
        # Also for deliveries already made: whoever made them may have ended before their names were on the disk.
        paths = [outcome.path if isinstance(outcome, Receipt) else None for outcome in outcomes]
        synced = {folder: _tried(sync_folder, folder) for folder in {path.parent for path in paths if path}}
        return [
            (synced[path.parent] or ended.get(path) if path else None) or outcome
            for path, outcome in zip(paths, outcomes, strict=True)
        ]

    def _begin(self, files: dict[Path, NewFile], envelope: Envelope, message: Message) -> Receipt:
        path = self.folder / str(int(envelope.run)) / file_name(envelope)
        content = _content(envelope, message)
        if path in files or path.exists():
            if path not in files and path.read_bytes() != content:
                raise Permanent(f"{path} is there already and is another message: move it out of the way")
            return Receipt(envelope.message_id, path, again=True)
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)
        files[path] = NewFile.begin(path, content)
        return Receipt(envelope.message_id, path)


def file_name(envelope: Envelope) -> str:
    """Name a delivery's file: its account, notice, channel and delivery; of the texts only letters, figures, `.-_`."""
    numbers = (str(int(envelope.notice_id)), _name_part(envelope.channel), str(int(envelope.delivery_id)))
    named = "-".join(part for part in (_name_part(envelope.payer), *numbers) if part)
    return f"{named}.{_KIND_OF_FILE.get(envelope.channel, 'txt')}"


def _content(envelope: Envelope, message: Message) -> bytes:
    """What a delivery's file holds. Errors: Permanent."""
    match _KIND_OF_FILE.get(envelope.channel):
        case "eml":
            return mail_of(envelope, message, at=datetime.combine(envelope.as_of, NOON))
        case "pdf":
            return message.letter
    return text_of(envelope, message).encode()


def text_of(envelope: Envelope, message: Message) -> str:
    """Set a message with its headers, a line each; a line end in the data does not begin a header of its own."""
    headers = {
        "Message-ID": envelope.message_id,
        "Date": envelope.as_of.isoformat(),
        "Channel": envelope.channel,
        "To": ", ".join(envelope.recipient.splitlines()),
        "Subject": message.subject,
        "Content-Language": message.language,
    }
    lines = [f"{name}: {one_line(value)}".rstrip() for name, value in headers.items()]
    return "\n".join([*lines, "", encodable(message.text)])


def _name_part(text: str) -> str:
    """Keep what every file system takes: no separator, no leading dot, and not too long."""
    kept = re.sub(r"[^\w.-]+", "_", encodable(unicodedata.normalize("NFC", text))).strip("._-")
    return kept.encode()[:PAYER_BYTES_MAX].decode(errors="ignore")


def _tried(do: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | Temporary | Permanent:
    """Do something with the disk; a refusal is a value."""
    try:
        return do(*args, **named)
    except Permanent as error:
        return error
    except OSError as error:
        why = f"cannot write into the outbox: {error.strerror}{_where(error)}"
        if error.errno in _LASTING:
            return Permanent(f"{why}; move what is there out of the way")
        if error.errno in _FORBIDDEN:
            why += "; let the user that runs dunwell write there"
        return Temporary(why, retry_after_seconds=RETRY_SECONDS)


def _where(error: OSError) -> str:
    """The place that an error names; of a file under its first name, which is nobody's business, the folder."""
    if not error.filename:
        return ""
    path = Path(os.fsdecode(error.filename))
    return f" ({path.parent if path.name.startswith('.') else path})"

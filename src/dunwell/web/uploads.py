"""Files that people send: one page takes them, of those who have signed in, and of a bounded size."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest

from dunwell.flows.errors import Invalid

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
NAME_BYTES_MAX: Final = 200  # file systems take 255 and no more
PAGE: Final = "bank-files"


class BankFiles(TemporaryFileUploadHandler):
    """Keeps the files of a form in temporary ones while the page is made; those for other pages are not kept at all."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file, or pass it by."""
        if self.request is None or not _is_taken(self.request):
            raise SkipFile
        super().new_file(*args, **kwargs)


def _is_taken(request: HttpRequest) -> bool:
    is_here = request.resolver_match is not None and request.resolver_match.url_name == PAGE
    return is_here and request.user.is_authenticated and _bytes(request) <= FILE_BYTES_MAX


def _bytes(request: HttpRequest) -> int:
    """How long a form says it is; one that does not say it in figures is read by Django as empty."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


@contextmanager
def kept(request: HttpRequest, *names: str) -> Iterator[list[Path | None]]:
    """The files that a form has under these names, each under its own name in a folder that is removed afterwards.

    None where there is none. Errors: Invalid for more than the console takes at once.
    """
    if _bytes(request) > FILE_BYTES_MAX:
        size = f"{FILE_BYTES_MAX // 1024 // 1024} MB"
        raise Invalid(f"this is more than {size}: take it in at the shell, with dunwell cash import FILE")
    with tempfile.TemporaryDirectory(prefix="dunwell-") as folder:
        yield [_copied(Path(folder) / name, request.FILES.get(name)) for name in names]


def _copied(folder: Path, sent: object) -> Path | None:
    if not isinstance(sent, UploadedFile):
        return None
    folder.mkdir()
    name = (sent.name or "file").encode()[-NAME_BYTES_MAX:].decode(errors="ignore")
    path = folder / (name if name.strip(". ") else "file")
    with path.open("wb") as file:
        file.writelines(sent.chunks())
    return path

"""What lies in an outbox, as a person reads it."""

from email import message_from_bytes
from email.policy import default as mail_rules
from pathlib import Path

import pypdf


def in_outbox(folder: Path) -> list[Path]:
    """The messages that left, in order of run and name."""
    return sorted(path for path in folder.rglob("[!.]*") if path.is_file())


def read(path: Path) -> str:
    """What a message says: of a mail, its headers and its text; of a letter, what is printed on it."""
    if path.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    if path.suffix != ".eml":
        return path.read_text(encoding="utf-8")
    mail = message_from_bytes(path.read_bytes(), policy=mail_rules)
    body = mail.get_body(["plain"])
    assert body
    headers = [f"{name}: {value}" for name, value in mail.items()]
    return "\n".join([*headers, "", body.get_content().replace("\r\n", "\n")])

"""What an installation is told: environment `DUNWELL_*`, secret files, then `dunwell.toml`, then defaults.

The first source that names a setting wins. `DUNWELL_DATABASE_URL_FILE=/run/secrets/db` reads the setting
from that file, as container secrets come.
"""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX: Final = "DUNWELL_"
FILE_NAME: Final = "dunwell.toml"
SQLITE_BUSY_SECONDS: Final = 30
# synchronous=FULL: an attempt to send must be durable before the wire is touched.
SQLITE_PRAGMAS: Final = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY"

# What may follow the database's name, as in `?sslmode=verify-full`.
POSTGRESQL_OPTIONS: Final = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name")


PORTS: Final = {"http": 80, "https": 443}
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


class ConfigError(ValueError):
    """A setting that cannot be used, with its name and what is expected."""


class SecretFiles(PydanticBaseSettingsSource):
    """Settings named by `DUNWELL_<NAME>_FILE`: the file's text, without the newline at its end."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002  # Pydantic's signature
        """Return the text of the file that the environment names for this setting, or None."""
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{variable}: cannot read {path}: {error}") from error

    def __call__(self) -> dict[str, Any]:
        """Return every setting that a file gives."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: text for name, text in found.items() if text is not None}


class Config(BaseSettings):
    """The settings. Relative paths are taken from `home`; `load` is the way to get one."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    home: Path = Field(default_factory=Path.cwd, description="directory of dunwell.toml and of the other defaults")
    database_url: str = Field(default="sqlite:///dunwell.sqlite3", description="sqlite:///FILE or postgresql://...")
    archive_dir: Path = Field(default=Path("archive"), description="where runs keep their decisions")
    outbox_dir: Path = Field(default=Path("outbox"), description="where the outbox channel writes messages")
    templates_dir: Path = Field(default=Path("templates"), description="where the words of letters of your own are")
    archive_retention_days: int | None = Field(
        default=None, ge=1, description="how long the archives of runs that are over are kept; none: for ever"
    )
    guard_factor: float = Field(
        default=3.0, ge=0, description="how many times the largest of the last runs a run may be before it needs a look"
    )
    shard_items: int = Field(default=250_000, ge=1, description="how many open items are decided at a time, about")
    smtp_url: SecretStr | None = Field(
        default=None, description="smtp://user:password@host:587, by which mails leave; none: into the outbox"
    )
    mail_from: str | None = Field(default=None, description="whose address mails come from")
    secret_key: SecretStr | None = Field(default=None, description="signs sessions and portal links")
    listen: str = Field(default="127.0.0.1:8000", description="address and port that the console is served on")
    public_url: str | None = Field(default=None, description="how browsers reach the console, behind a proxy")

    @property
    def database_file(self) -> Path | None:
        """The file that the book is in; None where a server has it."""
        scheme = "sqlite:///"
        return Path(self.database_url.removeprefix(scheme)) if self.database_url.startswith(scheme) else None

    @property
    def address(self) -> tuple[str, int]:
        """Where to listen: host and port."""
        parts = urlsplit(f"//{self.listen}")
        return parts.hostname or "", parts.port or 0

    @property
    def hosts(self) -> list[str]:
        """By which names browsers may ask for the console: this machine's own, where it listens, its public one."""
        host, _port = self.address
        own = ["localhost", "127.0.0.1", "[::1]", bracketed(host)]
        return [*own, bracketed(urlsplit(self.public_url).hostname or "")] if self.public_url else own

    @field_validator("listen")
    @classmethod
    def _address(cls, listen: str) -> str:
        try:
            parts = urlsplit(f"//{listen}")
            is_address = bool(parts.hostname and parts.port) and parts.netloc == listen and "@" not in listen
        except ValueError:
            is_address = False
        if not is_address:
            raise ConfigError("expected an address and a port, such as 127.0.0.1:8000")
        return listen

    @field_validator("public_url")
    @classmethod
    def _origin(cls, url: str | None) -> str | None:
        """As browsers write it: in small letters, and with a port only where it is not the usual one."""
        expected = ConfigError("expected the beginning of an address, such as https://dunwell.example")
        try:
            parts = urlsplit(url or "https://unset")
            port = parts.port
            host = bracketed((parts.hostname or "").encode("idna").decode())
        except ValueError:  # also of a name that IDNA has no letters for
            raise expected from None
        is_more = parts.path.strip("/") or parts.query or "@" in parts.netloc
        if parts.scheme not in PORTS or host.startswith((".", "*")) or not host or is_more:
            raise expected
        return url and f"{parts.scheme}://{host}{f':{port}' if port and port != PORTS[parts.scheme] else ''}"

    @field_validator("database_url")
    @classmethod
    def _usable(cls, url: str) -> str:
        django_database(url)
        return url

    @field_validator("smtp_url")
    @classmethod
    def _mailable(cls, url: SecretStr | None) -> SecretStr | None:
        if url:
            smtp_server(url.get_secret_value())
        return url

    @model_validator(mode="after")
    def _from_somebody(self) -> Self:
        if self.mail_from and not _ADDRESS.fullmatch(self.mail_from):
            raise ConfigError(f"mail_from: {self.mail_from!r} is no mail address, such as dunning@acme.example")
        if self.smtp_url and not self.mail_from:
            raise ConfigError("mail_from: say whose address mails come from, such as dunning@acme.example")
        return self

    @model_validator(mode="before")
    @classmethod
    def _from_home(cls, values: dict[str, Any]) -> dict[str, Any]:
        home = Path(values.get("home") or Path.cwd()).expanduser().absolute()
        filled = {
            "archive_dir": "archive",
            "outbox_dir": "outbox",
            "templates_dir": "templates",
            "database_url": "sqlite:///dunwell.sqlite3",
        } | values
        filled["database_url"] = from_home(str(filled["database_url"]), home)
        for name in ("archive_dir", "outbox_dir", "templates_dir"):
            filled[name] = _folder(name, filled[name], home)
        return filled | {"home": home}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # Pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, secret files, `dunwell.toml`."""
        home = init_settings().get("home") or os.environ.get(f"{PREFIX}HOME") or Path.cwd()
        toml = TomlConfigSettingsSource(settings_cls, toml_file=Path(home).expanduser() / FILE_NAME)
        if "home" in toml.toml_data:
            raise ConfigError(f"home: it is no setting of {FILE_NAME}, which stands in it; say --home or {PREFIX}HOME")
        return init_settings, env_settings, SecretFiles(settings_cls), toml


def load(**given: object) -> Config:
    """Read the settings; `given` overrides every source. Errors: ConfigError, naming the setting."""
    try:
        return Config(**given)  # type: ignore[arg-type]  # validated by Pydantic
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{name}: no setting is called so; known are {', '.join(Config.model_fields)}") from error
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error
    except ConfigError:
        raise
    except ValueError as error:  # a dunwell.toml that is not TOML
        raise ConfigError(f"{FILE_NAME}: {error}") from error


def write_settings(home: Path) -> None:
    """Write `dunwell.toml` with a key of its own, readable by its owner only; one that is there stays."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / FILE_NAME
    with suppress(FileExistsError):
        file.touch(mode=0o600, exist_ok=False)  # of two at once, one writes
        file.write_text(
            "# Settings of this book; the environment's DUNWELL_* come first. See docs/settings.md.\n"
            f'secret_key = "{secrets.token_urlsafe(50)}"\n'
            '# database_url = "postgresql://dunwell@localhost/dunwell"\n',
            encoding="utf-8",
        )


def _folder(name: str, given: object, home: Path) -> Path:
    """Make a folder's path absolute, from `home`. Errors: ConfigError."""
    if not isinstance(given, (str, Path)) or not str(given).strip():
        raise ConfigError(f"{name}: expected the path of a folder, not {given!r}; leave it out for the default")
    return home / Path(given).expanduser()


def unknown_variables() -> list[str]:
    """The variables `DUNWELL_*` of the environment that are no setting, and so do nothing."""
    known = {f"{PREFIX}{name.upper()}{end}" for name in Config.model_fields for end in ("", "_FILE")}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def from_home(url: str, home: Path) -> str:
    """Make the file of a `sqlite:///FILE` URL absolute, from `home`; other URLs stay."""
    scheme = "sqlite:///"
    if not url.startswith(scheme) or url == scheme or url.endswith(":memory:"):
        return url
    return f"{scheme}{home / Path(url.removeprefix(scheme)).expanduser()}"


def bracketed(host: str) -> str:
    """A host as it stands in an address: of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def django_database(url: str) -> dict[str, Any]:
    """Turn a database URL into Django's settings for one connection.

    Errors: ConfigError; the password is never part of the message.
    """
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme in {"postgresql", "postgres"}:
        return _postgresql(url)
    raise ConfigError(
        f"database_url begins with {scheme!r}; expected sqlite:///FILE or postgresql://user@host/database"
    )


def smtp_server(url: str) -> dict[str, Any]:
    """Turn the URL of a mail server into the fields of `channels.smtp.Server`.

    `smtp://` asks for STARTTLS (port 587), `smtps://` is encrypted from the beginning (port 465); `smtp://...?tls=none`
    is not, as on this machine. Errors: ConfigError; the password is never part of the message.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(
            "smtp_url: it cannot be read; a password's signs such as # ? / [ @ are written %23 %3F %2F %5B %40, and the"
            " port is a number"
        ) from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    is_known = parts.scheme in {"smtp", "smtps"} and set(options) <= {"tls"} and options.get("tls", "none") == "none"
    if (
        not is_known
        or parts.fragment
        or not parts.hostname
        or parts.path not in {"", "/"}
        or (options and parts.scheme == "smtps")
    ):
        raise ConfigError("smtp_url: expected smtp://user:password@host:587, smtps://..., or smtp://host:25?tls=none")
    return {
        "host": parts.hostname,
        "port": port or (465 if parts.scheme == "smtps" else 25 if options else 587),
        "tls": "implicit" if parts.scheme == "smtps" else options.get("tls", "starttls"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }


def _sqlite(url: str) -> dict[str, Any]:
    path = url.removeprefix("sqlite:///")
    if path in {url, ""}:
        raise ConfigError("database_url: expected sqlite:///FILE (an absolute path gives four slashes)")
    if path == ":memory:":
        raise ConfigError("database_url: a database in memory would be lost with the process; name a file")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        # IMMEDIATE: a transaction that reads and then writes never fails half way for want of the lock.
        "OPTIONS": {
            "timeout": SQLITE_BUSY_SECONDS,
            "transaction_mode": "IMMEDIATE",
            "init_command": SQLITE_PRAGMAS,
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    try:
        port = parts.port
    except ValueError:
        raise ConfigError("database_url: the port is not a number between 0 and 65535") from None
    if not parts.hostname or not name or "/" in name:
        raise ConfigError("database_url: expected postgresql://user:password@host:port/database")
    options = dict(parse_qsl(parts.query))
    if strange := sorted(set(options) - set(POSTGRESQL_OPTIONS)) or parts.fragment:
        raise ConfigError(f"database_url: {strange} is not among the parameters {', '.join(POSTGRESQL_OPTIONS)}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "HOST": parts.hostname,
        "PORT": str(port or ""),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": options,
    }

"""Settings come from the environment, secret files, dunwell.toml and defaults, in this order."""

from pathlib import Path

import pytest

from dunwell.config import ConfigError, django_database, load, smtp_server, unknown_variables


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and no other setting in the environment."""
    for name in ("DATABASE_URL", "SECRET_KEY", "ARCHIVE_DIR", "OUTBOX_DIR", "DATABASE_URL_FILE"):
        monkeypatch.delenv(f"DUNWELL_{name}", raising=False)
    monkeypatch.setenv("DUNWELL_HOME", str(tmp_path))
    return tmp_path


def test_everything_has_a_default_in_home(home: Path) -> None:
    config = load()
    assert config.home == home
    assert config.database_url == f"sqlite:///{home}/dunwell.sqlite3"
    assert (config.archive_dir, config.outbox_dir, config.secret_key) == (home / "archive", home / "outbox", None)


def test_home_is_where_one_stands(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUNWELL_HOME")
    monkeypatch.chdir(home)
    (home / "dunwell.toml").write_text('outbox_dir = "sent"\n')
    assert load().outbox_dir == home / "sent"


def test_relative_paths_are_from_home(home: Path) -> None:
    (home / "dunwell.toml").write_text(
        'database_url = "sqlite:///data/book.db"\narchive_dir = "a"\noutbox_dir = "/out"\n'
    )
    config = load()
    assert config.database_url == f"sqlite:///{home}/data/book.db"
    assert (config.archive_dir, config.outbox_dir) == (home / "a", Path("/out"))


def test_the_first_source_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "dunwell.toml").write_text('secret_key = "toml"\n')
    assert load().model_dump()["secret_key"].get_secret_value() == "toml"
    (home / "key").write_text("from a file\n")
    monkeypatch.setenv("DUNWELL_SECRET_KEY_FILE", str(home / "key"))
    assert load().model_dump()["secret_key"].get_secret_value() == "from a file"
    monkeypatch.setenv("DUNWELL_SECRET_KEY", "environment")
    assert load().model_dump()["secret_key"].get_secret_value() == "environment"
    assert load(secret_key="argument").model_dump()["secret_key"].get_secret_value() == "argument"  # noqa: S106  # not a real one


def test_a_secret_is_not_shown(home: Path) -> None:
    assert "hush" not in repr(load(secret_key="hush"))  # noqa: S106  # not a real one


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('datbase_url = "x"', "datbase_url: no setting is called so"),
        ('database_url = "mysql://host/db"', "begins with 'mysql'; expected sqlite:///FILE or postgresql://"),
        ('database_url = "nothing"', "expected sqlite:///FILE"),
        ('database_url = "sqlite://book.db"', "expected sqlite:///FILE"),
        ('database_url = "sqlite:///"', "expected sqlite:///FILE"),
        ('database_url = "sqlite:///:memory:"', "name a file"),
        ('database_url = "postgresql://u:hush@host"', "expected postgresql://user:password@host:port/database"),
        ('database_url = "postgresql:///db"', "expected postgresql://user:password@host:port/database"),
        ('database_url = "postgresql://u:hush@host:high/db"', "the port is not a number"),
        ('database_url = "postgresql://u:hush@host/db?pool=1"', "['pool'] is not among the parameters sslmode"),
        ("database_url = ", "dunwell.toml"),
        ("outbox_dir = 5", "outbox_dir: expected the path of a folder, not 5; leave it out for the default"),
        ("archive_dir = ['a']", "archive_dir: expected the path of a folder, not ['a']"),
        ("outbox_dir = ''", "outbox_dir: expected the path of a folder, not ''"),
        ("archive_dir = ' '", "archive_dir: expected the path of a folder"),
        ("database_url = 5", "expected sqlite:///FILE or postgresql://"),
        ("guard_factor = 'x'", "guard_factor: "),
        ("shard_items = []", "shard_items: "),
        ("secret_key = 5", "secret_key: "),
        ("home = '/srv'", "home: it is no setting of dunwell.toml, which stands in it; say --home or DUNWELL_HOME"),
    ],
)
def test_a_bad_setting_is_named(home: Path, toml: str, message: str) -> None:
    (home / "dunwell.toml").write_text(toml)
    with pytest.raises(ConfigError) as caught:
        load()
    assert message in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_secret_file_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNWELL_DATABASE_URL_FILE", str(home / "nowhere"))
    with pytest.raises(ConfigError, match="DUNWELL_DATABASE_URL_FILE: cannot read"):
        load()


def test_a_postgresql_url_is_taken_apart() -> None:
    found = django_database("postgresql://a%40b:p%2Fw@db.example:6543/book?sslmode=require")
    assert found["OPTIONS"] == {"sslmode": "require"}
    names = ("ENGINE", "NAME", "HOST", "PORT", "USER", "PASSWORD")
    assert [found[name] for name in names] == [
        "django.db.backends.postgresql", "book", "db.example", "6543", "a@b", "p/w",
    ]  # fmt: skip


def test_variables_that_are_no_setting_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNWELL_OUTBOX", "x")
    monkeypatch.setenv("DUNWELL_SECRET_KEY_FILE", "x")
    assert "DUNWELL_OUTBOX" in unknown_variables()
    assert {"DUNWELL_SECRET_KEY_FILE", "DUNWELL_HOME"} & set(unknown_variables()) == set()


@pytest.mark.parametrize(
    "listen", ["8000", "localhost", "localhost:", "localhost:99999", "a@b:80", "http://localhost:80"]
)
def test_where_to_listen_is_an_address_with_a_port(listen: str) -> None:
    with pytest.raises(ConfigError, match=r"listen: .*such as 127\.0\.0\.1:8000"):
        load(listen=listen)


def test_browsers_ask_for_the_console_by_names_of_this_machine_or_its_public_one() -> None:
    config = load(listen="[::]:80", public_url="https://dunwell.example/")
    assert config.address == ("::", 80)
    assert config.public_url == "https://dunwell.example"
    assert {"localhost", "127.0.0.1", "[::1]", "dunwell.example"} <= set(config.hosts)


@pytest.mark.parametrize(
    ("url", "as_browsers_write_it"),
    [
        ("HTTPS://Dunwell.Example:443/", "https://dunwell.example"),
        ("http://dunwell.example:80", "http://dunwell.example"),
        ("https://dunwell.example:8443", "https://dunwell.example:8443"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
    ],
)
def test_a_public_url_is_what_browsers_make_of_it(url: str, as_browsers_write_it: str) -> None:
    assert load(public_url=url).public_url == as_browsers_write_it


@pytest.mark.parametrize(
    "url",
    [
        "dunwell.example",
        "ftp://dunwell.example",
        "https://",
        "https://dunwell.example/path",
        "https://dunwell.example:port",
        "https://a@dunwell.example",
    ],
)
def test_a_public_url_is_the_beginning_of_an_address(url: str) -> None:
    with pytest.raises(ConfigError, match=r"public_url: .*such as https://dunwell\.example"):
        load(public_url=url)


@pytest.mark.parametrize(
    "url",
    ["smtp://u:geheim\u2100x@host", "smtp://u:p[a@host", "smtp://u:123#x@host", "smtp://u:12?x@host", "http://host"],
)
def test_a_mail_server_that_cannot_be_read_is_refused_and_tells_no_password(url: str) -> None:
    with pytest.raises(ConfigError, match="smtp_url: ") as caught:
        smtp_server(url)
    assert "geheim" not in str(caught.value)

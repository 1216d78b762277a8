"""What letters show of a creditor, from the shell."""

from pathlib import Path

from tests.cli.conftest import filled
from tests.cli.shell import Answer, dunwell


def test_a_creditor_is_shown_and_set(tmp_path: Path) -> None:
    filled(tmp_path)

    def type_in(*words: str) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path)

    (before,) = type_in("entity", "show", "--json").json["entities"]
    code = before["entity"]
    assert "no bank account" in type_in("entity", "show").out
    done = type_in("entity", "set", code, "--iban", "DE02 1203 0000 0000 2020 51", "--address", r"Weg 1\n20457 Hamburg")
    assert (done.code, done.err) == (0, "")
    assert "Deutsche Kreditbank" in done.out
    (after,) = type_in("entity", "show", code, "--json").json["entities"]
    assert after["address_lines"] == ["Weg 1", "20457 Hamburg"]
    assert after["name"] == before["name"]
    refused = type_in("entity", "set", code, "--iban", "DE03120300000000202051")
    assert (refused.code, refused.out) == (3, "")
    assert "checksum" in refused.err
    assert type_in("entity", "set", code).code == 2
    assert type_in("entity", "show", "NOBODY").code == 4
    referenced = type_in("entity", "set", code, "--reference-scheme", "rf")
    assert (referenced.code, referenced.err) == (0, "")
    assert "reference scheme  rf" in referenced.out
    assert type_in("entity", "show", code, "--json").json["entities"][0]["reference_scheme"] == "rf"
    unfit = type_in("entity", "set", code, "--reference-scheme", "qrr")
    assert (unfit.code, unfit.out) == (3, "")
    assert "qrr needs a QR-IBAN" in unfit.err
    plain = type_in("entity", "set", code, "--iban", "CH4431999123000889012", "--reference-scheme", "")
    assert f"dunwell entity set {code} --reference-scheme qrr" in plain.out

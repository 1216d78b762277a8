"""Which earlier line a bank takes back: a debit that is returned, a transfer recalled, an entry reversed.

A line and the one that it takes back are of one bank account and have opposite signs. Amounts are signed minor units.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from dunwell.cash import kinds, names
from dunwell.cash.settings import Settings
from dunwell.cash.tables import OUTCOMES
from dunwell.engine.book import Schema

MOVEMENTS: Final[Schema] = {
    "line_id": pl.Int64,
    "bank_account_id": pl.Int64,
    "currency": pl.String,
    "amount_minor": pl.Int64,
    "booked_on": pl.Date,
    "is_reversal": pl.Boolean,
    "taken_back": pl.Boolean,  # a person said that it takes back another: it is only proposed
    "return_reason": pl.String,
    "code": pl.String,
    "entry_ref": pl.String,
    "bank_ref": pl.String,
    "end_to_end_ref": pl.String,
    "mandate_ref": pl.String,
    "reference": pl.String,
    "text": pl.String,
    "party_name": pl.String,
    "party_iban": pl.String,
    "party_account": pl.String,
    "charges_minor": pl.Int64,
    "instructed_minor": pl.Int64,
    "instructed_currency": pl.String,
}
RETURNS: Final[Schema] = {
    "line_id": pl.Int64,
    "outcome": pl.Enum(OUTCOMES),
    "of_id": pl.Int64,  # the earlier line, or null
    "confidence_permille": pl.Int16,
    "over_minor": pl.Int64,  # what the bank took beyond what had come, such as its charges; below 0: less
    "why": pl.String,  # codes, parted by commas: docs/cash.md says what each means
}
RETURN_GUESSES: Final[Schema] = {
    "line_id": pl.Int64,
    "place": pl.Int8,  # 1 to 3, the best first
    "of_id": pl.Int64,
    "confidence_permille": pl.Int16,
    "over_minor": pl.Int64,
    "why": pl.String,
}

DAYS_MAX: Final = 430  # thirteen months, in which a debit that nobody allowed may be returned, and some
DAYS_NEAR: Final = 60  # eight weeks, in which any may, and some
REFERENCE_CHARS_MIN: Final = 4
WORD_CHARS_MIN: Final = 8  # of what may be a reference in a text
SHARED_MAX: Final = 200  # a reference or an amount that more lines have tells none of them
GUESSES_MAX: Final = 3

# How certain, in permille: by what agrees, and by how the amounts fit. Where both name the payment, and differently
# (`other_reference`), nobody but a person can tell.
CERTAINTY: Final = {
    "reference": {"amount": 997, "charges": 990, "less_charges": 930, "more": 900, "other_amount": 300},
    "mandate": {"amount": 975, "charges": 965, "less_charges": 850, "more": 850},
    "iban": {"amount": 850, "charges": 840, "less_charges": 700},
    "name": {"amount": 750, "charges": 740, "less_charges": 600},
    "nothing": {"amount": 400, "charges": 350},
}
_NAMED_OTHERWISE_MAX: Final = 840
CERTAIN_PERMILLE_MIN: Final = 950  # whatever a creditor allows: below it, no reference agrees
# An amount that fits says little where another earlier line that agrees as well would fit by a charge nobody told.
_DOUBTS: Final = {"amount": ("more", "less_charges"), "charges": ("less_charges",)}
_PERMILLE: Final = {f"{by},{fit}": permille for by, fits in CERTAINTY.items() for fit, permille in fits.items()}
_PAIR: Final = ["line_id", "of_id"]


@dataclass(frozen=True, slots=True)
class Returned:
    """A row for every line (RETURNS), and what it could be about (RETURN_GUESSES)."""

    returns: pl.DataFrame
    guesses: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Sought:
    """What an earlier line may have that some lines take back: one of these amounts, signed, or of these references."""

    amounts_minor: frozenset[int]
    references: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A line and an earlier one that it may take back."""

    line_id: int
    of_id: int
    booked_on: date
    of_booked_on: date
    permille: int
    over_minor: int
    why: str
    sign: str  # what agrees; nothing where both name the payment, and differently
    fit: str

    def is_doubt_of(self, other: "_Pair") -> bool:
        """Whether it could be this, by a charge that nobody told, though `other` of the same line is what fits."""
        is_agreed = self.sign == "reference" or (self.sign != "" and self.sign == other.sign)
        return is_agreed and self.fit in _DOUBTS.get(other.fit, ())


def sought(lines: pl.DataFrame) -> Sought:
    """Say of lines that take back others (MOVEMENTS) what to look for."""
    amounts = amounts_sought(lines)["amount_minor"]
    columns = ("entry_ref", "bank_ref", "end_to_end_ref", "reference", "mandate_ref")
    said = lines.select(pl.concat_list(columns).explode()).to_series().drop_nulls()
    words = lines["text"].str.extract_all(r"\S+").explode().drop_nulls()
    long = words.filter(words.str.len_chars() >= WORD_CHARS_MIN)
    references = {*said.filter(said.str.len_chars() >= REFERENCE_CHARS_MIN), *long.filter(long.str.contains(r"[0-9]"))}
    return Sought(frozenset(amounts), frozenset(references))


def amounts_sought(lines: pl.DataFrame) -> pl.DataFrame:
    """Give the amounts, signed, that the earlier line of each may have: line_id, amount_minor."""
    sign = pl.when(pl.col("amount_minor") < 0).then(1).otherwise(-1)
    return _wanted(_keyed(lines, "line_id")).select("line_id", amount_minor=pl.col("wanted_minor") * sign)


def find(lines: pl.DataFrame, earlier: pl.DataFrame, settings: Settings) -> Returned:
    """Find for each line that takes back another which one that is, no earlier line twice.

    `lines` and `earlier` have MOVEMENTS; `earlier` is what has not been taken back yet. Certain is only where a
    reference or a mandate agrees with the amount, and no other line fits as well, or as many lines as those that fit
    take them back. What reverses a debit of our own is never certain: it is not the money of a debtor. Nor is what a
    free text alone tells: who refunds a payment writes the same words.
    """
    pairs = _pairs(lines, earlier)
    is_modest = pl.col("taken_back") | (pl.col("amount_minor") > 0) | ~kinds.is_told()
    modest = set(lines.filter(is_modest)["line_id"].to_list())
    threshold = max(settings.threshold_permille, CERTAIN_PERMILLE_MIN)
    given = _given(pairs, threshold)
    sure = {pair.of_id for pair, is_only in given.values() if is_only}
    rows, guesses = [], []
    by_line: dict[int, list[_Pair]] = {line_id: [] for line_id in sorted(lines["line_id"].to_list())}
    for pair in pairs:
        by_line[pair.line_id].append(pair)
    for line_id, own in by_line.items():
        best, is_only = given.get(line_id, (None, False))
        rest = [pair for pair in own if pair is not best and pair.of_id not in sure]
        shown = [*([best] if best else []), *sorted(rest, key=_likelier)][:GUESSES_MAX]
        rows.append(_row(line_id, best, settings.propose_permille, is_certain=is_only and line_id not in modest))
        guesses += [
            (line_id, place, pair.of_id, pair.permille, pair.over_minor, pair.why)
            for place, pair in enumerate(shown, start=1)
        ]
    return Returned(
        pl.DataFrame(rows, schema=RETURNS, orient="row"), pl.DataFrame(guesses, schema=RETURN_GUESSES, orient="row")
    )


def _row(line_id: int, best: _Pair | None, propose_permille: int, *, is_certain: bool) -> tuple[object, ...]:
    if best is None or best.permille < propose_permille:
        return (line_id, "exception", None, 0, 0, "nothing_fits" if best is None else best.why)
    return (line_id, "apply" if is_certain else "propose", best.of_id, best.permille, best.over_minor, best.why)


def _likelier(pair: _Pair) -> tuple[object, ...]:
    """The more certain first, then the later line: what comes back comes back soon."""
    return (-pair.permille, -pair.of_booked_on.toordinal(), -pair.of_id)


def _soon(pair: _Pair) -> tuple[object, ...]:
    """The line that comes first, with what is likeliest of it."""
    return (pair.booked_on, pair.line_id, *_likelier(pair))


def _in_order(pair: _Pair) -> tuple[object, ...]:
    return (-pair.permille, pair.booked_on, pair.line_id, pair.of_booked_on, pair.of_id)


def _given(pairs: list[_Pair], threshold_permille: int) -> dict[int, tuple[_Pair, bool]]:
    """Give each line the likeliest earlier one, none twice, and say whether it can be no other.

    What is certain is looked at together: two earlier lines that both could be it are for a person, even if one is a
    little likelier, or only by a charge that nobody told. It does not matter which of two lines takes back which of two
    others, as long as both do.
    """
    found: dict[int, tuple[_Pair, bool]] = {}
    used: set[int] = set()
    certain = {pair for pair in pairs if pair.permille >= threshold_permille}
    for group in _together([*certain, *_doubts(pairs, certain)]):
        given = _one_each(sorted(certain & set(group), key=_in_order), found, used)
        is_only = {pair.of_id for pair in group} == {pair.of_id for pair in given}
        if not is_only:
            given = _one_each(sorted(certain & set(group), key=_soon), {}, set())
        found |= {pair.line_id: (pair, is_only) for pair in given}
        used |= {pair.of_id for pair in given}
    rest = sorted(pairs, key=lambda pair: (-pair.permille, *_soon(pair)))
    found |= {pair.line_id: (pair, False) for pair in _one_each(rest, found, used)}
    return found


def _doubts(pairs: Iterable[_Pair], certain: Iterable[_Pair]) -> list[_Pair]:
    """The pairs that cast doubt on certain ones of their line."""
    of_line: dict[int, list[_Pair]] = {}
    for pair in certain:
        of_line.setdefault(pair.line_id, []).append(pair)
    return [pair for pair in pairs if any(pair.is_doubt_of(each) for each in of_line.get(pair.line_id, ()))]


def _one_each(pairs: Iterable[_Pair], found: dict[int, tuple[_Pair, bool]], used: set[int]) -> list[_Pair]:
    """Of pairs in order, those whose line and whose earlier line no pair before has."""
    lines: set[int] = set()
    ofs: set[int] = set()
    given = []
    for pair in pairs:
        is_free = pair.line_id not in found and pair.of_id not in used  # not copied: a group is small, they are not
        if is_free and pair.line_id not in lines and pair.of_id not in ofs:
            lines.add(pair.line_id)
            ofs.add(pair.of_id)
            given.append(pair)
    return given


def _together(pairs: list[_Pair]) -> Iterator[list[_Pair]]:
    """Part pairs into groups that have no line and no earlier line in common."""
    of_line: dict[int, list[_Pair]] = {}
    of_earlier: dict[int, list[_Pair]] = {}
    for pair in pairs:
        of_line.setdefault(pair.line_id, []).append(pair)
        of_earlier.setdefault(pair.of_id, []).append(pair)
    for first in sorted(pairs, key=_in_order):
        group, ahead = [], of_line.pop(first.line_id, [])
        while ahead:
            pair = ahead.pop()
            group.append(pair)
            for other in of_earlier.pop(pair.of_id, []):
                ahead += of_line.pop(other.line_id, [])
        if group:
            yield group


def _pairs(lines: pl.DataFrame, earlier: pl.DataFrame) -> list[_Pair]:
    """Every line with each earlier one that it may take back, once, by the best that agrees."""
    ours, theirs = _keyed(lines, "line_id"), _keyed(earlier, "of_id")
    wanted = _wanted(ours)
    agreeing = pl.concat([
        _sharing(
            _references(ours, "line_id", with_text=True), _references(theirs, "of_id", with_text=False), "reference"
        ),
        _sharing(_values(ours, "line_id", "mandate_ref"), _values(theirs, "of_id", "mandate_ref"), "mandate"),
        _party(wanted, theirs, names.plain_iban(pl.col("party_iban")), "iban"),
        _party(wanted, theirs, names.plain_iban(pl.col("party_account")), "iban"),
        _party(wanted, theirs, names.core(names.plain(pl.col("party_name"))), "name"),
        _sharing(
            wanted.select("line_id", "place", value=pl.col("wanted_minor").cast(pl.String)),
            theirs.select("of_id", "place", value=pl.col("minor").cast(pl.String)), "nothing",
        ),
    ]).unique()  # fmt: skip
    both = agreeing.join(ours, on="line_id").join(theirs, on="of_id", suffix="_of")
    days = (pl.col("booked_on") - pl.col("booked_on_of")).dt.total_days()
    near = pl.when(pl.col("by") == "reference").then(DAYS_MAX).otherwise(DAYS_NEAR)
    named_otherwise = (
        (pl.col("end_to_end_ref") != "")
        & (pl.col("end_to_end_ref_of") != "")
        & (pl.col("end_to_end_ref") != pl.col("end_to_end_ref_of"))
    )
    fitting = both.filter(days.is_between(0, near)).with_columns(fit=_fit())
    told = fitting.with_columns(
        permille=pl.concat_str("by", pl.lit(","), "fit").replace_strict(_PERMILLE, default=0, return_dtype=pl.Int64),
        why=pl.concat_str(
            pl.when(pl.col("by") == "nothing").then(pl.lit("")).otherwise(pl.col("by") + ","), "fit",
            pl.when(named_otherwise).then(pl.lit(",other_reference")).otherwise(pl.lit("")),
        ),
        sign=pl.when(named_otherwise).then(pl.lit("")).otherwise("by"),
    )  # fmt: skip
    capped = pl.when(named_otherwise).then(pl.min_horizontal("permille", _NAMED_OTHERWISE_MAX)).otherwise("permille")
    rated = told.with_columns(permille=capped).filter(pl.col("permille") > 0)
    best = rated.sort(*_PAIR, "permille", "why", descending=[False, False, True, False]).unique(
        _PAIR, keep="first", maintain_order=True
    )
    columns = (*_PAIR, "booked_on", "booked_on_of", "permille")
    over = pl.col("minor") - pl.col("minor_of")
    return [_Pair(*row) for row in best.select(*columns, over, "why", "sign", "fit").iter_rows()]


def _keyed(lines: pl.DataFrame, name: str) -> pl.DataFrame:
    """Movements without signs; `place`: the bank account, and on which side of it a line stands or is looked for."""
    is_out = (pl.col("amount_minor") < 0) if name == "line_id" else (pl.col("amount_minor") > 0)
    named = lines.with_columns(pl.col(pl.String).fill_null(""), pl.col("charges_minor").fill_null(0))
    return named.rename({"line_id": name}).with_columns(
        place=pl.concat_str("bank_account_id", pl.when(is_out).then(pl.lit("-")).otherwise(pl.lit("+"))),
        minor=pl.col("amount_minor").abs(),
        ordered_minor=pl.when(pl.col("instructed_currency") == pl.col("currency"))
        .then(pl.col("instructed_minor").abs())
        .fill_null(0),
    )  # fmt: skip


def _wanted(ours: pl.DataFrame) -> pl.DataFrame:
    """The amounts that the earlier line of each may have: its own, or by the charges less or more."""
    minor, charges, ordered = pl.col("minor"), pl.col("charges_minor"), pl.col("ordered_minor")
    amounts = pl.concat_list(minor, minor - charges, minor + charges, ordered).list.unique()
    return ours.with_columns(wanted_minor=amounts).explode("wanted_minor").filter(pl.col("wanted_minor") > 0)


def _fit() -> pl.Expr:
    """How the amount of a line fits that of the earlier one."""
    over, charges, ordered = pl.col("minor") - pl.col("minor_of"), pl.col("charges_minor"), pl.col("ordered_minor")
    is_said = ((charges > 0) & (over.abs() == charges)) | (ordered == pl.col("minor_of"))
    return (
        pl.when(over == 0)
        .then(pl.lit("amount"))
        .when(is_said & (over > 0))
        .then(pl.lit("charges"))
        .when(is_said)
        .then(pl.lit("less_charges"))
        .when((over > 0) & (over <= pl.col("minor_of")))
        .then(pl.lit("more"))
        .otherwise(pl.lit("other_amount"))
    )


def _values(lines: pl.DataFrame, name: str, column: str) -> pl.DataFrame:
    """A column of references, in capitals and without blanks, where it is long enough to be one."""
    value = pl.col(column).str.to_uppercase().str.replace_all(r"\s", "")
    found = lines.select(name, "place", value=value)
    return found.filter(pl.col("value").str.len_chars() >= REFERENCE_CHARS_MIN)


def _references(lines: pl.DataFrame, name: str, *, with_text: bool) -> pl.DataFrame:
    """What a line, its bank and its payer call it; and words of the text that may be such a name."""
    columns = ("entry_ref", "bank_ref", "end_to_end_ref", "reference")
    found = [_values(lines, name, column) for column in columns]
    if with_text:
        words = lines.with_columns(word=pl.col("text").str.extract_all(r"\S+")).explode("word")
        long = words.filter(pl.col("word").str.len_chars() >= WORD_CHARS_MIN, pl.col("word").str.contains(r"[0-9]"))
        found.append(_values(long, name, "word"))
    return pl.concat(found).unique()


def _sharing(ours: pl.DataFrame, theirs: pl.DataFrame, by: str) -> pl.DataFrame:
    """Lines and earlier lines that have a value in common, which not too many of either share."""
    keys = ["place", "value"]
    return _few(ours, keys).join(_few(theirs, keys), on=keys).select(*_PAIR, by=pl.lit(by))


def _few(lines: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return lines.filter(pl.len().over(keys) <= SHARED_MAX)


def _party(wanted: pl.DataFrame, theirs: pl.DataFrame, who: pl.Expr, by: str) -> pl.DataFrame:
    """Lines and earlier lines of the same side and of an amount that fits."""
    keys = ["place", "who", "wanted_minor"]
    ours = wanted.with_columns(who=who).filter(pl.col("who") != "")
    found = theirs.with_columns(who=who, wanted_minor="minor")
    return _few(ours, keys).join(_few(found, keys), on=keys, suffix="_of").select(*_PAIR, by=pl.lit(by))

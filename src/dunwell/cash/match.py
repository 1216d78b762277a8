"""Match bank lines with open items: the ladder of docs/cash.md, from what is certain to what is only likely."""

from dataclasses import dataclass, replace

import polars as pl

from dunwell.cash import choose, evidence, named, numbers, paid, single
from dunwell.cash.allocate import allocate
from dunwell.cash.claims import CLAIMS, claims, rated, signed, stock
from dunwell.cash.nearly import nearly
from dunwell.cash.payers import payers as payers_of
from dunwell.cash.repeats import EARLIER, repeats
from dunwell.cash.settings import Settings
from dunwell.cash.several import several_items
from dunwell.cash.tables import (
    ACCOUNTS,
    ALLOCATIONS,
    ASKED,
    GUESSES,
    ITEMS,
    LINES,
    MATCHES,
    PAID,
    PAID_REFERENCES,
    PAYERS,
    REFERENCES,
)
from dunwell.cash.texts import texts
from dunwell.engine.book import Schema

ROUNDS_MAX = 4  # how often what is left is looked at again: for what is certain, and for what is likely


@dataclass(frozen=True)
class Matched:
    """What was found: one match a line; allocations of what is applied or proposed; guesses for all but the applied."""

    matches: pl.DataFrame
    allocations: pl.DataFrame
    guesses: pl.DataFrame


@dataclass(frozen=True)
class Signs:
    """What lines say by themselves, whatever is open: found once."""

    spans: pl.DataFrame
    keys: pl.DataFrame
    payers: pl.DataFrame
    named: pl.DataFrame
    silent: pl.DataFrame
    said: pl.DataFrame
    like: pl.DataFrame
    paid: pl.DataFrame
    outdone: pl.DataFrame
    again: pl.DataFrame

    def against(self) -> choose.Against:
        """What of it speaks against claims."""
        return choose.Against(self.named, self.paid, self.outdone)


@dataclass(frozen=True)
class Read:
    """Lines with what they say, and what is open: ready to be matched."""

    lines: pl.DataFrame
    open_items: pl.DataFrame
    signs: Signs
    settings: Settings

    def asked(self) -> pl.DataFrame:
        """Say which paid items it would help to know, as tables.ASKED: of payers whose lines name nothing open."""
        return self.signs.said.select(ASKED.keys()).unique()

    def asked_numbers(self) -> set[str]:
        """Say of which numbers it would help to know whether they were paid, whoever owed them."""
        signs = self.signs
        otherwise = paid.written_otherwise(signs.spans, signs.named, signs.keys, self.open_items)
        return otherwise | paid.written_alike(signs.like, self.open_items)

    def quoted(self, forms: pl.DataFrame) -> pl.DataFrame:
        """Give what such lines quote that may be a reference of the kinds of `forms` (reference), as tables.QUOTED."""
        return paid.quoted(self.signs.silent, self.lines, self.signs.spans, forms)

    def match(
        self,
        paid_items: pl.DataFrame | None = None,
        quotes: pl.DataFrame | None = None,
        paid_references: pl.DataFrame | None = None,
        earlier: pl.DataFrame | None = None,
    ) -> Matched:
        """Match what was read, with those of what was asked that were paid lately.

        `paid_items` are as tables.PAID, and `paid_references`, of what is `quoted`, as tables.PAID_REFERENCES;
        `earlier` lines, that these may repeat, as repeats.EARLIER.
        """
        signs, known = self.signs, [self.signs.paid]
        if paid_items is not None and not paid_items.is_empty():
            settled = _shaped(paid_items, PAID)
            known.append(paid.named_paid(signs.said, self.lines, settled))
            instead = paid.outdone(signs.spans, self.lines, signs.keys, settled, signs.payers)
            signs = replace(signs, outdone=pl.concat([instead, paid.outdone_alike(signs.like, settled)]).unique())
        if quotes is not None and paid_references is not None:
            told = _shaped(paid_references, PAID_REFERENCES)
            known.append(paid.quoted_paid(signs.silent, quotes, told))
        before = pl.DataFrame(schema=EARLIER) if earlier is None else earlier
        signs = replace(signs, paid=pl.concat(known).unique(), again=repeats(self.lines, before))
        return _matched(self.lines, self.open_items, signs, self.settings)


def match(  # noqa: PLR0917  # the frames of `tables`, in their order there
    lines: pl.DataFrame,
    items: pl.DataFrame,
    accounts: pl.DataFrame,
    references: pl.DataFrame,
    payers: pl.DataFrame,
    settings: Settings,
    paid_items: pl.DataFrame | None = None,
) -> Matched:
    """Find for each line what it pays, how certain that is, and why.

    Frames are those of `tables`, of one creditor; the result does not depend on the order of rows. Per line, applied
    and left are its amount; per item, all lines together take no more than is open.
    """
    return read(lines, items, accounts, references, payers, settings).match(paid_items)


def read(  # noqa: PLR0917  # as `match`
    lines: pl.DataFrame,
    items: pl.DataFrame,
    accounts: pl.DataFrame,
    references: pl.DataFrame,
    payers: pl.DataFrame,
    settings: Settings,
) -> Read:
    """Read what lines say, and who they are of, before they are matched; frames as for `match`."""
    lines, open_items = _shaped(lines, LINES).sort("line_id"), stock(_shaped(items, ITEMS))
    signs = _signs(
        lines,
        open_items,
        accounts=_shaped(accounts, ACCOUNTS),
        references=_shaped(references, REFERENCES),
        payers=_shaped(payers, PAYERS),
        settings=settings,
    )
    return Read(lines, open_items, signs, settings)


def _matched(lines: pl.DataFrame, open_items: pl.DataFrame, signs: Signs, settings: Settings) -> Matched:
    walk = _Walk(lines, open_items, signs, settings)
    walk.certain()
    walk.likely()
    given = pl.concat(walk.given)
    matches = _matches(lines, pl.concat(walk.chosen), given, settings)
    unapplied = matches.filter(pl.col("outcome") != "apply")
    proposed = given.join(matches.filter(pl.col("outcome") == "exception"), on="line_id", how="anti")
    return Matched(
        matches,
        proposed.sort("line_id", "item_id").select(ALLOCATIONS.keys()),
        choose.guesses(walk.first, unapplied, signs.against(), settings).select(GUESSES.keys()),
    )


def _shaped(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The columns of `schema`, in its types: an Enum of the book is a string here."""
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _signs(
    lines: pl.DataFrame,
    open_items: pl.DataFrame,
    *,
    accounts: pl.DataFrame,
    references: pl.DataFrame,
    payers: pl.DataFrame,
    settings: Settings,
) -> Signs:
    told, keys = texts(lines), evidence.keys(open_items)
    spans = numbers.spans(told)
    if keys["key"].str.starts_with("x").any():
        spans = pl.concat([spans, numbers.words(told).select(spans.columns)])
    owing = payers_of(lines, accounts, payers, spans, settings)
    owners = open_items.select("item_id", "payer_id")
    named_open = evidence.named(lines, references, spans, keys).join(owners, on="item_id", how="left")
    unnamed = lines.join(named_open, on="line_id", how="anti")
    # What is nearly the number of an item of somebody else may be another one, that was paid.
    alike = evidence.alike(unnamed, open_items, spans, keys).join(owners, on="item_id")
    like = alike.join(owing, on=["line_id", "payer_id"], how="anti")
    of_nobody = like.join(owing, on="line_id", how="anti")
    likely = pl.concat([each.select("line_id", "payer_id") for each in (owing, of_nobody)])
    silent = paid.silent(likely, named_open, like, open_items)
    return Signs(
        spans,
        keys,
        owing,
        named_open,
        silent,
        paid.said(silent, lines, spans),
        like,
        paid=likely.clear(),
        outdone=named_open.clear().select("line_id", "item_id"),
        again=lines.clear().select("line_id"),
    )


class _Walk:
    """The way down the ladder: round by round, each line with what others have left of the items.

    What is certain goes first, as often as there is any: what it leaves open tells more of the rest. Then what is
    likely. `came_late`: lines whose first choice another took; `rivalled`: lines that named what two readings would do
    for in the first round.
    """

    def __init__(self, lines: pl.DataFrame, open_items: pl.DataFrame, signs: Signs, settings: Settings) -> None:
        self.lines, self.open_items, self.signs, self.settings = lines, open_items, signs, settings
        self.rest = lines
        self.chosen: list[pl.DataFrame] = []
        self.given: list[pl.DataFrame] = []
        self.order = self.first = choose.ranked(_ladder(lines, open_items, signs, settings))
        self.priced = choose.priced(self.first)
        self.came_late = self.rivalled = lines.clear().select("line_id")

    def certain(self) -> None:
        """Settle what may be applied, until nothing is certain any more."""
        for _number in range(ROUNDS_MAX):
            picked = self._picked().filter(pl.col("permille") >= self.settings.threshold_permille)
            done, _refused = self._settle(picked)
            if done.is_empty():
                return
            self._go_on(self.rest.join(done, on="line_id", how="anti"))

    def likely(self) -> None:
        """Settle what may be proposed, then what is the payer's at least.

        Nothing of it is applied: what a proposal has of the items may be open still.
        """
        for _number in range(ROUNDS_MAX):
            picked = choose.proposed(self._picked(), self.settings)
            _done, refused = self._settle(picked)
            self._go_on(self.rest.join(refused, on="line_id", how="semi"))
            if self.rest.is_empty():
                return
        left = choose.ranked(rated(single.on_account(_with_owners(self.signs.payers, self.signs, self.rest))))
        best = choose.best(left.join(self.rest, on="line_id", how="semi"), self.settings)
        last = choose.said_otherwise(choose.late(best, self.rest, self.settings), self.signs.against(), self.settings)
        self.chosen.append(last.filter(pl.col("permille") >= self.settings.propose_permille))

    def _go_on(self, rest: pl.DataFrame) -> None:
        self.rest, self.order = rest, self.order.clear()
        if not rest.is_empty():
            self.order = choose.ranked(_ladder(rest, self.open_items, self.signs, self.settings))

    def _settle(self, picked: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Give the items to the lines that picked them: which got them, and which did not (line_id)."""
        wanted = allocate(picked, self.rest, self.open_items, grace_days=self.settings.discount_grace_days)
        done = choose.settled(picked, wanted, self.rest, self.open_items)
        refused = picked.join(done, on="line_id", how="anti").select("line_id")
        self.chosen.append(picked.join(done, on="line_id", how="semi"))
        self.given.append(wanted.join(done, on="line_id", how="semi"))
        self.came_late = pl.concat([self.came_late, refused]).unique()
        self.open_items = _less(self.open_items, self.given[-1])
        return done, refused

    def _picked(self) -> pl.DataFrame:
        """The first choice of each line, less certain where earlier rounds cast doubt on it."""
        first = choose.best(self.order, self.settings)
        told = choose.said_otherwise(first, self.signs.against(), self.settings)
        picked = choose.repeated(told, self.signs.again, self.settings)
        if self.order is self.first:
            self.rivalled = choose.rivalled(picked)
            return picked
        late = pl.concat([self.came_late, choose.no_more_priced(picked, self.priced)])
        return choose.doubted(choose.late(picked, late, self.settings), self.rivalled, self.settings)


def _less(open_items: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """The items after what lines took of them."""
    used = given.group_by("item_id").agg(
        used=pl.sum_horizontal("amount_minor", "discount_minor", "charges_minor", "difference_minor").abs().sum()
    )
    left = open_items.join(used, on="item_id", how="left", maintain_order="left").with_columns(
        open_minor=pl.col("open_minor") - pl.col("used").fill_null(0)
    )
    return signed(left.filter(pl.col("open_minor") > 0)).drop("used")


def _ladder(lines: pl.DataFrame, open_items: pl.DataFrame, signs: Signs, settings: Settings) -> pl.DataFrame:
    """All claims of lines: what they name and single items first, the rest for lines that these do not settle."""
    payers = signs.payers.join(lines.select("line_id"), on="line_id", how="semi")
    strong = evidence.shaped(signs.named.drop("payer_id"), lines, open_items)
    by_name = named.claims_named(strong, lines, payers, open_items, settings)
    sure = rated(pl.concat([claims(by_name), single.one_item(lines, payers, open_items)]))
    certain = sure.filter(pl.col("permille") >= settings.threshold_permille)
    rest = lines.join(certain, on="line_id", how="anti")
    ours = payers.join(rest.select("line_id"), on="line_id", how="semi")
    spans = signs.spans.join(rest.select("line_id"), on="line_id", how="semi")
    weak = evidence.weak(rest, open_items, spans, signs.keys, ours)
    like = evidence.like(rest, open_items, spans, signs.keys)
    made = [
        named.weakly(weak, strong, named.SHORT, lines=rest, payers=ours, stock=open_items, settings=settings),
        named.weakly(like, strong.clear(), named.LIKE, lines=rest, payers=ours, stock=open_items, settings=settings),
        nearly(rest, ours, open_items, settings),
        single.in_other_currency(rest, ours, open_items),
        _adding_up(rest, ours, by_name, lines=lines, open_items=open_items, settings=settings),
        single.on_account(_with_owners(ours, signs, rest)),
        single.of_nobody(rest.join(payers, on="line_id", how="anti"), open_items),
    ]
    found = pl.concat([sure, rated(pl.concat(made))])
    if not settings.oldest_first:
        return found
    # Where the payer named something, or something fits, what is oldest does not matter.
    fitting = found.filter(pl.col("permille") >= settings.threshold_permille).select("line_id")
    named_lines = pl.concat([fitting, signs.named.select("line_id")]).unique()
    silent = ours.join(named_lines, on="line_id", how="anti")
    return pl.concat([found, rated(single.oldest_first(rest, silent, open_items))])


def _adding_up(
    rest: pl.DataFrame,
    payers: pl.DataFrame,
    by_name: pl.DataFrame,
    *,
    lines: pl.DataFrame,
    open_items: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """What adds up: beside what is named, of what is named, and of all that a payer owes."""
    money = lines.select("line_id", "currency", "amount_minor", "booked_on")
    ends = by_name.filter(pl.col("case").is_in(named.OPEN_ENDS) & pl.col("payer_id").is_not_null())
    clear = payers.filter(pl.len().over("line_id") <= single.CANDIDATES_MAX).join(
        rest.select("line_id"), on="line_id", how="semi"
    )
    lumps = clear.join(by_name, on=["line_id", "payer_id"], how="anti")
    return several_items(lumps.join(money, on="line_id"), ends.join(money, on="line_id"), open_items, settings).select(
        CLAIMS.keys()
    )


def _with_owners(payers: pl.DataFrame, signs: Signs, lines: pl.DataFrame) -> pl.DataFrame:
    """Payers, and for lines of nobody known the one that owes, or owed until another line paid it, what they name."""
    owners = (
        signs.named.join(lines.select("line_id"), on="line_id", how="semi")
        .join(payers, on="line_id", how="anti")
        .filter(pl.col("payer_id").is_not_null())
        .select("line_id", "payer_id")
        .unique()
        .filter(pl.len().over("line_id") == 1)
    )
    told = owners.with_columns(how=pl.lit("number"), known=pl.lit("none").cast(payers.schema["known"]))
    return pl.concat([payers, told])


def _matches(lines: pl.DataFrame, chosen: pl.DataFrame, given: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """One row a line: what was chosen, or nothing."""
    applied = given.group_by("line_id").agg(applied_minor=pl.col("amount_minor").sum())
    claimed = chosen.select("line_id", "step", "permille", "payer_id", "codes", "how", "known")
    told = lines.select("line_id", "amount_minor").join(claimed, on="line_id", how="left")
    told = told.join(applied, on="line_id", how="left").with_columns(pl.col("applied_minor").fill_null(0))
    is_apply = (pl.col("permille") >= settings.threshold_permille) & (pl.col("applied_minor") > 0)
    outcome = (
        pl.when(is_apply).then(pl.lit("apply")).when(pl.col("permille").is_not_null()).then(pl.lit("propose"))
        .otherwise(pl.lit("exception"))
    )  # fmt: skip
    why = pl.concat_str("codes", "how", separator=",", ignore_nulls=True)
    return (
        told.with_columns(
            step=pl.col("step").cast(pl.String).fill_null("nothing"),
            outcome=outcome,
            confidence_permille=pl.col("permille").fill_null(0),
            account_id="payer_id",
            left_minor=pl.col("amount_minor") - pl.col("applied_minor"),
            why=pl.when(pl.col("codes").is_null()).then(pl.lit("nothing_fits")).otherwise(why),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in MATCHES.items())
        .sort("line_id")
    )

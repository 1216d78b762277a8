"""The measures once more, slowly and plainly: loops over rows, fractions, no frames."""

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from dunwell.engine.history import History

Row = dict[str, Any]
SOLD = ("invoice", "instalment")
DAY = timedelta(days=1)


def half_up(value: Fraction | None) -> int | None:
    """Hundredths, halves away from zero."""
    if value is None:
        return None
    whole = int(abs(value) * 100 + Fraction(1, 2))
    return whole if value >= 0 else -whole


def ratio(above: int, below: int) -> Fraction | None:
    return Fraction(above, below) if below > 0 else None


class Told:
    """A history as lists of rows, of one currency."""

    def __init__(self, history: History, currency: str) -> None:
        self.begins = history.from_on
        self.items = [row for row in history.items.to_dicts() if row["currency"] == currency]
        self.moves = history.moves.to_dicts()
        self.credited = history.credited.to_dicts()
        self.notices = [row for row in history.notices.to_dicts() if row["currency"] == currency]
        self.lines = history.lines.to_dicts()
        self.promises = [row for row in history.promises.to_dicts() if row["currency"] == currency]
        self.heard = history.responses.to_dicts()
        self.sent = [row for row in self.notices if row["state"] == "sent" and row["sent_on"]]

    def open(self, item: Row, on: date) -> int:
        """What was open of an item at the end of a day; never less than nothing."""
        if item["issued_on"] and item["issued_on"] > on:
            return 0
        less = sum(m["less_minor"] for m in self.moves if m["item_id"] == item["item_id"] and m["on"] <= on)
        return int(max(item["amount_minor"] - less, 0))

    def owed(self, on: date) -> list[tuple[Row, int]]:
        found = [(row, self.open(row, on)) for row in self.items if row["kind"] in SOLD]
        return [(row, left) for row, left in found if left]

    def receivables(self, on: date) -> int:
        return sum(left for _row, left in self.owed(on))

    def not_due(self, on: date) -> int:
        return sum(left for row, left in self.owed(on) if row["due_on"] and row["due_on"] >= on)

    def unapplied(self, on: date) -> int:
        return sum(self.open(row, on) for row in self.items if row["kind"] in ("credit", "payment"))

    def sales(self, from_on: date, to_on: date) -> int:
        signs = {"invoice": 1, "instalment": 1, "credit": -1}
        within = [row for row in self.items if row["issued_on"] and from_on <= row["issued_on"] <= to_on]
        return sum(signs.get(row["kind"], 0) * row["amount_minor"] for row in within)

    def dso(self, from_on: date, to_on: date) -> dict[str, Fraction | None]:
        days, sold = (to_on - from_on).days + 1, self.sales(from_on, to_on)
        owed, current = self.receivables(to_on), self.not_due(to_on)
        return {
            "dso_days_hundredths": ratio(owed * days, sold),
            "best_possible_dso_days_hundredths": ratio(current * days, sold),
            "average_days_delinquent_hundredths": ratio((owed - current) * days, sold),
            "net_dso_days_hundredths": ratio((owed - self.unapplied(to_on)) * days, sold),
        }

    def countback(self, on: date) -> Fraction | None:
        """Go back day by day to find the months, then month by month."""
        left, days, last = self.receivables(on), Fraction(0), on
        while left > 0:
            first = last
            while first.day > 1:
                first -= DAY
            if first < self.begins:
                return None
            sold, length = self.sales(first, last), (last - first).days + 1
            if sold > left:
                return days + length * Fraction(left, sold)
            left, days, last = left - sold, days + length, first - DAY
        return days

    def turnover(self, from_on: date, to_on: date) -> Fraction | None:
        average = Fraction(self.receivables(from_on - DAY) + self.receivables(to_on), 2)
        return self.sales(from_on, to_on) / average if average else None

    def cei(self, from_on: date, to_on: date) -> Fraction | None:
        came = self.receivables(from_on - DAY) + self.sales(from_on, to_on)
        return ratio(100 * (came - self.receivables(to_on)), came - self.not_due(to_on))

    def paid(self, until: date) -> list[tuple[Row, date, int]]:
        """Money that came and stayed: what is taken back is taken from a pile, the last that came first."""
        found = []
        for item in (row for row in self.items if row["kind"] in SOLD):
            by_day: dict[date, int] = defaultdict(int)
            for sign, rows in ((1, self.moves), (-1, self.credited)):
                for each in rows:
                    if each["item_id"] == item["item_id"] and each["on"] <= until:
                        by_day[each["on"]] += sign * each["less_minor"]
            pile: list[list[Any]] = []
            owing = 0  # taken back before it came: raised by what its source says
            for on, less in sorted(by_day.items()):
                gone = max(-less, 0)
                filled = min(owing, max(less, 0))
                owing -= filled
                if less > filled:
                    pile.append([on, less - filled])
                while gone and pile:
                    part = min(gone, pile[-1][1])
                    gone -= part
                    pile[-1][1] -= part
                    if not pile[-1][1]:
                        pile.pop()
                owing += gone
            found += [(item, on, amount) for on, amount in pile]
        return found

    def lateness(self, from_on: date, to_on: date) -> dict[str, Fraction | None]:
        within = [each for each in self.paid(to_on) if from_on <= each[1] <= to_on and each[0]["due_on"]]
        beyond = [((on - item["due_on"]).days, amount) for item, on, amount in within]
        late = [(days, amount) for days, amount in beyond if days > 0]
        paid, paid_late = sum(a for _d, a in beyond), sum(a for _d, a in late)
        weight = sum(d * a for d, a in late)
        return {
            "days_late_hundredths": ratio(weight, paid),
            "days_late_of_late_hundredths": ratio(weight, paid_late),
            "days_beyond_terms_hundredths": ratio(sum(d * a for d, a in beyond), paid),
            "late_percent_hundredths": ratio(100 * paid_late, paid),
        }

    def success(self, from_on: date, to_on: date, within: int, known_to: date) -> tuple[int, int, int]:
        """Noticed, collected, and how many notices wait."""
        got: dict[tuple[int, int], int] = defaultdict(int)
        for item, on, amount in self.paid(known_to):
            naming = [
                (each["sent_on"], each["notice_id"])
                for each in self.sent
                if each["sent_on"] <= on
                and any(x["notice_id"] == each["notice_id"] and x["item_id"] == item["item_id"] for x in self.lines)
            ]
            if naming and on <= max(naming)[0] + within * DAY:
                got[max(naming)[1], item["item_id"]] += amount
        noticed = collected = waiting = 0
        for each in (row for row in self.sent if from_on <= row["sent_on"] <= to_on and row["sent_on"] <= known_to):
            lines = [row for row in self.lines if row["notice_id"] == each["notice_id"]]
            if each["sent_on"] + within * DAY > known_to:
                waiting += bool(lines)
                continue
            noticed += sum(row["amount_minor"] for row in lines)
            collected += sum(min(row["amount_minor"], got[each["notice_id"], row["item_id"]]) for row in lines)
        return noticed, collected, waiting

    def answered(self, from_on: date, to_on: date, within: int, known_to: date, all_sent: list[Row]) -> tuple[int, int]:
        """Notices whose days are over, and how many of them were answered; `all_sent` in every currency."""
        hit = set()
        for each in (row for row in self.heard if row["on"] <= known_to):
            days = [n["sent_on"] for n in all_sent if n["payer_id"] == each["payer_id"] and n["sent_on"] <= each["on"]]
            if days and each["on"] <= max(days) + within * DAY:
                hit.add((each["payer_id"], max(days)))
        over = [
            row for row in self.sent if from_on <= row["sent_on"] <= to_on and row["sent_on"] + within * DAY <= known_to
        ]
        return len(over), sum((row["payer_id"], row["sent_on"]) in hit for row in over)

    def roll(self, from_on: date, to_on: date) -> dict[tuple[str, str], int]:
        """Amounts by bucket before and after."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for row, then in self.owed(from_on):
            stays = min(then, self.open(row, to_on))
            before = bucket(row, from_on)
            found[before, bucket(row, to_on)] += stays
            found[before, "paid"] += then - stays
        return {key: value for key, value in found.items() if value}

    def promises_kept(self, from_on: date, to_on: date, known_to: date) -> tuple[int, int, int, int, int]:
        """Those that count, kept, partly kept, promised, kept amount."""
        counted = []
        for each in self.promises:
            over_on = each["by_on"] + each["tolerance_days"] * DAY
            ended = each["ended_on"] and each["ended_on"] <= over_on and each["paid_minor"] < each["amount_minor"]
            if from_on <= over_on <= to_on and over_on <= known_to and not ended:
                counted.append(each)
        kept = [each for each in counted if each["paid_minor"] >= each["amount_minor"]]
        partly = [each for each in counted if 0 < each["paid_minor"] < each["amount_minor"]]
        promised = sum(each["amount_minor"] for each in counted)
        return len(counted), len(kept), len(partly), promised, sum(each["amount_minor"] for each in kept)


def bucket(row: Row, on: date) -> str:
    if row["due_on"] is None:
        return "no_due_date"
    days = (on - row["due_on"]).days
    bounds = [(0, "not_due"), (30, "days_1_30"), (60, "days_31_60"), (90, "days_61_90")]
    return next((name for bound, name in bounds if days <= bound), "days_over_90")

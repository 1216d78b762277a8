"""What the law left out of a notice's charges, in words: read from the archive of what decided it."""

from collections import defaultdict
from contextlib import suppress
from typing import Final

import polars as pl
from django.conf import settings

from dunwell.engine.explain import by_law_text
from dunwell.flows import policies
from dunwell.flows.errors import Invalid
from dunwell.records import archive
from dunwell.records.models import Notice, NoticeLine, PolicyVersion, RunEdit

ITEMS_MAX: Final = 200  # that are looked up


def left_out(notice_id: int) -> dict[str, list[str]]:
    """Say what the law left out or lowered, by the number of the item; nothing where the archive is gone."""
    notice = Notice.objects.select_related("run", "entity").get(pk=notice_id)
    rules = {}
    with suppress(Invalid):
        rules = {each.policy: each for each in policies.parsed(_versions(notice))}
    if notice.policy not in rules or rules[notice.policy].law is None:
        return {}
    dunned = NoticeLine.objects.filter(notice=notice, role="dunned").order_by("item__due_on", "pk")
    numbers = dict(dunned.values_list("item", "item__number")[:ITEMS_MAX])
    found: dict[str, list[str]] = defaultdict(list)
    with suppress(archive.ArchiveError):
        for item_id, codes in _codes(notice, list(numbers)):
            found[numbers[item_id]] += [by_law_text(code) for code in codes.split(",") if code]
    return dict(found)


def _versions(notice: Notice) -> list[PolicyVersion]:
    return policies.versions_with(notice.run.policy_digests, notice.entity)


def _codes(notice: Notice, item_ids: list[int]) -> list[tuple[int, str]]:
    """What the decisions on items say of the law. Errors: ArchiveError."""
    edited = RunEdit.objects.filter(run=notice.run, payer=notice.payer).order_by("-pk")
    digest = edited.values_list("archive_digest", flat=True).first() or notice.run.archive_digest
    folder = settings.CONFIG.archive_dir
    shards = archive.parts(folder, digest) if digest else ()
    own = notice.payer_id % max(len(shards), 1)  # the shard of who pays for themselves: most do
    for part in (*shards[own:], *shards[:own]):
        rows = archive.table(folder, part, "plan-decisions", ["item_id", "by_law"])
        rows = rows.filter(pl.col("item_id").is_in(item_ids))
        if not rows.is_empty():  # all that one payer owes is decided in one shard
            return list(rows.drop_nulls().sort("item_id").iter_rows())
    return []

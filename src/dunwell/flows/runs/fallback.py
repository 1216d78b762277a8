"""The next channel, where one has failed for good: a stage that sends `email|letter` tries the letter then."""

from collections.abc import Iterator, Sequence

from dunwell.engine.policy.model import CLOSE
from dunwell.flows import policies
from dunwell.records import proposals
from dunwell.records.models import Delivery, Notice, Run


def fall_back(run: Run, failed: Sequence[Delivery]) -> int:
    """Queue the next channel of the stage that reaches the payer, for each delivery that has one; return how many.

    The policy is the run's own, whatever is in force by now.
    """
    if not failed:
        return 0
    rules = policies.parsed(policies.versions_with(run.policy_digests, run.entity))
    sends = {(policy.policy, stage.stage): stage.send for policy in rules for stage in policy.stages}
    sends |= {(policy.policy, CLOSE): policy.close.send for policy in rules if policy.close}
    notices = {notice.pk: notice for notice in Notice.objects.filter(deliveries__in=failed)}
    reached = proposals.recipients({notice.payer_id for notice in notices.values()})
    address = {(payer, channel): recipient for payer, channel, recipient in reached.iter_rows()}
    used = set(Delivery.objects.filter(notice__in=notices).values_list("notice_id", "channel"))
    added: list[Delivery] = []
    for delivery in failed:
        notice = notices[delivery.notice_id]
        for channel in _after(sends.get((notice.policy, notice.stage), ()), delivery.channel):
            if (notice.payer_id, channel) in address and (notice.pk, channel) not in used:
                used.add((notice.pk, channel))
                added.append(Delivery(notice=notice, channel=channel, recipient=address[notice.payer_id, channel]))
                break
    Delivery.objects.bulk_create(added)
    return len(added)


def _after(send: Sequence[str], channel: str) -> Iterator[str]:
    """The channels that stand behind one in its list."""
    for entry in send:
        names = entry.split("|")
        if channel in names:
            yield from names[names.index(channel) + 1 :]

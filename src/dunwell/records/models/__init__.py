"""The tables: the book, policies, runs, deliveries, audit.

Column names are the engine's where both have one. Models hold fields, constraints and indexes, no logic.
"""

from dunwell.records.models.audit import AuditEvent
from dunwell.records.models.book import (
    Account,
    Alert,
    Allocation,
    AnchorState,
    AttributeType,
    Closing,
    Contact,
    Dispute,
    Entity,
    Hold,
    InstalmentPlan,
    Item,
    ItemState,
    NotedContact,
    PayerContact,
    Payment,
    PaymentState,
    Promise,
    PromiseItem,
)
from dunwell.records.models.delivery import PERHAPS_GONE, Attempt, Delivery, DeliveryState, Task
from dunwell.records.models.people import SignInTry
from dunwell.records.models.policy import Policy, PolicyVersion
from dunwell.records.models.run import (
    Approval,
    Notice,
    NoticeAction,
    NoticeLine,
    NoticeState,
    ProposedCharge,
    Run,
    RunEdit,
    RunShard,
    RunState,
)

__all__ = [
    "PERHAPS_GONE",
    "Account",
    "Alert",
    "Allocation",
    "AnchorState",
    "Approval",
    "Attempt",
    "AttributeType",
    "AuditEvent",
    "Closing",
    "Contact",
    "Delivery",
    "DeliveryState",
    "Dispute",
    "Entity",
    "Hold",
    "InstalmentPlan",
    "Item",
    "ItemState",
    "NotedContact",
    "Notice",
    "NoticeAction",
    "NoticeLine",
    "NoticeState",
    "PayerContact",
    "Payment",
    "PaymentState",
    "Policy",
    "PolicyVersion",
    "Promise",
    "PromiseItem",
    "ProposedCharge",
    "Run",
    "RunEdit",
    "RunShard",
    "RunState",
    "SignInTry",
    "Task",
]

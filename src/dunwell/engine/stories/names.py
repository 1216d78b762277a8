"""What a story calls things, and the ids they have on the board."""

from typing import Final

from dunwell.engine.documents import hint
from dunwell.engine.stories import format as told
from dunwell.engine.stories.board import ENTITIES_PER_STORY, IDS_PER_STORY, Board, ItemState
from dunwell.engine.stories.story import Story

DEFAULT_ENTITY: Final = "ACME"


KINDS: Final = ("item", "hold", "dispute", "promise", "plan", "contact")


class StoryError(ValueError):
    """A step that cannot happen: it names something the story does not have."""


class Names:
    """Knows a story's part of the book by the names the story gives.

    Every account, item, hold, dispute, promise and plan has its name; its id is the story's own among all on the board.
    """

    def __init__(self, story: Story, board: Board, story_no: int) -> None:
        self.story = story
        self.board = board
        self.story_no = story_no
        names = list(dict.fromkeys([*story.entities, *(a.entity for a in story.accounts if a.entity)])) or [
            DEFAULT_ENTITY
        ]
        first_entity = story_no * ENTITIES_PER_STORY + 1
        self.entities = {name: number for number, name in enumerate(names, first_entity)}
        self.accounts = {each.account: number for number, each in enumerate(story.accounts, self._before_first + 1)}
        self.told_accounts: dict[str, told.Account] = {}
        self.ids: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        self.numbers: dict[int, str] = {}

    @property
    def _before_first(self) -> int:
        return self.story_no * IDS_PER_STORY

    def account(self, name: str) -> int:
        """Return an account's id. Errors: StoryError."""
        if name not in self.accounts:
            raise StoryError(f"there is no account {name!r} under `accounts`")
        return self.accounts[name]

    def id_of(self, kind: str, name: str) -> int:
        """Return the id of an item, hold, dispute or promise. Errors: StoryError."""
        if name not in self.ids[kind]:
            raise StoryError(f"there is no {kind} {name!r} yet")
        return self.ids[kind][name]

    def _new_id(self, kind: str, name: str | None) -> int:
        known = self.ids[kind]
        name = name or f"{kind}-{len(known) + 1}"
        if name in known:
            raise StoryError(f"the {kind} {name!r} is there already")
        self._require_ids(f"{kind}s", len(known) + 1)
        known[name] = self._before_first + len(known) + 1
        if kind == "item":
            self.numbers[known[name]] = name
        return known[name]

    def _require_ids(self, what: str, count: int) -> None:
        """Stay below the first id of the next story on the board. Errors: StoryError."""
        if count >= IDS_PER_STORY:
            raise StoryError(f"a story has fewer than {IDS_PER_STORY:,} {what}")

    def _entity(self, name: str) -> int:
        if name not in self.entities:
            raise StoryError(f"there is no entity {name!r}{hint(name, self.entities)}")
        return self.entities[name]

    def _entity_of(self, account: str) -> int:
        return self._entity(self.told_accounts[account].entity or next(iter(self.entities)))

    def item(self, number: str) -> ItemState:
        """How an item stands. Errors: StoryError for one that is not there."""
        return self.board.items()[self.id_of("item", number)]

    def _is_draft(self, number: str, *kinds: str) -> bool:
        """Whether a number is that of a draft of one of these kinds: an invoice does not become a payment."""
        if number not in self.ids["item"]:
            return False
        item = self.item(number)
        return item.draft and item.kind in kinds

    def _in_currency_of(self, number: str, amount: told.Amount) -> int:
        """The minor units of an amount that must be in the currency of an item. Errors: StoryError."""
        currency = self.item(number).currency
        if amount.currency != currency:
            known = currency or "an unknown currency"
            raise StoryError(f"{number!r} is in {known}, not in {amount.currency or 'an unknown one'}")
        return amount.minor

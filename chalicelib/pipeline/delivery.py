"""What subjects owe to others is brought to these: facts for their collections.

A debtor's card keeps what it owes until it has been delivered, as it keeps what the CRM has to
hear. So messages carry references alone; a delivery may be made twice, or die half way and be
made again; and should the message be lost, sweep finds the card.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.core.stored import StoredCard
from chalicelib.pipeline.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Delivery:
    """All that the debtors of one message owe, by creditor; ``paid`` are the creditors served."""

    score: Scorer
    cards: Sequence[StoredCard]
    paid: set[Ref] = field(default_factory=set)

    @property
    def debtors(self) -> Mapping[Ref, Sequence[Ref]]:
        """Whom each creditor gets something from."""
        found: defaultdict[Ref, dict[Ref, None]] = defaultdict(dict)
        for card in self.cards:
            for due in card.debts.standing:
                found[due.subject][card.ref] = None
        return {creditor: list(debtors) for creditor, debtors in found.items()}

    def steps(self) -> Iterator[tuple[Ref, Callable[[], Ref | None]]]:
        """One per creditor, each of which returns whom the CRM has to hear of."""
        owed: defaultdict[Ref, list[Fact]] = defaultdict(list)
        for card in self.cards:
            for due in card.debts.standing:
                owed[due.subject].append(due)
        for creditor, facts in owed.items():
            yield creditor, partial(self._pay, creditor, facts)

    def settle(self) -> None:
        """Let go the debtors whose creditors have all been served."""
        for card in self.cards:
            if {due.subject for due in card.debts.standing} <= self.paid:
                self.score.store.settle(card)

    def _pay(self, creditor: Ref, facts: Sequence[Fact]) -> Ref | None:
        unwritten = self.score.score(creditor, facts)
        self.paid.add(creditor)
        return unwritten


def delivery(debtors: Sequence[Ref], score: Scorer) -> Delivery:
    """Of those that owe something by now; a stub is for whoever finishes its move."""
    cards = [card for card in score.store.cards(debtors) if card.owing]
    return Delivery(score, cards)

"""Who stands in for subjects that are gone for good, where a CRM deletes whatever it merges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from chalicelib import logs
from chalicelib.core.connector import CrmClient, Reading, TellsHeirs
from chalicelib.core.model import Ref
from chalicelib.core.ports import SubjectStore
from chalicelib.core.stored import StoredCard

Read = Callable[[Sequence[Ref]], Reading]


def with_heirs(
    reading: Reading, absent: Collection[Ref], client: CrmClient, store: SubjectStore, read: Read
) -> Reading:
    """The reading with those of ``absent`` moved to their heirs, if these are there themselves.

    Who has moved already has the heir of then, who is read again: whoever began the move may have
    died before its end, and nobody but the loser has rung.
    """
    if not isinstance(client, TellsHeirs) or not absent:
        return reading
    heirs = _heirs(store.cards(sorted(absent)), client, store)
    unread = sorted(set(heirs.values()) - reading.facts.keys() - set(absent))
    found = read(unread) if unread else Reading({})
    facts = {**found.facts, **reading.facts}
    ends = {ref: found.moved.get(heir, heir) for ref, heir in heirs.items()}
    moved = {ref: end for ref, end in ends.items() if end in facts and end != ref}
    if moved:
        logs.info("heirs", moved={str(ref): str(end) for ref, end in sorted(moved.items())})
    inherited = {end: facts[end] for end in moved.values()}
    return replace(reading, facts={**inherited, **reading.facts}, moved={**reading.moved, **moved})


def _heirs(
    cards: Sequence[StoredCard], client: TellsHeirs, store: SubjectStore
) -> Mapping[Ref, Ref]:
    moved = {card.ref: card.stub.into for card in cards if card.stub and card.stub.into}
    known = {card.ref: tuple(store.load(card.ref).facts) for card in cards if card.stub is None}
    return {**moved, **(client.heirs(known) if known else {})}

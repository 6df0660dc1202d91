"""Who stands in for subjects that are gone for good, where a CRM deletes whatever it merges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from chalicelib import logs
from chalicelib.core.connector import CrmClient, Reading, TellsHeirs
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.core.ports import SubjectStore

Read = Callable[[Sequence[Ref]], Reading]


def with_heirs(
    reading: Reading, absent: Collection[Ref], client: CrmClient, store: SubjectStore, read: Read
) -> Reading:
    """The reading with those of ``absent`` moved to their heirs, if these are there themselves."""
    if not isinstance(client, TellsHeirs) or not (known := _known(absent, store)):
        return reading
    heirs = client.heirs(known)
    unread = sorted(set(heirs.values()) - reading.facts.keys() - set(absent))
    found = read(unread) if unread else Reading({})
    facts = {**found.facts, **reading.facts}
    ends = {ref: found.moved.get(heir, heir) for ref, heir in heirs.items()}
    moved = {ref: end for ref, end in ends.items() if end in facts and end != ref}
    if moved:
        logs.info("heirs", moved={str(ref): str(end) for ref, end in sorted(moved.items())})
    inherited = {end: facts[end] for end in moved.values()}
    return replace(reading, facts={**inherited, **reading.facts}, moved={**reading.moved, **moved})


def _known(absent: Collection[Ref], store: SubjectStore) -> Mapping[Ref, tuple[Fact, ...]]:
    """What is known of those who have a card; for one that moved away, its move has been told."""
    cards = store.cards(sorted(absent)) if absent else ()
    subjects = [card.ref for card in cards if card.stub is None]
    return {ref: tuple(store.load(ref).facts) for ref in subjects}

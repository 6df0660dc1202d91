"""Cards that a CRM does not take: when they are tried again, in whose company, and who is told.

A record may be busy, or be what a whole request fails for, and some stay so for days. It is put off
for as long as that has lasted already, so that waits grow by themselves and nobody counts, and is
tried on and on; it never keeps others from being written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib import logs
from chalicelib.core.errors import CrmStumbled, CrmUnavailable, Retryable
from chalicelib.core.facts import iso
from chalicelib.core.model import Json, Ref
from chalicelib.core.stored import Setback, StoredCard
from chalicelib.pipeline.messages import Reason, chunks, refs_messages
from chalicelib.pipeline.park import park, unpark
from chalicelib.pipeline.services import Services

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
"""Before a record that the CRM had no time for is tried again."""

SUSPECT_AFTER = timedelta(minutes=10)
"""Of failing requests, a record may be what they fail for."""

TOLD_AFTER = timedelta(days=1)
"""A person is told of a record that has not been taken for so long."""


def batches(
    cards: Iterable[StoredCard], most: int, services: Services
) -> Iterator[list[StoredCard]]:
    """Suspects after all others: the first alone, and then twice as many each time.

    A request that fails ends the run, so that it costs few of them to find the one it fails for.
    """
    suspects: list[StoredCard] = []
    for chunk in chunks(cards, most):
        now = services.clock.now()
        suspects += [card for card in chunk if _is_suspect(card, now)]
        if others := [card for card in chunk if not _is_suspect(card, now)]:
            yield others
    size = 1
    while suspects:
        yield suspects[:size]
        suspects, size = suspects[size:], min(most, 2 * size)


def suspect(cards: Sequence[StoredCard], error: CrmUnavailable, services: Services) -> None:
    """A request for these failed. Each may be why; one that was alone, and not for the first time,
    is put off.
    """
    now = services.clock.now()
    if not (error.in_doubt or isinstance(error, CrmStumbled)):
        return
    if len(cards) == 1 and _is_suspect(cards[0], now):
        put_off(cards, {cards[0].ref: error}, services)
        return
    until = now + timedelta(seconds=error.retry_after or 0)
    services.store.set_back(
        [replace(card, setback=Setback(_since(card, now), until)) for card in cards]
    )


def put_off(cards: Sequence[StoredCard], why: Mapping[Ref, Retryable], services: Services) -> None:
    now = services.clock.now()
    setbacks = {card.ref: _longer(card, why[card.ref], now) for card in cards}
    for ref, setback in setbacks.items():
        logs.warning("put off", ref=str(ref), until=iso(setback.until), reason=str(why[ref]))
        if _is_told(setback, now):
            told = f"not taken since {iso(setback.since)}, and tried again: {why[ref]}"
            park_to_rewrite(ref, told, services)
    services.store.set_back([replace(card, setback=setbacks[card.ref]) for card in cards])


def taken(cards: Iterable[StoredCard], services: Services) -> None:
    """Of those that a person was told of, nobody has to be told any more: taken, or gone."""
    now = services.clock.now()
    for card in cards:
        if card.setback and _is_told(card.setback, now):
            unpark(_rewrite(card.ref), services, now)


def park_to_rewrite(ref: Ref, why: str, services: Services) -> None:
    park(_rewrite(ref), f"{ref}: {why}", services, services.clock.now())


def _rewrite(ref: Ref) -> Mapping[str, Json]:
    return refs_messages(ref.connection, [ref], Reason.REWRITE)[0]


def _is_suspect(card: StoredCard, now: datetime) -> bool:
    return now - _since(card, now) >= SUSPECT_AFTER


def _since(card: StoredCard, now: datetime) -> datetime:
    return card.setback.since if card.setback else now


def _longer(card: StoredCard, error: Retryable, now: datetime) -> Setback:
    since = _since(card, now)
    least = max(SHORTEST, timedelta(seconds=error.retry_after or 0))
    return Setback(since, now + max(least, min(LONGEST, now - since)))


def _is_told(setback: Setback, now: datetime) -> bool:
    return now - setback.since >= TOLD_AFTER

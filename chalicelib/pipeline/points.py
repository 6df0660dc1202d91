"""How somebody stands, how it came about, and what a purchase would bring. Keeps nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.facts import Fact
from chalicelib.core.model import Json, Ref
from chalicelib.core.standing import Standing
from chalicelib.core.stored import Collection
from chalicelib.loyalty.member import Member
from chalicelib.loyalty.rewards import Offer, offered
from chalicelib.loyalty.statement import Line, statement
from chalicelib.pipeline.customers import customer
from chalicelib.pipeline.membership import entries_of
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.till import Till, score_of

LINES_AT_ONCE = 50
QUOTE = "(this purchase)"
"""The id of a purchase that has not been made."""


@dataclass(frozen=True, slots=True)
class Balance:
    customer: Ref
    standing: Standing


@dataclass(frozen=True, slots=True)
class Statement:
    """``lines`` by their number, newest first; ``before`` asks for those that follow, if any do."""

    customer: Ref
    at: datetime
    lines: tuple[tuple[int, Line], ...]
    before: int | None


@dataclass(frozen=True, slots=True)
class Quote:
    """``points`` would be granted, ``pending`` of them not to be spent at once.

    ``offers`` are as they would be once all points can be spent, which are ``reach`` then.
    """

    customer: Ref
    at: datetime
    points: int
    pending: int
    now: Standing
    then: Standing
    reach: int
    offers: tuple[Offer, ...]


def balance(subject: Ref, services: Services) -> Balance:
    """Raises ``Rejected``, as all of these."""
    till, collection = _looked_up(subject, services)
    return Balance(collection.ref, _standing(till.member(collection), collection, till))


def lines_of(
    subject: Ref, services: Services, *, before: int | None = None, limit: int = LINES_AT_ONCE
) -> Statement:
    till, collection = _looked_up(subject, services)
    member = till.member(collection)
    told = statement([*entries_of(collection), *member.made], member.program(till.now))
    numbered = [(number, line) for number, line in enumerate(told, start=1)]
    asked = [one for one in reversed(numbered) if before is None or one[0] < before]
    rest = asked[limit - 1][0] if len(asked) > limit else None
    return Statement(collection.ref, till.now, tuple(asked[:limit]), rest)


def quote(subject: Ref, purchase: Mapping[str, Json], services: Services) -> Quote:
    """``purchase`` is the data of one, as an event tells it."""
    till, collection = _looked_up(subject, services)
    fact = Fact(collection.ref, "purchase", QUOTE, till.now, dict(purchase))
    now, then = till.member(collection), till.member(collection, [fact])
    granted = sum(then.book.granted.values()) - sum(now.book.granted.values())
    return Quote(
        customer=collection.ref,
        at=till.now,
        points=granted,
        pending=then.book.pending - now.book.pending,
        now=_standing(now, collection, till),
        then=_standing(then, collection, till),
        reach=_reach(then),
        offers=tuple(_offers(then, collection, till)),
    )


def _looked_up(subject: Ref, services: Services) -> tuple[Till, Collection]:
    till = Till.of(subject.connection, services, services.clock.now())
    return till, customer(subject, services.store)


def _standing(member: Member, collection: Collection, till: Till) -> Standing:
    told, score = member.membership(till.now), score_of(collection)
    return told.standing if score is None else told.by(score)


def _offers(member: Member, collection: Collection, till: Till) -> Sequence[Offer]:
    program = member.program(till.now)
    tier = member.tier_by(score_of(collection), till.now)
    return offered(program, tier, till.given(*program.rewards), _reach(member), till.now)


def _reach(member: Member) -> int:
    return max(member.book.remaining - member.book.debt, 0)

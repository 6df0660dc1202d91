"""What a share of the population adds to what is learned of all of it.

Map: the cards of one share become rows, and their facts what deals and baskets tell; a share is
JSON, so that it can wait for the others. Reduce: parameters by model name from all shares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, repeat
from typing import Any, cast

from chalicelib import logs
from chalicelib.core.editions import HIDDEN
from chalicelib.core.facts import parse_instant
from chalicelib.core.funnel import ClosedDeal
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import Policy
from chalicelib.core.ports import SubjectStore
from chalicelib.core.purchases import turnover
from chalicelib.core.stored import Collection
from chalicelib.pipeline.lessons import MALFORMED, Lessons, lessons_of
from chalicelib.pipeline.reading import collections
from chalicelib.scoring.cross_sell import CROSS_SELL
from chalicelib.scoring.funnel import closed_deals
from chalicelib.scoring.models import behaviour, rfm, value
from chalicelib.scoring.products import bought_categories
from chalicelib.training.cross_sell import cross_sell
from chalicelib.training.population import Row, Wanted, fitted
from chalicelib.training.stages import stage_probabilities

Learned = Mapping[str, Mapping[str, Json]]
"""Parameters by model name."""


@dataclass(frozen=True, slots=True)
class Share:
    """``deals`` are closed ones by id, which several people may share; ``baskets`` count customers
    by the categories that each of them ever bought.
    """

    rows: tuple[Row, ...] = ()
    deals: Mapping[str, ClosedDeal] = field(default_factory=dict)
    baskets: Mapping[frozenset[str], int] = field(default_factory=dict)
    lessons: Lessons = field(default_factory=Lessons)

    def to_json(self) -> dict[str, Json]:
        rows: list[Json] = [
            [one.id, one.rfm and list(one.rfm), one.value, one.satisfaction] for one in self.rows
        ]
        return {
            "rows": rows,
            "deals": {one: [dict(deal.days_left), deal.won] for one, deal in self.deals.items()},
            "baskets": [
                [cast(Json, sorted(basket)), count] for basket, count in self.baskets.items()
            ],
            "lessons": self.lessons.to_json(),
        }

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Share:
        return cls(
            rows=tuple(
                Row(name, rfm_row and tuple(rfm_row), worth, satisfaction)
                for name, rfm_row, worth, satisfaction in held["rows"]
            ),
            deals={name: ClosedDeal(days, won) for name, (days, won) in held["deals"].items()},
            baskets={frozenset(basket): count for basket, count in held["baskets"]},
            lessons=Lessons.from_json(held["lessons"]),
        )


def share_of(
    cards: Iterable[Mapping[str, Json]], policy: Policy, store: SubjectStore, now: datetime
) -> Share:
    """Of rows of the index. Facts are read too where ``needs_facts``: the index holds nothing of
    what deals, baskets and predictions are learned of.
    """
    present = [card for card in cards if card.get("made") != HIDDEN]
    rows = tuple(_row(card, policy, now) for card in present)
    if not needs_facts(policy):
        return Share(rows)
    deals: dict[str, ClosedDeal] = {}
    baskets: Counter[frozenset[str]] = Counter()
    lessons = []
    for one in collections((Ref.parse(row.id) for row in rows), store):
        told = _ended_and_bought(one, policy, now)
        if told is None:
            lessons.append(Lessons(malformed=1))
            continue
        deals |= told[0]
        baskets.update(told[1])
        lessons.append(lessons_of([one], policy, now))
    return Share(rows, deals, baskets, Lessons.of(lessons))


def _ended_and_bought(
    one: Collection, policy: Policy, now: datetime
) -> tuple[Mapping[str, ClosedDeal], Sequence[frozenset[str]]] | None:
    """None of whose facts cannot be reckoned with."""
    if policy.funnel is None:
        return {}, ()
    try:
        return closed_deals(one.facts, policy.funnel), tuple(_baskets(one, policy, now))
    except MALFORMED as fault:
        logs.warning("teaches nothing", subject=str(one.ref), reason=repr(fault))
        return None


def needs_facts(policy: Policy) -> bool:
    return policy.funnel is not None or policy.prediction is not None


def learned(shares: Iterable[Share], policy: Policy) -> Learned:
    """What all shares together tell, by model name."""
    whole = list(shares)
    rows = chain.from_iterable(share.rows for share in whole)
    parameters: dict[str, Mapping[str, Json]] = dict(fitted(rows, _wanted(policy)))
    if policy.funnel is None:
        return parameters
    deals = {name: deal for share in whole for name, deal in share.deals.items()}
    parameters["stages"] = stage_probabilities(deals.values())
    if policy.categories:
        parameters[CROSS_SELL] = cross_sell(_each(whole))
    return parameters


def _baskets(one: Collection, policy: Policy, now: datetime) -> Iterator[frozenset[str]]:
    """None of a company, whose people's purchases would count twice; nor an empty one, since
    whoever has bought none of the categories is no customer of theirs.
    """
    if one.ref.kind != "account" and policy.categories:
        net = turnover(one.facts, now).purchases
        yield from filter(None, [bought_categories(one.facts, net, policy.categories, now)])


def _each(shares: Iterable[Share]) -> Iterator[frozenset[str]]:
    return (
        one
        for share in shares
        for basket, count in share.baskets.items()
        for one in repeat(basket, count)
    )


def _wanted(policy: Policy) -> Wanted:
    """What the customer components of the policy ask of the population."""
    models = [group.model for group in policy.customer.components]
    buying = [one.buying if isinstance(one, behaviour.Model) else one for one in models]
    return Wanted(
        ties_by_id=any(one.options.ties_by_id for one in buying if isinstance(one, rfm.Model)),
        basis=next((one.basis for one in models if isinstance(one, value.Model)), None),
        value_shares=policy.customer.value_shares,
    )


def _row(card: Mapping[str, Json], policy: Policy, now: datetime) -> Row:
    satisfaction, worth = card.get("q"), card.get("v")
    return Row(
        id=str(card["ref"]),
        rfm=_rfm(card, policy, now) if card.get("r") is not None else None,
        value=None if worth is None else int(cast(int, worth)),
        satisfaction=None if satisfaction is None else float(cast(float, satisfaction)),
    )


def _rfm(card: Mapping[str, Json], policy: Policy, now: datetime) -> tuple[int, int, int]:
    """With the days since the last purchase as of now; the index tells them as of its card."""
    today = now.astimezone(policy.time_zone).date()
    made_on = parse_instant(str(card["at"])).astimezone(policy.time_zone).date()
    recency = int(cast(int, card["r"])) + (today - made_on).days
    return recency, int(cast(int, card["f"])), int(cast(int, card["m"]))

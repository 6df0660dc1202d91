"""What is doubtful in a history: attributes that are mostly empty, doubles, impossible amounts.

What is found is said of the data, so what could be changed stands in ``Doubt.mended``: the facts as
they would be if a person had put them right, for seeing who would move.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from chalicelib.advice.cases import Case, History
from chalicelib.advice.remarks import Remark, per_cent
from chalicelib.advice.rules import Rule
from chalicelib.core.facts import Fact, FactSet, money
from chalicelib.core.model import Json, Money, Ref
from chalicelib.core.purchases import turnover
from chalicelib.scoring.models import fit
from chalicelib.training.data_quality import (
    EARLIEST_YEAR,
    FAR_BEYOND,
    Person,
    doubles,
    outliers,
    too_early,
    unit_errors,
)

SELDOM_KNOWN = 0.5
_SHOWN = 5

Facts = Mapping[Ref, FactSet]


@dataclass(frozen=True, slots=True)
class Doubt:
    """``mended`` are the facts of whom putting it right would concern; empty if nobody can tell."""

    remark: Remark
    mended: Mapping[Ref, FactSet] = field(default_factory=dict)


def quality_doubts(now: History, facts: Facts) -> list[Doubt]:
    """``facts`` are those of which ``now`` has the cases."""
    currency = now.study.policy.currency
    return [
        *_seldom_known(now),
        *_doubles(now),
        *_outliers(facts, currency),
        *_too_early(facts),
        *_unit_errors(facts, currency),
    ]


def _seldom_known(now: History) -> Iterator[Doubt]:
    """The attributes that rules ask for, the emptiest first."""
    asking: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule, names in _asked(now):
        for name in names:
            asking[name].append(rule)
    filled = {name: _fill(name, now.cases) for name in asking}
    for name in sorted(filled, key=lambda name: (filled[name], name)):
        if filled[name] < SELDOM_KNOWN:
            yield Doubt(_seldom(name, filled[name], asking[name], len(now.cases)))


def _asked(now: History) -> Iterator[tuple[Rule, Sequence[str]]]:
    by_place = {(*place, rule.id.rpartition(".")[2]): rule
                for rule in now.study.rules for place in rule.places}  # fmt: skip
    for group in now.study.policy.lead.groups:
        if isinstance(group.model, fit.Model):
            for one in group.model.rules:
                yield by_place["lead", group.id, one.id], tuple(one.asks)


def _fill(name: str, cases: Sequence[Case]) -> float:
    if not cases:
        return 1.0
    return sum(case.profile.value(name) is not None for case in cases) / len(cases)


def _seldom(name: str, share: float, rules: Sequence[Rule], people: int) -> Remark:
    points = sum(abs(rule.points) for rule in rules)
    names = ", ".join(rule.id for rule in rules)
    missing = round(people * (1 - share))
    says = (
        f"known of {per_cent(share)} of {people} people, and {points:g} points hang on it "
        f"({names}): ask for it, or move the points to what is known"
    )
    evidence: dict[str, Json] = {
        "filled": round(share, 4),
        "missing": missing,
        "points": points,
        "rules": [rule.id for rule in rules],
    }
    return Remark("data", name, says, evidence)


def _doubles(now: History) -> Iterator[Doubt]:
    people = [_person(case) for case in now.cases]
    found = doubles(people)
    if not found:
        return
    sure = [one for one in found if one.sure]
    records = len({identity for one in found for identity in one.ids})
    pairs: list[Json] = [list(one.ids) for one in found[:_SHOWN]]
    says = (
        f"{len(found)} pairs of {records} records look like one person each, {len(sure)} by the "
        f"same number or address: merge them in the CRM, which keeps what is known of both"
    )
    evidence: dict[str, Json] = {
        "pairs": len(found),
        "sure": len(sure),
        "records": records,
        "first": pairs,
    }
    yield Doubt(Remark("data", "doubles", says, evidence))


def _person(case: Case) -> Person:
    """By what policies call names, numbers and addresses; a company's is that of the account."""
    own = {key: str(one) for key, one in case.profile.attributes.items() if isinstance(one, str)}
    account = cast("Mapping[str, Json]", case.profile.attributes.get("account") or {})
    first_last = " ".join(own.get(part, "") for part in ("first_name", "last_name")).strip()
    return Person(
        id=str(case.ref),
        name=own.get("name", first_last),
        city=own.get("city", ""),
        company=own.get("company", str(account.get("name", ""))),
        phones=[value for key, value in own.items() if "phone" in key or "mobile" in key],
        emails=[value for key, value in own.items() if "email" in key and "@" in value],
    )


def _outliers(facts: Facts, currency: str) -> Iterator[Doubt]:
    amounts = {
        (ref, one.id): one.amount.amount
        for ref, found in facts.items()
        for one in turnover(found).purchases
        if one.amount.currency == currency and ref.kind != "account"
    }
    names = {f"{ref} {identity}": (ref, identity) for ref, identity in amounts}
    far = outliers({name: amounts[key] for name, key in names.items()})
    if not far:
        return
    mended: dict[Ref, FactSet] = {}
    for name in far:
        ref, identity = names[name]
        mended[ref] = _without(mended.get(ref, facts[ref]), identity)
    worst = max(amounts[names[name]] for name in far)
    says = (
        f"{len(far)} of {len(amounts)} purchases are more than {FAR_BEYOND} times the 99th "
        f"percentile, up to {_money(worst, currency)}: look at them in the CRM"
    )
    evidence: dict[str, Json] = {
        "purchases": len(amounts),
        "far": len(far),
        "first": [*far[:_SHOWN]],
    }
    yield Doubt(Remark("data", "amounts", says, evidence), mended)


def _too_early(facts: Facts) -> Iterator[Doubt]:
    days = {
        f"{ref} {one.id}": one.occurred_at.date()
        for ref, found in facts.items()
        for one in turnover(found).purchases
        if ref.kind != "account"
    }
    early = too_early(days)
    if not early:
        return
    says = (
        f"{len(early)} of {len(days)} purchases are dated before {EARLIEST_YEAR}, the first "
        f"{min(days[name] for name in early)}: correct their dates in the CRM"
    )
    evidence: dict[str, Json] = {
        "purchases": len(days),
        "early": len(early),
        "first": [*early[:_SHOWN]],
    }
    yield Doubt(Remark("data", "dates", says, evidence))


def _without(facts: FactSet, purchase: str) -> FactSet:
    kind, _, identity = purchase.rpartition(":")
    gone = f"FACT#{'deal' if kind == 'deal' else 'purchase'}#{identity}"
    return FactSet({key: fact for key, fact in facts.facts.items() if key != gone})


def _money(amount: int, currency: str) -> str:
    return f"{Money(amount, currency).to_decimal():,} {currency}"


def _unit_errors(facts: Facts, currency: str) -> Iterator[Doubt]:
    """Deals against the sum of their own line items."""
    deals: dict[str, tuple[Ref, Fact, int]] = {}
    items: defaultdict[str, int] = defaultdict(int)
    for ref, found in facts.items():
        if ref.kind != "account":
            deals |= {str(key): row for key, row in _priced(ref, found, currency)}
            for identity, amount in _item_amounts(found, currency):
                items[f"{ref} {identity}"] += amount
    wrong = unit_errors({key: row[2] for key, row in deals.items()}, items)
    if not wrong.ids:
        return
    mended: dict[Ref, FactSet] = {}
    for key in wrong.ids:
        ref, deal, _ = deals[key]
        right = replace(deal, data={**deal.data, "amount": Money(items[key], currency).to_json()})
        mended[ref] = FactSet({**mended.get(ref, facts[ref]).facts, right.key: right})
    says = (
        f"{len(wrong.ids)} deals ({per_cent(wrong.share)} of those with line items) are exactly "
        f"ten times or a tenth of what their items come to, as rial for toman: correct them"
    )
    evidence: dict[str, Json] = {
        "deals": len(wrong.ids),
        "share": round(wrong.share, 4),
        "first": [*wrong.ids[:_SHOWN]],
    }
    yield Doubt(Remark("data", "units", says, evidence), mended)


def _priced(ref: Ref, facts: FactSet, currency: str) -> Iterator[tuple[str, tuple[Ref, Fact, int]]]:
    for deal in facts.states("deal"):
        amount = money(deal.data.get("amount"))
        if amount and amount.currency == currency:
            yield f"{ref} {deal.id}", (ref, deal, amount.amount)


def _item_amounts(facts: FactSet, currency: str) -> Iterator[tuple[str, int]]:
    for item in facts.by_type.get("line_item", ()):
        amount = money(item.data.get("amount"))
        if amount and amount.currency == currency:
            yield str(item.data.get("deal_id")), amount.amount

"""What happened to a subject, whatever kind of fact tells it: the raw material of conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple, cast

from chalicelib.core.facts import FactSet, parse_instant
from chalicelib.core.model import Json, Purchase
from chalicelib.core.policy import Profile
from chalicelib.localization.reading import number_of
from chalicelib.policy.operators import OPERATORS, Test
from chalicelib.policy.scope import Scope
from chalicelib.scoring.products import category_of


class Occurrence(NamedTuple):
    """``count`` is how often it happened at once."""

    at: datetime
    count: int  # type: ignore[assignment]  # hides a method of tuples that nobody calls
    attributes: Mapping[str, Json]

    def number(self, name: str) -> Fraction | None:
        value = number_of(self.attributes.get(name))
        return None if value is None else Fraction(str(value))


Told = Callable[[Profile], Iterable[Occurrence]]
"""In no order; what is dated ahead may be among them."""


def occurrences(kind: Json, where: Json, scope: Scope) -> Told:
    """Of an activity kind or a name of ``SOURCES``; ``where`` is a mapping or None."""
    told = _source(str(kind), scope)
    if not where:
        return told
    fits = compile_where(cast(Mapping[str, Json], where))
    return lambda profile: (one for one in told(profile) if fits(one.attributes))


def _source(kind: str, scope: Scope) -> Told:
    if kind in SOURCES:
        source = SOURCES[kind]
        return lambda profile: source(profile, scope)
    return lambda profile: (
        Occurrence(one.occurred_at, one.count, one.attributes)
        for one in profile.activities.get(kind, ())
    )


def compile_where(where: Mapping[str, Json]) -> Callable[[Mapping[str, Json]], bool]:
    """Of attributes: a value stands for itself, a list for any of it, a mapping for operators.

    Of a list of values one that fits is enough; what is missing does not fit.

    >>> fits = compile_where({"path": {"contains": "/pricing"}, "device": ["phone", "tablet"]})
    >>> fits({"path": "/en/pricing", "device": "phone"}), fits({"path": "/en/pricing"})
    (True, False)
    """
    tests = [(name, _tests(wanted)) for name, wanted in where.items()]

    def fits(attributes: Mapping[str, Json]) -> bool:
        return all(_passes(attributes.get(name), test) for name, test in tests)

    return fits


def _tests(wanted: Json) -> Sequence[Test]:
    match wanted:
        case dict():
            return [OPERATORS[name].compile(operand) for name, operand in wanted.items()]
        case list():
            return [OPERATORS["in"].compile(wanted)]
        case _:
            return [OPERATORS["equals"].compile(wanted)]


def _passes(value: Json, tests: Sequence[Test]) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(all(test(one) for test in tests) for one in values)


def _purchases(profile: Profile, scope: Scope) -> Iterator[Occurrence]:
    """With what the order, or the won deal and its line items, says of itself."""
    categories = _categories_by_deal(profile.facts)
    for one in profile.purchases:
        known = _order(one, profile.facts)
        sold = categories.get(one.id.removeprefix("deal:"), [])
        more = {"category": cast(list[Json], sold)} if sold else {}
        yield Occurrence(one.occurred_at, 1, {**known, **more, "amount": _major(one, scope)})


def _order(bought: Purchase, facts: FactSet) -> Mapping[str, Json]:
    deal = bought.id.removeprefix("deal:")
    key = f"FACT#purchase#{bought.id}" if deal == bought.id else f"FACT#deal#{deal}"
    fact = facts.facts.get(key)
    return fact.data if fact else {}


def _major(bought: Purchase, scope: Scope) -> Json:
    """None where no rate was known."""
    same = bought.amount.currency == scope.currency
    return str(bought.amount.to_decimal()) if same else None


def _categories_by_deal(facts: FactSet) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in facts.states("line_item"):
        if category := category_of(item):
            found.setdefault(str(item.data.get("deal_id")), []).append(category)
    return found


def _tickets(profile: Profile, _: Scope) -> Iterator[Occurrence]:
    for fact in profile.facts.states("ticket"):
        if at := fact.data.get("opened_at"):
            yield Occurrence(parse_instant(str(at)), 1, fact.data)


def _surveys(profile: Profile, _: Scope) -> Iterator[Occurrence]:
    for fact in profile.facts.states("survey"):
        at = fact.data.get("answered_at")
        yield Occurrence(parse_instant(str(at)) if at else fact.occurred_at, 1, fact.data)


SOURCES: Mapping[str, Callable[[Profile, Scope], Iterable[Occurrence]]] = {
    "purchase": _purchases,
    "ticket": _tickets,
    "survey": _surveys,
}

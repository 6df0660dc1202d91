"""Who they are: rules that are true or false of a record as it is now.

A rule that holds gives its points; a changed property replaces them, nothing accumulates and
nothing decays. A condition with a window may change by itself. A rule whose attribute is missing
does not fire and counts as not known: its points are shared among the attributes of it that are
missing, to tell what would be worth asking.

>>> from chalicelib.core.facts import FactSet
>>> from chalicelib.core.model import Ref
>>> from datetime import UTC, datetime
>>> big = Rule("big", Condition(lambda profile: profile.attributes.get("employees") == 500), 10,
...            Text("Large company", "شرکت بزرگ"))
>>> profile = Profile(Ref("hubspot-main", "contact", "1"), datetime(2026, 3, 21, tzinfo=UTC),
...                   {"employees": 500}, {}, (), FactSet())
>>> [(term.id, term.points) for term in Model((big,)).measure(profile, {}).terms]
[('big', 10)]

Source: the explicit half of every CRM's lead scoring; ideal customer profile rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import compress
from typing import cast

from chalicelib.core.card import Gap
from chalicelib.core.facts import earliest
from chalicelib.core.model import Json, Text
from chalicelib.core.policy import Condition, Measure, Profile, Term, Verdict
from chalicelib.scoring.models import Context, Parameters, rules_schema

SCHEMA = rules_schema(when={"$ref": "#/$defs/condition"})


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    when: Condition
    points: float
    text: Text
    asks: Mapping[str, Text] = field(default_factory=dict)
    """The names of its attributes, and how people call them."""


@dataclass(frozen=True)
class Model:
    rules: tuple[Rule, ...]

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:
        rows = cast(Iterable[Mapping[str, Json]], parameters["rules"])
        return cls(tuple(_rule(row, context) for row in rows))

    @property
    def maximum(self) -> float:
        return sum(rule.points for rule in self.rules if rule.points > 0)

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:  # noqa: ARG002
        found = self._verdicts(profile)
        open_ones = [*compress(self.rules, [holds is None for holds in found])]
        return Measure(
            terms=tuple(compress(self._terms, found)),
            known=len(found) - len(open_ones),
            asked=len(found),
            changes_at=self._changes_at(profile) if self._timed else None,
            at_stake=self._at_stake,
            gaps=tuple([gap for rule in open_ones for gap in _gaps(rule, profile)]),
        )

    def _changes_at(self, profile: Profile) -> datetime | None:
        return earliest([change(profile) for change in self._timed])

    def _verdicts(self, profile: Profile) -> list[Verdict]:
        found: list[Verdict] = [None] * len(self.rules)
        for name, tests in self._tests:
            value = profile.value(name)
            for place, test in tests:
                found[place] = test(value)
        for place, holds in self._others:
            found[place] = holds(profile)
        return found

    @cached_property
    def _tests(self) -> Sequence[tuple[str, Sequence[tuple[int, Callable[[Json], Verdict]]]]]:
        """Of each attribute the places of the rules that it decides alone, and their tests."""
        found: defaultdict[str, list[tuple[int, Callable[[Json], Verdict]]]] = defaultdict(list)
        for place, rule in enumerate(self.rules):
            if rule.when.tested:
                name, test = rule.when.tested
                found[name].append((place, test))
        return tuple(found.items())

    @cached_property
    def _others(self) -> Sequence[tuple[int, Callable[[Profile], Verdict]]]:
        places = enumerate(rule.when for rule in self.rules)
        return tuple((place, when.holds) for place, when in places if not when.tested)

    @cached_property
    def _terms(self) -> tuple[Term, ...]:
        """Of each rule what it gives if it holds."""
        return tuple(Term(rule.id, rule.points, rule.text) for rule in self.rules)

    @cached_property
    def _timed(self) -> tuple[Callable[[Profile], datetime | None], ...]:
        return tuple(rule.when.changes_at for rule in self.rules if rule.when.changes_at)

    @cached_property
    def _at_stake(self) -> float:
        return sum(abs(rule.points) for rule in self.rules if rule.asks)


def _gaps(rule: Rule, profile: Profile) -> list[Gap]:
    """A value that is there but is not of its type is as good as missing."""
    missing = [name for name in rule.asks if profile.value(name) is None] or list(rule.asks)
    points = abs(rule.points) / len(missing) if missing else 0
    return [Gap(name, points, rule.asks[name]) for name in missing if points]


def _attributes(node: Json) -> Iterator[str]:
    """The names that a condition asks for, however deep inside."""
    match node:
        case {"attribute": str(name)}:
            yield name
        case dict():
            for part in node.values():
                yield from _attributes(part)
        case list():
            for part in node:
                yield from _attributes(part)


def _rule(row: Mapping[str, Json], context: Context) -> Rule:
    text = cast(Mapping[str, str], row["text"])
    return Rule(
        id=str(row["id"]),
        when=context.condition(cast(Mapping[str, Json], row["when"])),
        points=cast(float, row["points"]),
        text=Text(text["en"], text["fa"]),
        asks={name: context.label(name) for name in _attributes(row["when"])},
    )

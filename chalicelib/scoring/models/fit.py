"""Who they are: rules that are true or false of a record as it is now.

A rule that holds gives its points; a changed property replaces them, nothing accumulates and
nothing decays. A rule whose attribute is missing does not fire and counts as not known.

>>> from chalicelib.core.facts import FactSet
>>> from chalicelib.core.model import Ref
>>> from datetime import UTC, datetime
>>> big = Rule("big", lambda profile: profile.attributes.get("employees") == 500, 10,
...            Text("Large company", "شرکت بزرگ"))
>>> profile = Profile(Ref("hubspot-main", "contact", "1"), datetime(2026, 3, 21, tzinfo=UTC),
...                   {"employees": 500}, {}, (), FactSet())
>>> [(term.id, term.points) for term in Model((big,)).measure(profile, {}).terms]
[('big', 10)]

Source: the explicit half of every CRM's lead scoring; ideal customer profile rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from chalicelib.core.model import Json, Text
from chalicelib.core.policy import Condition, Measure, Profile, Term
from chalicelib.scoring.models import Context, Parameters, rules_schema

SCHEMA = rules_schema(when={"$ref": "#/$defs/condition"})


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    when: Condition
    points: float
    text: Text


@dataclass(frozen=True, slots=True)
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
        found = [(rule, rule.when(profile)) for rule in self.rules]
        return Measure(
            terms=tuple(Term(rule.id, rule.points, rule.text) for rule, holds in found if holds),
            known=sum(holds is not None for _, holds in found),
            asked=len(found),
        )


def _rule(row: Mapping[str, Json], context: Context) -> Rule:
    text = cast(Mapping[str, str], row["text"])
    return Rule(
        id=str(row["id"]),
        when=context.condition(cast(Mapping[str, Json], row["when"])),
        points=cast(float, row["points"]),
        text=Text(text["en"], text["fa"]),
    )

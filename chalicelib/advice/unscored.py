"""What people did or are that no rule asks for, ranked by who bought later.

Looked at are kinds of activity in the last 90 days before the cutoff, what activities say of
themselves (a path, a topic), and attributes of people and companies. Each is held against later
purchases among people who are alike, as rules are; only what is a finding among all that was looked
at is told. It is association: to score it is worth a try, and nothing is proved by it.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from chalicelib.advice.cases import Case, History
from chalicelib.advice.changes import Change
from chalicelib.advice.effects import Sighting, points_per_log_odds, sight
from chalicelib.advice.points import compared, sighted
from chalicelib.advice.remarks import Remark
from chalicelib.core.model import Activity, Json
from chalicelib.policy.compilation import called
from chalicelib.training.association import FEWEST_PEOPLE, discoveries

DAYS = 90
HALF_LIFE_DAYS = 30
MOST_VALUES = 20
"""An attribute of more values than that, such as a name, sorts nobody."""

_TECHNICAL = frozenset(
    {"kind", "count", "session", "ip", "user_agent", "message", "link", "delivered_at", "human",
     "privacy_proxy", "opens_reported"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Behaviour:
    """``when`` is the condition that sees it; ``held`` has how much of it each of them holds."""

    about: str
    model: str
    when: dict[str, Json]
    held: Mapping[int, float]
    unknown: frozenset[int] = frozenset()


def unscored_remarks(history: History) -> list[Remark]:
    """The clearest first; those that are none, and how many were looked at, are in the last."""
    seen = list(_behaviours(history))
    judged = [(one, found) for one in seen if (found := _sighting(one, history)).found]
    told = discoveries([found.found.probability for _, found in judged if found.found])
    findings = [pair for pair, is_one in zip(judged, told, strict=True) if is_one]
    findings.sort(key=lambda pair: -_strength(pair[1]))
    remarks = [_remark(one, found, history) for one, found in findings]
    says = (
        f"{len(seen)} behaviours and attributes that no rule asks for were seen, {len(judged)} of "
        f"them often enough to be judged; {len(remarks)} go with later purchases"
    )
    evidence: dict[str, Json] = {"seen": len(seen), "judged": len(judged), "found": len(remarks)}
    return [*remarks, Remark("unscored", "all", says, evidence)]


def _sighting(one: Behaviour, history: History) -> Sighting:
    places = {id(case): place for place, case in enumerate(history.cases)}

    def reached(case: Case) -> bool | None:
        place = places[id(case)]
        return None if place in one.unknown else place in one.held

    held = math.fsum(one.held.values()) / len(one.held) if one.held else 1.0
    return sight(history, history.cases, reached, held)


def _strength(found: Sighting) -> float:
    """The end of the interval that is nearer to nothing."""
    assert found.found is not None
    return min(map(abs, found.found.interval))


def _behaviours(history: History) -> Iterator[Behaviour]:
    asked = _asked_for(history.study.page)
    yield from _of_activities(history, asked)
    yield from _of_records(history, asked)


def _asked_for(page: Mapping[str, Any]) -> frozenset[str]:
    """Every word that some rule, or a segment that it may go by, says."""
    rows = [row["when"] for section, name in (("lead", "groups"), ("customer", "components"))
            for group in page[section][name] for row in group.get("rules", ())]  # fmt: skip
    rows += [row["when"] for row in page.get("segments", ())]
    return frozenset(word for row in rows for word in _words(row))


def _words(node: Any) -> Iterator[str]:
    match node:
        case str():
            yield node
        case dict():
            for key, part in node.items():
                yield key
                yield from _words(part)
        case list():
            for part in node:
                yield from _words(part)


def _of_activities(history: History, asked: frozenset[str]) -> Iterator[Behaviour]:
    recent = [_recent(case) for case in history.cases]
    kinds = sorted({kind for found in recent for kind in found} - asked)
    for kind in kinds:
        held = {
            place: _decayed(found[kind], history.cases[place])
            for place, found in enumerate(recent)
            if kind in found
        }
        yield Behaviour(kind, "engagement", {"activity": kind}, held)
    for (kind, name), values in _values(recent, asked).items():
        # Compared among those who did it at all: else a value tells how busy somebody is.
        idle = frozenset(place for place, found in enumerate(recent) if kind not in found)
        for value, people in _few(values):
            when: dict[str, Json] = {"count": kind, "where": {name: value}}
            when |= {"within_days": DAYS, "at_least": 1}
            held = dict.fromkeys(people, 1.0)
            yield Behaviour(f"{kind} {name}={value}", "fit", when, held, idle)


Recent = Mapping[str, list[Activity]]
"""What somebody did in the last days, by kind."""


def _recent(case: Case) -> Recent:
    found = {
        kind: [one for one in activities if _age(one, case) < DAYS]
        for kind, activities in case.profile.activities.items()
    }
    return {kind: activities for kind, activities in found.items() if activities}


def _values(
    recent: Sequence[Recent], asked: frozenset[str]
) -> Mapping[tuple[str, str], Mapping[str, set[int]]]:
    """By kind and attribute, who has each value of it."""
    found: defaultdict[tuple[str, str], defaultdict[str, set[int]]]
    found = defaultdict(lambda: defaultdict(set))
    for place, kinds in enumerate(recent):
        for kind, activities in kinds.items():
            for name, value in {pair for one in activities for pair in _said(one)}:
                if name not in asked:
                    found[kind, name][value].add(place)
    return {key: found[key] for key in sorted(found)}


def _few(values: Mapping[str, set[int]]) -> list[tuple[str, set[int]]]:
    """Values that are worth a look, if they are not as many as there are people."""
    if len(values) > MOST_VALUES:
        return []
    return [(one, values[one]) for one in sorted(values) if len(values[one]) >= FEWEST_PEOPLE]


def _said(one: Activity) -> Iterator[tuple[str, str]]:
    for name, value in one.attributes.items():
        if name not in _TECHNICAL and isinstance(value, str) and value:
            yield name, value


def _age(one: Activity, case: Case) -> float:
    """In days."""
    return (case.profile.now - one.occurred_at) / timedelta(days=1)


def _decayed(recent: list[Activity], case: Case) -> float:
    return math.fsum(one.count * math.exp2(-_age(one, case) / HALF_LIFE_DAYS) for one in recent)


def _of_records(history: History, asked: frozenset[str]) -> Iterator[Behaviour]:
    for name, row in history.study.page["attributes"].items():
        known = called(name, row)
        if row["type"] in ("activity", "date") or known in asked or not _is_own(row["of"]):
            continue
        values = {
            place: value
            for place, case in enumerate(history.cases)
            if (value := case.profile.value(known)) is not None
        }
        unknown = frozenset(range(len(history.cases))) - values.keys()
        if row["type"] == "number":
            yield from _of_numbers(known, values, unknown)
        else:
            yield from _of_values(known, values, unknown)


def _is_own(of: str) -> bool:
    return of in ("contact", "lead", "account")


def _of_numbers(
    name: str, values: Mapping[int, Json], unknown: frozenset[int]
) -> Iterator[Behaviour]:
    """The upper half against the lower one."""
    numbers = {place: one for place, one in values.items() if _is_number(one)}
    if numbers:
        middle = median(numbers.values())  # type: ignore[type-var]  # all are numbers
        held = {place: 1.0 for place, one in numbers.items() if one >= middle}  # type: ignore[operator]
        when: dict[str, Json] = {"attribute": name, "at_least": middle}
        yield Behaviour(f"{name} ≥ {middle:g}", "fit", when, held, unknown)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_values(
    name: str, values: Mapping[int, Json], unknown: frozenset[int]
) -> Iterator[Behaviour]:
    found: defaultdict[Json, dict[int, float]] = defaultdict(dict)
    for place, value in values.items():
        if isinstance(value, str | bool):
            found[value][place] = 1.0
    if len(found) > MOST_VALUES:
        return
    for value, held in found.items():
        if len(held) >= FEWEST_PEOPLE:
            when: dict[str, Json] = {"attribute": name, "equals": value}
            yield Behaviour(f"{name}={value}", "fit", when, held, unknown)


def _remark(one: Behaviour, found: Sighting, history: History) -> Remark:
    page = history.study.page
    assert found.found is not None
    per = points_per_log_odds(page) / (found.held if one.model == "engagement" else 1.0)
    exact = per * found.found.log_odds
    points = int(math.copysign(max(1, math.floor(abs(exact) + 0.5)), exact))
    changes = tuple(_addition(one, points, page))
    says = f"goes with later purchases, which proves no cause: {compared(found)}; "
    says += f"worth a rule of {points:+d} points"
    evidence: dict[str, Json] = {"points": points, **sighted(found)}
    return Remark("unscored", one.about, says, evidence, changes)


def _addition(one: Behaviour, points: int, page: Mapping[str, Any]) -> Iterator[Change]:
    """Of a rule, to the first lead group that has such rules."""
    for index, group in enumerate(page["lead"]["groups"]):
        if group["model"] == one.model:
            yield Change(f"/lead/groups/{index}/rules/-", _rule(one, points, group), "add")
            return


def _rule(one: Behaviour, points: int, group: Mapping[str, Any]) -> dict[str, Json]:
    taken = {row["id"] for row in group["rules"]}
    name = re.sub(r"[^a-z0-9]+", "_", one.about.casefold()).strip("_") or "behaviour"
    name = name if name[0].isalpha() else f"b_{name}"
    while name in taken:
        name += "_2"
    decays: dict[str, Json] = (
        {"half_life_days": HALF_LIFE_DAYS} if one.model == "engagement" else {}
    )
    text: dict[str, Json] = {"en": one.about, "fa": one.about}
    return {"id": name, "when": one.when, "points": points, **decays, "text": text}

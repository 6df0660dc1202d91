"""Conditions that nobody can ever meet, and actions that are never taken.

Only what can be told from the page alone: bounds that leave nothing between them, values that the
other operators forbid, something that must be there and must not, windows that shut each other out.
All that must hold together is looked at together: the operators of one condition, and the parts of
``all``, however deep.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.facts import canonical
from chalicelib.core.policy import ADVISERS
from chalicelib.localization.reading import day_of
from chalicelib.policy.condition_checks import conditions_of
from chalicelib.policy.operators import OPERATORS
from chalicelib.policy.problem import Problem, pointer

Page = Mapping[str, Any]
Path = tuple[str | int, ...]

_UTC = ZoneInfo("UTC")
_AMOUNTS = ("count", "sum", "average", "ratio")
_WINDOW = ("within_days", "this")
_DAYS = {
    "in_next_days": " by its age",
    "in_last_days": " by its age",
    "longer_ago_days": " by its age",
    "before": " by its date",
    "on_or_after": " by its date",
}
"""Operators of dates, by what they compare."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One operator that must hold, or with ``denied`` must not; ``of`` names what of."""

    of: str
    operator: str
    operand: Any
    path: Path
    denied: bool = False

    def __str__(self) -> str:
        operand = "" if self.operator in ("present", "missing") else f" {_said(self.operand)}"
        return f"{'not ' if self.denied else ''}{self.operator}{operand}"


@dataclass(frozen=True, slots=True)
class Range:
    """From ``low`` to ``high``; an open end is not within."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def within(self, other: Range) -> Range:
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Range(low, high, low_open, not closed)


def conditions_can_hold(page: Page) -> Iterator[Problem]:
    for path, node in _all_conditions(page):
        yield from _conjunctions(node, path)


def _all_conditions(page: Page) -> Iterator[tuple[Path, Page]]:
    for index, row in enumerate(page.get("segments", [])):
        yield ("segments", index, "when"), row["when"]
    yield from conditions_of(page)


def _conjunctions(node: Page, path: Path) -> Iterator[Problem]:
    """Of all that must hold together, and of what stands below ``any`` or ``not`` by itself."""
    parts = list(_flat(node, path))
    yield from _contradictions(parts)
    for part, place in parts:
        for form in ("any", "not"):
            inner = part.get(form, [])
            rows = inner if isinstance(inner, list) else [inner]
            for index, one in enumerate(rows):
                step = (form, index) if form == "any" else (form,)
                yield from _conjunctions(one, (*place, *step))


def _flat(node: Page, path: Path) -> Iterator[tuple[Page, Path]]:
    if "all" not in node:
        yield node, path
    else:
        for index, part in enumerate(node["all"]):
            yield from _flat(part, (*path, "all", index))


def _contradictions(parts: Sequence[tuple[Page, Path]]) -> Iterator[Problem]:
    demands = [demand for part, path in parts for demand in _demands(part, path)]
    backward = [one for one in demands if _is_backward(one)]
    for one in backward:
        low, high = one.operand
        advice = f"write the lower number first: between [{high:g}, {low:g}]"
        yield Problem(pointer(one.path), advice)
    rest = [one for one in demands if one not in backward]
    by_name: defaultdict[str, list[Demand]] = defaultdict(list)
    for one in rest:
        by_name[one.of].append(one)
    for name, found in by_name.items():
        yield from _first_problem(name, found)
    yield from _opposites(parts)
    yield from _shut_windows(parts)


def _is_backward(one: Demand) -> bool:
    return one.operator == "between" and one.operand[0] > one.operand[1]


def _demands(node: Page, path: Path, *, denied: bool = False) -> Iterator[Demand]:
    """Of one that is denied only what one operator says, for of several one may fail."""
    if "not" in node and not denied and isinstance(node["not"], Mapping):
        inner = node["not"]
        if len([key for key in inner if key in OPERATORS]) == 1:
            yield from _demands(inner, (*path, "not"), denied=True)
        return
    name = _name(node)
    if name is None:
        return
    for key, operand in node.items():
        if key in OPERATORS:
            yield Demand(name, key, operand, (*path, key), denied)
        elif key in _DAYS and "attribute" in node and not denied:
            yield Demand(name + _DAYS[key], key, operand, (*path, key))
    if "where" in node and not denied:
        yield from _of_where(node["where"], (*path, "where"), name)


def _of_where(where: Page, path: Path, name: str) -> Iterator[Demand]:
    for attribute, wanted in where.items():
        if isinstance(wanted, Mapping):
            for key, operand in wanted.items():
                yield Demand(f"{attribute} of {name}", key, operand, (*path, attribute, key))


def _name(node: Page) -> str | None:
    if "attribute" in node:
        return str(node["attribute"])
    form = next((form for form in _AMOUNTS if form in node), None)
    if form is None:
        return None
    told = {key: node[key] for key in (form, "to", "of", "where", *_WINDOW) if key in node}
    return canonical(told) if len(told) > 1 else f"{form} of {node[form]}"


def _first_problem(name: str, demands: Sequence[Demand]) -> Iterator[Problem]:
    """One contradiction is enough; what else is wrong shows once it is mended."""
    looks: Sequence[Callable[[str, Sequence[Demand]], Iterator[Problem]]]
    looks = (_presence, _bounds, _candidates)
    for look in looks:
        problems = list(look(name, demands))
        if problems:
            yield problems[0]
            return


def _presence(name: str, demands: Sequence[Demand]) -> Iterator[Problem]:
    wanted = {
        True: [one for one in demands if _asks_for(one, there=True)],
        False: [one for one in demands if _asks_for(one, there=False)],
    }
    if wanted[True] and wanted[False]:
        yield _never(name, wanted[True][0], wanted[False][0])


def _asks_for(one: Demand, *, there: bool) -> bool:
    if one.operator not in ("present", "missing"):
        return there
    says_there = (one.operator == "present") is (one.operand is True)
    return (says_there is not one.denied) is there


def _bounds(name: str, demands: Sequence[Demand]) -> Iterator[Problem]:
    lowest = 0 if name.startswith(("count", "ratio", '{"count"', '{"ratio"')) else -math.inf
    within, tightest = Range(low=lowest), None
    for one in demands:
        bounds = _range(one)
        if bounds is None:
            continue
        narrower = within.within(bounds)
        if narrower.is_empty:
            yield _never(name, one, tightest) if tightest else _negative(name, one)
            return
        if narrower != within:
            within, tightest = narrower, one


def _range(one: Demand) -> Range | None:
    operand = one.operand
    if one.operator in _DAYS:
        return _day_range(one.operator, operand)
    if one.operator == "between":
        return None if one.denied else Range(operand[0], operand[1])
    if not isinstance(operand, int | float) or isinstance(operand, bool):
        return None
    if one.operator == "at_least":
        return Range(high=operand, high_open=True) if one.denied else Range(low=operand)
    if one.operator == "at_most":
        return Range(low=operand, low_open=True) if one.denied else Range(high=operand)
    return Range(operand, operand) if one.operator == "equals" and not one.denied else None


def _day_range(operator: str, operand: Any) -> Range | None:
    """In days from today, or in days of the calendar."""
    if operator in ("before", "on_or_after"):
        day = day_of(operand, _UTC)
        number = day.toordinal() if day else None
        if number is None:
            return None
        return Range(high=number, high_open=True) if operator == "before" else Range(low=number)
    if operator == "in_next_days":
        return Range(0, operand)
    if operator == "in_last_days":
        return Range(-operand, 0)
    return Range(high=-operand, high_open=True)


def _candidates(name: str, demands: Sequence[Demand]) -> Iterator[Problem]:
    """The values that are allowed by name, of which one must pass all else."""
    naming = [one for one in demands if one.operator in ("equals", "in") and not one.denied]
    if not naming:
        return
    first, rest = naming[0], [one for one in demands if one is not naming[0]]
    values = first.operand if first.operator == "in" else [first.operand]
    for value in values:
        if all(_passes(value, one) for one in rest):
            return
    yield _never(name, rest[-1], first)


def _passes(value: Any, one: Demand) -> bool:
    return (OPERATORS[one.operator].compile(one.operand)(value) is True) is not one.denied


def _never(name: str, one: Demand, other: Demand) -> Problem:
    later, earlier = (one, other) if _is_later(one, other) else (other, one)
    both = f"{earlier} and {later}"
    message = f"this can never hold: no {_told(name)} is {both}; change one of them"
    return Problem(pointer(later.path), message)


def _is_later(one: Demand, other: Demand) -> bool:
    return tuple(map(str, one.path)) >= tuple(map(str, other.path))


def _negative(name: str, one: Demand) -> Problem:
    message = f"this can never hold: {_told(name)} is never below 0, and so never {one}"
    return Problem(pointer(one.path), message)


def _told(name: str) -> str:
    return name.replace('"', "").replace(":", ": ").replace(",", ", ")


def _opposites(parts: Sequence[tuple[Page, Path]]) -> Iterator[Problem]:
    """Something and its very opposite."""
    said = {canonical(part) for part, _ in parts if "not" not in part}
    for part, path in parts:
        inner = part.get("not")
        if isinstance(inner, Mapping) and canonical(inner) in said and _is_other(inner):
            message = "this can never hold: the opposite is asked for beside it; remove one"
            yield Problem(pointer((*path, "not")), message)


def _is_other(inner: Page) -> bool:
    """Not one that is compared operator by operator anyway."""
    return len([key for key in inner if key in OPERATORS]) != 1


def _shut_windows(parts: Sequence[tuple[Page, Path]]) -> Iterator[Problem]:
    """The first or last time lies within so many days, and longer ago than as many."""
    ages: dict[tuple[str, str], list[tuple[float, str, Path]]] = defaultdict(list)
    for node, path in parts:
        form = next((form for form in ("first", "last") if form in node), None)
        if form:
            event = canonical([node[form], node.get("where")])
            for bound in ("within_days", "longer_ago_days"):
                if bound in node:
                    ages[event, bound].append((node[bound], form, (*path, bound)))
    for (event, bound), found in ages.items():
        if bound == "within_days":
            for days, form, path in found:
                yield from _shut(days, form, path, ages.get((event, "longer_ago_days"), []))


def _shut(
    days: float, form: str, path: Path, others: Sequence[tuple[float, str, Path]]
) -> Iterator[Problem]:
    for ago, other, _ in others:
        # Whose first time is lately has not had the last one longer ago.
        if ago >= days and form in (other, "first"):
            message = (
                f"this can never hold: the {form} time within {days:g} days, and the {other} "
                f"one longer ago than {ago:g}; change one of them"
            )
            yield Problem(pointer(path), message)


def _said(operand: Any) -> str:
    if isinstance(operand, bool):
        return str(operand).lower()
    if isinstance(operand, list):
        return f"[{', '.join(map(_said, operand))}]"
    return f"{operand:g}" if isinstance(operand, int | float) else str(operand)


def actions_can_be_taken(page: Page) -> Iterator[Problem]:
    """Of each member the first action that fits is taken, so one above may leave none for it."""
    rows = page.get("actions", [])
    idle: defaultdict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        above = [_covering(row, name, rows[:index]) for name in ADVISERS if name in row]
        if above and all(above):
            idle[above[0]].append(index)
    for other, places in idle.items():
        names = ", ".join(str(rows[place]["id"]) for place in places)
        message = (
            f"never taken is {names}: {other} above fits everybody already; "
            f"put it below, or narrow its when"
        )
        yield Problem(pointer(("actions", places[0], "id")), message)


def _covering(row: Page, member: str, above: Sequence[Page]) -> str:
    """The first that has the member, and fits whomever ``row`` fits; empty if none does."""
    for other in above:
        if member in other and all(
            name in row["when"] and set(row["when"][name]) <= set(values)
            for name, values in other["when"].items()
        ):
            return str(other["id"])
    return ""


CHECKS = (conditions_can_hold, actions_can_be_taken)

"""Conditions: from the page's JSON to functions of a profile.

A condition has one form: ``attribute`` with operators that must all hold, a word for what
happened (``count``, ``sum``, ``average``, ``ratio``, ``first``, ``last``, ``sequence``, see
``happenings``), ``segment`` for one of the policy's own, or ``all``, ``any``, ``not`` over other
conditions. It is true, false or, where something it needs is missing, unknown, by Kleene's logic:
unknown and false is false, unknown or true is true, all else stays unknown. ``when_missing`` says
what unknown shall be.

A new operator is one row of ``operators.OPERATORS``, a new form one of ``FORMS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from chalicelib.core.model import Json
from chalicelib.core.policy import Condition, Profile, Verdict
from chalicelib.policy.days import DAY_OPERATORS, day_condition
from chalicelib.policy.happenings import HAPPENINGS
from chalicelib.policy.operators import OPERATORS, Test
from chalicelib.policy.scope import GREENWICH, Scope

Node = Mapping[str, Json]
Found = TypeVar("Found")


def compile_condition(node: Node, scope: Scope = GREENWICH) -> Condition:
    """The function of a condition that has passed validation.

    >>> from datetime import UTC, datetime
    >>> from chalicelib.core.facts import FactSet
    >>> from chalicelib.core.model import Ref
    >>> profile = Profile(Ref("hubspot-main", "contact", "1"), datetime(2026, 3, 21, tzinfo=UTC),
    ...                   {"job_title": "Chief  TECHNOLOGY Officer"}, {}, (), FactSet())
    >>> chief = {"attribute": "job_title", "has_word": ["chief", "مدیرعامل"]}
    >>> compile_condition(chief).holds(profile)
    True
    >>> compile_condition({"attribute": "country", "equals": "Iran"}).holds(profile) is None
    True
    """
    form = next(form for form in FORMS if form in node)
    condition = FORMS[form](node, scope)
    if "when_missing" in node:
        return _settled(condition, cast(bool, node["when_missing"]))
    return condition


def once_per_profile(condition: Condition) -> Condition:
    """The same, asked once of a profile: segments name segments that name segments."""
    change = condition.changes_at
    return Condition(_remembered(condition.holds), _remembered(change) if change else None)


def _remembered(ask: Callable[[Profile], Found]) -> Callable[[Profile], Found]:
    last: list[tuple[Profile, Found]] = []

    def remembered(profile: Profile) -> Found:
        if not last or last[0][0] is not profile:
            last[:] = [(profile, ask(profile))]
        return last[0][1]

    return remembered


def _settled(condition: Condition, when_missing: bool) -> Condition:
    holds = condition.holds

    def settled(profile: Profile) -> bool:
        verdict = holds(profile)
        return when_missing if verdict is None else verdict

    return Condition(settled, condition.changes_at)


def _attribute(node: Node, scope: Scope) -> Condition:
    read = _reader(str(node["attribute"]))
    parts = [
        _tested(str(node["attribute"]), OPERATORS[name].compile(operand))
        for name, operand in node.items()
        if name in OPERATORS
    ]
    parts += [
        day_condition(read, name, operand, scope)
        for name, operand in node.items()
        if name in DAY_OPERATORS
    ]
    return parts[0] if len(parts) == 1 else _every(parts)


def _tested(name: str, test: Test) -> Condition:
    """Reads for itself what ``_reader`` does, since most of what a policy asks comes by here."""
    of, _, own = name.rpartition(".")

    def holds(profile: Profile) -> Verdict:
        value = profile.attributes.get(own)
        return test(None if value == "" else value)

    def of_another(profile: Profile) -> Verdict:
        holder: Any = profile.attributes[of]
        value = holder.get(own)
        return test(None if value == "" else value)

    return Condition(of_another if of else holds, tested=(name, test))


def _reader(name: str) -> Callable[[Profile], Json]:
    of, _, own = name.rpartition(".")

    def read(profile: Profile) -> Json:
        holder = cast(Node, profile.attributes[of]) if of else profile.attributes
        value = holder.get(own)
        return None if value == "" else value

    return read


def _segment(node: Node, scope: Scope) -> Condition:
    return scope.segments[str(node["segment"])]


def _all(node: Node, scope: Scope) -> Condition:
    return _every(_parts(node["all"], scope))


def _any(node: Node, scope: Scope) -> Condition:
    return _negated(_every([_negated(part) for part in _parts(node["any"], scope)]))


def _none(node: Node, scope: Scope) -> Condition:
    (part,) = _parts([node["not"]], scope)
    return _negated(part)


def _parts(nodes: Json, scope: Scope) -> list[Condition]:
    return [compile_condition(node, scope) for node in cast(list[Node], nodes)]


def _every(parts: Sequence[Condition]) -> Condition:
    """Kleene's "and" over any number: one false is enough, one unknown keeps it open."""
    verdicts = tuple(part.holds for part in parts)

    def every(profile: Profile) -> bool | None:
        known: bool | None = True
        for holds in verdicts:
            found = holds(profile)
            if found is False:
                return False
            if found is None:
                known = None
        return known

    return Condition(every, _first_change(parts))


def _first_change(parts: Iterable[Condition]) -> Callable[[Profile], datetime | None] | None:
    """Early rather than late: what changes a part need not change the whole."""
    timed = [part.changes_at for part in parts if part.changes_at]
    if len(timed) < 2:  # noqa: PLR2004  # of one, its own
        return timed[0] if timed else None

    def first(profile: Profile) -> datetime | None:
        return min((at for change in timed if (at := change(profile))), default=None)

    return first


def _negated(part: Condition) -> Condition:
    holds = part.holds
    return Condition(lambda profile: _not(holds(profile)), part.changes_at)


def _not(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


FORMS: Mapping[str, Callable[[Node, Scope], Condition]] = {
    "attribute": _attribute,
    "segment": _segment,
    **HAPPENINGS,
    "all": _all,
    "any": _any,
    "not": _none,
}

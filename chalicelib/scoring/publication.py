"""What the CRM is told: the only place with hysteresis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import cast

from chalicelib.core.card import ScoreCard
from chalicelib.core.model import Kind, Text
from chalicelib.core.outputs import (
    OUTPUTS,
    Choice,
    Fields,
    FieldValue,
    Output,
    OutputType,
    Section,
    Trigger,
)
from chalicelib.core.policy import Policy
from chalicelib.core.prediction import PredictionPolicy
from chalicelib.core.structs import struct
from chalicelib.scoring.levels import TOP

CLASS_STANDS = timedelta(days=90)
"""How long a well-founded class is not replaced by one that is not."""


@struct
class Written:
    """What the CRM shows by our last knowledge.

    Not ``certain`` means that it may be something else: everything has to be written again.
    ``founded_at`` is when the class it shows was last made of enough knowledge, as far as known.
    """

    fields: Fields
    certain: bool
    founded_at: datetime | None = None


def outputs(policy: Policy, kind: Kind) -> tuple[Output, ...]:
    """The rows of ``OUTPUTS`` that a policy publishes on a kind of record."""
    return _rows(policy.publish.profile, kind, _sections(policy))


def _sections(policy: Policy) -> tuple[Section, ...]:
    """Those of a policy that some rows are of."""
    found: tuple[Section, ...] = ()
    if policy.loyalty:
        found = ("loyalty", "tiers") if policy.loyalty.tiers else ("loyalty",)
    if policy.publish.topics:
        found += ("topics",)
    return found + _predicted(policy.prediction) if policy.prediction else found


def _predicted(asked: PredictionPolicy) -> tuple[Section, ...]:
    found: tuple[Section, ...] = ("churn",) if asked.purchases or asked.subscriptions else ()
    if asked.purchases or asked.leads:
        found += ("chances",)
    if found:
        found += ("reasons",)
    return (*found, "clusters") if asked.clusters else found


def provisioned(policy: Policy, kind: Kind) -> tuple[Output, ...]:
    """The same rows with all tags and tiers that the policy can give."""
    levels = policy.loyalty.tiers.levels if policy.loyalty and policy.loyalty.tiers else ()
    products = tuple(Choice(f"product:{one}", Text(one, one)) for one in policy.categories)
    tags = products + tuple(Choice(mark.tag, mark.text) for mark in policy.marks)
    tags += tuple(Choice(segment_tag(one.id), one.text) for one in policy.segments)
    tags += tuple(Choice(tier_tag(one.name), one.text) for one in levels)
    own = dict.fromkeys(_TAGGED, tags)
    own["tier"] = tuple(Choice(one.name, one.text) for one in levels)
    return tuple(
        replace(row, choices=row.choices + own.get(row.name, ())) for row in outputs(policy, kind)
    )


def provisioned_kinds(policy: Policy) -> tuple[Kind, ...]:
    """The kinds of records that a policy publishes on."""
    return ("contact", "account") if policy.owing.roll_up else ("contact",)


def segment_tag(segment: str) -> str:
    return f"segment:{segment.replace('_', '-')}"


def tier_tag(tier: str) -> str:
    return f"tier:{tier.replace('_', '-')}"


@cache
def _rows(profile: str, kind: Kind, sections: tuple[Section, ...]) -> tuple[Output, ...]:
    full = profile == "full"
    return tuple(
        row
        for row in OUTPUTS
        if kind in row.kinds and (full or row.minimal) and (row.of is None or row.of in sections)
    )


def published(policy: Policy, kind: Kind) -> frozenset[str]:
    """The names of the same rows."""
    return _names(policy.publish.profile, kind, _sections(policy))


@cache
def _names(profile: str, kind: Kind, sections: tuple[Section, ...]) -> frozenset[str]:
    return frozenset(row.name for row in _rows(profile, kind, sections))


@cache
def _loud_rows(profile: str, kind: Kind, sections: tuple[Section, ...]) -> tuple[Output, ...]:
    """Those that can be a reason to write."""
    rows = _rows(profile, kind, sections)
    return tuple(row for row in rows if row.trigger is not Trigger.FOLLOW)


@cache
def _following_rows(
    profile: str, kind: Kind, sections: tuple[Section, ...]
) -> Mapping[str, Output]:
    rows = _rows(profile, kind, sections)
    return {row.name: row for row in rows if row.trigger is Trigger.FOLLOW}


@cache
def _loud_or_following(profile: str, kind: Kind, sections: tuple[Section, ...]) -> frozenset[str]:
    """The names of those rows, and of all that are never a reason to write."""
    return _FOLLOWERS.union(row.name for row in _loud_rows(profile, kind, sections))


def publish(card: ScoreCard, written: Written, policy: Policy) -> Fields | None:
    """All fields that the CRM should show, or None while what it shows is good enough."""
    if not speaks(card, written, policy):
        return None
    fields = _fields(outputs(policy, card.subject.kind), card, written, policy)
    return {**fields, **_dropped(fields, written.fields)}


def speaks(card: ScoreCard, written: Written, policy: Policy) -> bool:
    """Whether ``publish`` has anything to tell; the card need not be explained for that."""
    if not written.certain:
        return True
    shown, step = written.fields, policy.publish.step
    which = policy.publish.profile, card.subject.kind, _sections(policy)
    rows, known = _loud_rows(*which), _loud_or_following(*which)
    fields = _fields(rows, card, written, policy)
    for row in rows:
        new, old = fields[row.name], shown.get(row.name)
        if new != old and not _follows_score(row, policy) and _fires(row, new, old, step):
            return True
    if not known.issuperset(shown) and any(
        value is not None for name, value in shown.items() if name not in known
    ):
        return True
    return _was_left_out(_following_rows(*which), card, written, policy)


def _was_left_out(
    followers: Mapping[str, Output], card: ScoreCard, written: Written, policy: Policy
) -> bool:
    """Whether one has a value and was never shown, though others were: its field was lacking."""
    shown = written.fields
    if not shown or shown.keys() >= followers.keys():
        return False
    rows = [row for name, row in followers.items() if name not in shown]
    return any(value not in _EMPTY for value in _fields(rows, card, written, policy).values())


def tells_of_future(card: ScoreCard, shown: Fields, policy: Policy) -> bool:
    """Whether what is predicted differs from what is shown by enough to be written."""
    rows = _loud_rows(policy.publish.profile, card.subject.kind, _sections(policy))
    return any(
        _fires(row, row.read(card, policy.language), shown.get(row.name), policy.publish.step)
        for row in rows
        if row.name in _PREDICTED
    )


_TAGGED = frozenset(row.name for row in OUTPUTS if row.type in (OutputType.TAGS, OutputType.TOPICS))

_PREDICTED = frozenset({"churn_risk", "purchase_probability", "expected_value", "cluster"})


def _follows_score(row: Output, policy: Policy) -> bool:
    """How far it is to a tier by score moves with every point, and is told with the score."""
    tiers = policy.loyalty.tiers if policy.loyalty else None
    return row.name == "tier_progress" and tiers is not None and tiers.metric == "score"


def _fields(rows: Iterable[Output], card: ScoreCard, written: Written, policy: Policy) -> Fields:
    language = policy.language
    fields: dict[str, FieldValue] = {row.name: row.read(card, language) for row in rows}
    if held_until(card, written) and "class" in fields:
        fields |= _with_class(fields, cast(str, written.fields["class"]))
    if "trend" in fields:
        fields["trend"] = _trend(card, written.fields)
    if card.staying_tags:
        fields |= _with_staying(fields, card, written.fields)
    return fields


def _with_staying(fields: Fields, card: ScoreCard, shown: Fields) -> dict[str, FieldValue]:
    """A preference that has faded a little keeps the tag that it has, but earns none."""
    held = {name: frozenset(_tags(name, shown)) for name in _TAGGED if name in fields}
    return {
        name: tuple(sorted(tags.intersection(card.staying_tags).union(_tags(name, fields))))
        for name, tags in held.items()
    }


def _tags(name: str, fields: Fields) -> tuple[str, ...]:
    tags = fields.get(name)
    return tags if isinstance(tags, tuple) else ()


def held_until(card: ScoreCard, written: Written) -> datetime | None:
    """Until when the class that is shown stands, since the card's is less well founded.

    None if it does not stand at all: a class with a question mark is better than one from long
    ago, or than none.
    """
    if card.customer is None or card.customer.class_certain or written.founded_at is None:
        return None
    end = written.founded_at + CLASS_STANDS
    return end if written.fields.get("class") and card.at < end else None


def _with_class(fields: Fields, shown: str) -> dict[str, FieldValue]:
    """The class as it is shown, and its tag."""
    found: dict[str, FieldValue] = {"class": shown}
    for name in _TAGGED & fields.keys():
        kept = [tag for tag in _tags(name, fields) if not tag.startswith("class:")]
        found[name] = tuple(sorted([*kept, f"class:{shown}"]))
    return found


def _dropped(fields: Fields, shown: Fields) -> dict[str, FieldValue]:
    """Cleared, once: what an earlier policy published and this one does not."""
    return {name: None for name, value in shown.items() if name not in fields and value is not None}


def changed_fields(outgoing: Fields, shown: Fields) -> Fields:
    """What has to be set so that a CRM that shows ``shown`` shows ``outgoing``.

    Empty if they differ only in outputs that are no reason to write, and were shown before.
    """
    changed = {
        name: value
        for name, value in outgoing.items()
        if _differs(_as_kept(name, value, shown.get(name)), shown.get(name))
    }
    is_due = any(name not in _FOLLOWERS or name not in shown for name in changed)
    return changed if is_due else {}


def _differs(value: FieldValue, shown: FieldValue) -> bool:
    """A CRM does not tell an empty field from no tags or no text."""
    return value != shown and not (value in _EMPTY and shown in _EMPTY)


def _as_kept(name: str, value: FieldValue, shown: FieldValue) -> FieldValue:
    """Some CRMs keep no less of an instant than a second."""
    if name in _INSTANTS and isinstance(value, str) and isinstance(shown, str):
        return shown if shown == f"{value[:_TO_THE_SECOND]}.000Z" else value
    return value


_TO_THE_SECOND = len("2026-03-21T12:00:00")
_INSTANTS = frozenset(row.name for row in OUTPUTS if row.type is OutputType.INSTANT)

_EMPTY: tuple[FieldValue, ...] = (None, (), "")

_FOLLOWERS = frozenset(row.name for row in OUTPUTS if row.trigger is Trigger.FOLLOW)


def _fires(row: Output, new: FieldValue, old: FieldValue, step: float) -> bool:
    if not _differs(new, old):
        return False
    if row.trigger is Trigger.ANY or new is None or old is None:
        return True
    return moved(cast(int, old), cast(int, new), step)


def moved(old: int, new: int, step: float) -> bool:
    """Whether a score went far enough to be written.

    Arriving at an end of the scale always counts: a lead that has gone cold shall not show 3
    for ever because the last few points are less than a step.

    >>> moved(50, 54, step=5), moved(50, 55, step=5), moved(3, 0, step=5)
    (False, True, True)
    """
    return old != new and (abs(new - old) >= step or new in (0, TOP))


def _trend(card: ScoreCard, shown: Fields) -> FieldValue:
    before = shown.get("score")
    if not isinstance(before, int):
        return "steady"
    if card.score == before:
        return shown.get("trend") or "steady"
    return "rising" if card.score > before else "falling"

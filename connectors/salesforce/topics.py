"""Tags as topics of records, beside those that people add to them.

Ours are known by how their names begin, and no other is ever removed. What a record has of them is
looked at before anything is changed, so the next write mends what a crash or a person left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.core.connector import Change
from chalicelib.core.errors import RecordBusy, RecordGone, WriteRefused, WrittenInPart
from chalicelib.core.outputs import TOPICS
from connectors._http import Refused
from connectors.salesforce.answers import UNSEEN, codes, message
from connectors.salesforce.api import BATCH, SalesforceApi, chunks
from connectors.salesforce.batch_write import (
    Refusals,
    SetUpRefused,
    carried_out,
    is_late,
    too_late,
    verdict,
)
from connectors.salesforce.gaps import LOOKED_AT_FOR
from connectors.salesforce.ids import full
from connectors.salesforce.records import ID, Record
from connectors.salesforce.soql import Query, among, literal, select

PREFIX = "Emtiaz: "
"""Of the names of our topics."""

LONGEST = 99
"""Characters of a topic's name."""

TOPIC, ASSIGNMENT = "Topic", "TopicAssignment"
NAME, ENTITY, TOPIC_ID = "Name", "EntityId", "TopicId"

MOST_ROWS = 1_100
"""Of assignments at a time: whoever may not see all data has to ask for no more."""

RECORDS_AT_ONCE = 50
"""In one query: so few that their topics are not too many, unless people are fond of ours."""

NAMES_AT_ONCE = 100

_ENDING = str.maketrans(",]", "  ")
"""What ends the name of a topic that somebody types."""

_THERE = "DUPLICATE_VALUE"
_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
_SETUP = UNSEEN | {
    "FIELD_INTEGRITY_EXCEPTION", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
}  # fmt: skip

_HINT = (
    "; are topics switched on for it (Setup, Topics for Objects), and may the integration user "
    "assign and create them?"
)

_OBJECTS: Mapping[str, str] = {"001": "Account", "003": "Contact", "00Q": "Lead"}
"""By the first three characters of a record's id."""

Pair = tuple[str, str]
"""A record and the name of a topic."""

Held = Mapping[str, Mapping[str, str]]
"""By record the ids of assignments, by the names of our topics."""


def topic_name(tag: str) -> str:
    """What a tag is called as a topic.

    >>> topic_name("tier:gold"), topic_name("product:nuts, bolts")
    ('Emtiaz: tier:gold', 'Emtiaz: product:nuts  bolts')
    """
    return (PREFIX + tag.translate(_ENDING))[:LONGEST].rstrip()


class Topics:
    """Of one organisation, for one worker: it remembers the ids of topics by their names."""

    def __init__(self, api: SalesforceApi, now: Callable[[], datetime]) -> None:
        self._api = api
        self._now = now
        self._ids: dict[str, str] = {}
        self._lacking: dict[str, tuple[str, datetime]] = {}

    def shown(self, records: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The tags of those that have any; nobody has, where we see no topics at all."""
        try:
            held = self._look(records, ())
        except Refused as refused:
            if not UNSEEN & set(codes(refused.body)):
                raise
            return {}
        return {one: tuple(sorted(map(_tag_of, names))) for one, names in held.items() if names}

    def write(
        self, wanted: Mapping[str, Sequence[str]], ends: float
    ) -> dict[str, WrittenInPart | WriteRefused | RecordBusy]:
        """Let records have topics for these tags, and no others of ours.

        New ones come before old ones go, so that nobody is without between the two. Where topics
        are not switched on, or not ours to give, they are left out.
        """
        lacking = {one: target for one in wanted if (target := self._known_to_lack(_object(one)))}
        refusals: Refusals = {}
        for ids in chunks(sorted(wanted.keys() - lacking.keys()), BATCH):
            refusals |= self._write({one: _named(wanted[one]) for one in ids}, ends)
        refused = [one for one, why in refusals.items() if isinstance(why, SetUpRefused)]
        if is_late(ends):
            refusals, refused = {**refusals, **too_late(refused)}, []
        for one in refused:
            if target := self._look_what_lacks(_object(one)):
                lacking[one] = target
        left_out = {one: WrittenInPart(dict.fromkeys(TOPICS, to)) for one, to in lacking.items()}
        return {**refusals, **left_out}

    def _known_to_lack(self, name: str) -> str:
        """What has to be switched on for an object, as found lately; empty where nothing was."""
        target, at = self._lacking.get(name, ("", None))
        return target if at and self._now() - at < LOOKED_AT_FOR else ""

    def _look_what_lacks(self, name: str) -> str:
        _, at = self._lacking.get(name, ("", None))
        if at is None or self._now() - at >= LOOKED_AT_FOR:
            found = next(conflicts(self._api, [name]), None)
            self._lacking[name] = (found.target if found else "", self._now())
        return self._lacking[name][0]

    def _write(self, wanted: Mapping[str, Mapping[str, str]], ends: float) -> Refusals:
        """``wanted`` are names as they are spelled, by what they are known by."""
        if is_late(ends):
            return too_late(wanted)
        try:
            names = [name for of_one in wanted.values() for name in of_one.values()]
            held = self._look(list(wanted), names)
        except Refused as refused:
            return dict.fromkeys(wanted, _why(refused.body or [{"message": str(refused)}]))
        has = {one: set(map(str.casefold, held.get(one, ()))) for one in wanted}
        new = [
            (one, name)
            for one, named in wanted.items()
            for known, name in named.items()
            if known not in has[one]
        ]
        refusals = {one: _why(problem) for (one, _), problem in self._assign(new, ends).items()}
        old = {
            assignment: one
            for one in wanted.keys() - refusals.keys()
            for name, assignment in held.get(one, {}).items()
            if name.casefold() not in wanted[one]
        }
        return refusals | self._remove(old, ends)

    def _look(self, records: Sequence[str], names: Collection[str]) -> Held:
        """Topics of these names are got to know by the way."""
        held: defaultdict[str, dict[str, str]] = defaultdict(dict)
        unknown = self._unknown(names)
        lots = list(chunks(records, RECORDS_AT_ONCE))
        while lots:
            asked = [*map(_assignments, lots), *_topics(unknown)]
            answers = self._api.queries(asked)
            self._learn(row for rows in answers[len(lots) :] for row in rows)
            lots, unknown = list(_taken_in(held, lots, answers)), []
        return held

    def _learn(self, topics: Iterator[Record]) -> None:
        self._ids |= {str(one[NAME]).casefold(): full(one[ID]) for one in topics}

    def _unknown(self, names: Collection[str]) -> list[str]:
        found = {name.casefold(): name for name in names}
        return sorted(name for known, name in found.items() if known not in self._ids)

    def _assign(self, pairs: Sequence[Pair], ends: float) -> Mapping[Pair, Any]:
        """The errors. A topic that was known and is not there any more is made anew, once."""
        problems = self._assigned(pairs, ends)
        lost = [one for one, problem in problems.items() if _GONE & set(codes(problem))]
        for _, name in lost:
            self._ids.pop(name.casefold(), None)
        again = self._assigned(lost, ends) if lost else {}
        return {one: problem for one, problem in problems.items() if one not in lost} | again

    def _assigned(self, pairs: Sequence[Pair], ends: float) -> dict[Pair, Any]:
        unmade = self._make_known({name for _, name in pairs}, ends)
        problems = {one: unmade[one[1]] for one in pairs if one[1] in unmade}
        for some in chunks([one for one in pairs if one not in problems], BATCH):
            told = carried_out(some, self._create, ends)
            problems |= {one: told[one] for one in told if _THERE not in codes(told[one])}
        return problems

    def _create(self, pairs: Sequence[Pair]) -> Any:
        return self._api.create_rows(
            [
                {
                    "attributes": {"type": ASSIGNMENT},
                    ENTITY: one,
                    TOPIC_ID: self._ids[name.casefold()],
                }
                for one, name in pairs
            ]
        )

    def _make_known(self, names: Collection[str], ends: float) -> Mapping[str, Any]:
        """The errors of those that cannot be made. Somebody else may have made one just now."""
        problems: dict[str, Any] = {}
        for some in chunks(self._unknown(names), BATCH):
            problems |= carried_out(some, self._make, ends)
        if there := [one for one, told in problems.items() if _THERE in codes(told)]:
            answers = self._api.queries(list(_topics(there)))
            self._learn(row for rows in answers for row in rows)
        return {one: problems[one] for one in self._unknown(problems)}

    def _make(self, names: Sequence[str]) -> Any:
        rows = [{"attributes": {"type": TOPIC}, NAME: name} for name in names]
        answer = self._api.create_rows(rows)
        made = answer if isinstance(answer, list) and len(answer) == len(names) else []
        for name, outcome in zip(names, made, strict=False):
            if outcome.get("success"):
                self._ids[name.casefold()] = full(outcome[ID.lower()])
        return answer

    def _remove(self, assignments: Mapping[str, str], ends: float) -> Refusals:
        """``assignments`` with the records that they are of. What is gone already is no fault."""
        refusals: Refusals = {}
        for some in chunks(sorted(assignments), BATCH):
            for one, problem in carried_out(some, self._api.delete_rows, ends).items():
                if not _GONE & set(codes(problem)):
                    refusals[assignments[one]] = _why(problem)
        return refusals


def conflicts(api: SalesforceApi, objects: Sequence[str]) -> Iterator[Change]:
    """What a person has to switch on, or grant, before records of these objects get topics."""
    found = api.describe([TOPIC, ASSIGNMENT, *objects])
    for name, what in ((ASSIGNMENT, "assign"), (TOPIC, "create")):
        if not found.get(name, {}).get("createable"):
            detail = (
                f"the integration user may not {what} topics: give it the project's permission set "
                f"for topics, or {what.capitalize()} Topics"
            )
            yield Change("conflict", name, detail)
    for name in objects:
        children = found.get(name, {}).get("childRelationships", ())
        if not any(one.get("childSObject") == ASSIGNMENT for one in children):
            detail = (
                "topics are not switched on: do so in Setup, Topics for Objects, or deploy the "
                "folder topics of the project of emtiaz connect --project"
            )
            yield Change("conflict", f"{name}: topics", detail)


def _named(tags: Sequence[str]) -> Mapping[str, str]:
    """Salesforce does not tell names apart by their capitals."""
    return {name.casefold(): name for name in map(topic_name, tags)}


def _tag_of(name: str) -> str:
    return name[len(PREFIX) :]


def _assignments(records: Sequence[str]) -> Query:
    ours = f"Topic.{NAME} LIKE {literal(PREFIX + '%')}"
    where = f"{among(ENTITY, records)} AND {ours} LIMIT {MOST_ROWS}"
    return select([ID, ENTITY, f"Topic.{NAME}"], ASSIGNMENT, where)


def _topics(names: Sequence[str]) -> Iterator[Query]:
    for some in chunks(names, NAMES_AT_ONCE):
        yield select([ID, NAME], TOPIC, among(NAME, some))


def _taken_in(
    held: dict[str, dict[str, str]],
    lots: Sequence[Sequence[str]],
    answers: Sequence[Sequence[Record]],
) -> Iterator[Sequence[str]]:
    """Those lots of records, in halves, of which there may be more than was answered."""
    for lot, rows in zip(lots, answers, strict=False):
        if len(rows) >= MOST_ROWS and len(lot) > 1:
            yield from chunks(lot, (len(lot) + 1) // 2)
            continue
        for row in rows:
            held[full(row[ENTITY])][str(row[TOPIC][NAME])] = full(row[ID])


def _object(record: str) -> str:
    return _OBJECTS.get(record[:3], "")


def _why(problem: Any) -> WriteRefused | RecordBusy:
    told, text, found = set(codes(problem)), message(problem), verdict(problem)
    if isinstance(found, RecordBusy):
        return found
    if told & _GONE - _SETUP:
        return RecordGone(text)
    return SetUpRefused(f"topics: {text}{_HINT}") if told & _SETUP else WriteRefused(text)

"""What the items of a subject's collection mean, and their sort keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast
from zlib import crc32

from chalicelib.adapters.tables import NEVER, SubjectItem
from chalicelib.core.announcements import Seen
from chalicelib.core.dues import NO_DEBTS, Debts
from chalicelib.core.facts import Fact, FactSet, iso, parse_instant
from chalicelib.core.model import Json, Ref
from chalicelib.core.outputs import Fields
from chalicelib.core.ports import SHARDS
from chalicelib.core.stored import HandedOut, Leaving, LedgerRow, Setback, StoredCard, Stub

CARD = "#CARD"
TOMBSTONE = "#TOMBSTONE"
ENTRY = "ENTRY#"
HISTORY = "HIST#"
OUT = "OUT#"
LINK = "LINK#"
ALIAS = "ALIAS#"
GIVEN = "#GIVEN"
CODE = "CODE#"


def shards(connection: str) -> list[str]:
    return [f"{connection}#{number}" for number in range(SHARDS)]


def shard(ref: Ref) -> str:
    return shards(ref.connection)[crc32(str(ref).encode()) % SHARDS]


def rewards(connection: str, reward: str) -> str:
    """Where stands what was handed out of a reward; no ref begins with such a sign."""
    return f"#reward#{connection}#{reward}"


def handed_out_of(rows: Iterable[SubjectItem]) -> HandedOut:
    count, codes = 0, set()
    for row in rows:
        if row.sk == GIVEN:
            count = int(row.number)
        else:
            codes.add(row.sk.removeprefix(CODE))
    return HandedOut(count, frozenset(codes))


def numbers(body: Mapping[str, Json]) -> dict[str, Json]:
    """What the index holds of a card: when it was made, its score, what a call is worth and, of
    customers, r in days, f, m and the value v in money's smallest unit, and their mean answer q to
    surveys, 0-100.
    """
    held = {"at": body.get("at"), "score": body.get("score"), "call": body.get("priority")}
    match body.get("rfm"):
        case {"recency_days": r, "frequency": f, "monetary": {"amount": m}}:
            held |= {"r": r, "f": f, "m": m}
    match body.get("value"):
        case {"total": {"amount": v}}:
            held["v"] = v
    match body.get("satisfaction"):
        case {"mean": q}:
            held["q"] = q
    return held


def population_row(row: SubjectItem) -> Mapping[str, Json]:
    held: dict[str, Json] = {
        "ref": row.ref, "at": row.at, "score": row.score, "call": row.call,
        "r": row.r, "f": row.f, "m": row.m, "v": row.v, "q": row.q, "made": row.made,
    }  # fmt: skip
    return {name: value for name, value in held.items() if value is not None}


def fact_of(row: SubjectItem) -> Fact:
    return Fact.from_json(row.fact)


def ledger_of(rows: Iterable[SubjectItem]) -> tuple[LedgerRow, ...]:
    entries = [
        LedgerRow(int(row.number), row.sk.removeprefix(ENTRY), row.entry)
        for row in rows
        if row.entry
    ]
    return tuple(sorted(entries, key=lambda one: one.number))


def aliases_of(rows: Iterable[SubjectItem]) -> tuple[Ref, ...]:
    names = (row.sk.removeprefix(ALIAS) for row in rows if row.sk.startswith(ALIAS))
    return tuple(map(Ref.parse, names))


def told_of(row: SubjectItem) -> frozenset[Ref]:
    """The related record that a fact is a state of; links lead from there to its subject."""
    return FactSet.of([fact_of(row)]).related() if row.fact else frozenset()


def card_of(row: SubjectItem) -> StoredCard:
    debts = Debts.from_json(row.debts) if row.debts else NO_DEBTS
    known_by = tuple(row.identities or ())
    unsaved = replace(StoredCard.unsaved(Ref.parse(row.ref)), debts=debts, identities=known_by)
    due_at = None if row.due_at == NEVER else row.due_at
    if row.stub is not None:
        return replace(unsaved, version=int(row.version), due_at=due_at, stub=stub_of(row))
    return replace(
        unsaved,
        version=int(row.version),
        written_version=int(row.written_version),
        outgoing=_fields(row.outgoing),
        published=_fields(row.published),
        doubt_until=row.doubt_until,
        body=row.body,
        due_at=due_at,
        next_change_at=row.next_change_at,
        made=row.made,
        revision=int(row.revision or 0),
        seen=Seen.from_json(row.seen) if row.seen else None,
        setback=setback_of(row.setback) if row.setback else None,
    )


def setback_of(told: Mapping[str, str]) -> Setback:
    return Setback(parse_instant(told["since"]), parse_instant(told["until"]))


def setback_json(setback: Setback) -> dict[str, Json]:
    return {"since": iso(setback.since), "until": iso(setback.until)}


def stub_of(row: SubjectItem) -> Stub:
    into = row.stub.get("into")
    return Stub(Leaving(row.stub["why"]), Ref.parse(into) if into else None)


def stub_json(stub: Stub) -> dict[str, Json]:
    told: dict[str, Json] = {"why": stub.why.value}
    return told | ({"into": str(stub.into)} if stub.into else {})


def _fields(held: Mapping[str, Json]) -> Fields:
    """JSON knows no tuples, and a tuple is what tags are."""
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in held.items()
    }
    return cast(Fields, values)

"""What the pages show of a contact, read from nothing but HubSpot properties.

What Emtiaz says is read from the properties that it wrote, with the labels that it gave them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from itertools import groupby

from chalicelib.core.outputs import OUTPUTS
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.calculated import stage_of
from infra.sandbox.hubspot.pipelines import pipeline
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.properties import Definition
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, Actor, Record, Revision

PREFIX = "emtiaz_"
TIMELINE_LENGTH = 25
_PERSIAN = re.compile("[\u0600-\u06ff]")
_ACTORS = {
    "CRM_UI": "A rep",
    "INTEGRATION": "An app",
    "IMPORT": "Import",
    "CALCULATED": "HubSpot",
}
# The panel gives these a place of their own; all other outputs are listed below.
_PLACED = {"score", "trend", "class", "next_action", "why", "tags", "updated"}


@dataclass(frozen=True, slots=True)
class Field:
    """``value`` as it is stored, ``shown`` as a person reads it."""

    name: str
    label: str
    value: str
    shown: str
    type: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What Emtiaz wrote. ``tags`` are labels by value; ``reasons`` parts of one joined text."""

    score: int
    fields: dict[str, Field]
    tags: Mapping[str, str]
    reasons: Sequence[str]
    details: Sequence[Field]
    direction: str


@dataclass(frozen=True, slots=True)
class DealLine:
    name: str
    stage: str
    state: str
    amount: str
    closed_at: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What one actor wrote at one instant."""

    at: str
    who: str
    kind: str
    subject: str
    fields: Sequence[Field]


def contact_row(portal: Portal, contact: Record) -> Wire:
    """One line of the list."""
    return {
        "id": contact.id,
        "name": _name(contact),
        "company": _company_name(portal, contact),
        "panel": _panel(portal, contact),
    }


def contact_view(portal: Portal, contact: Record) -> Wire:
    """The whole page."""
    return {
        "name": _name(contact),
        "company": _company_name(portal, contact),
        "about": _about(portal, contact),
        "panel": _panel(portal, contact),
        "deals": [_deal_line(one) for one in _deals(portal, contact)],
        "moments": _moments(portal, contact),
    }


def _name(contact: Record) -> str:
    parts = contact.value("firstname"), contact.value("lastname")
    return " ".join(part for part in parts if part) or contact.value("email") or contact.id


def _company_name(portal: Portal, contact: Record) -> str:
    company_id = portal.value(contact, "associatedcompanyid")
    company = portal.find(COMPANIES, company_id)
    return company.value("name") if company else contact.value("company")


def _about(portal: Portal, contact: Record) -> list[Field]:
    names = ("email", "phone", "jobtitle", "lifecyclestage", "country", "createdate")
    fields = (_field(portal, contact, name, portal.value(contact, name)) for name in names)
    return [field for field in fields if field.value]


def _panel(portal: Portal, contact: Record) -> Panel | None:
    written = {
        output.name: _under_emtiaz(_field(portal, contact, PREFIX + output.name, value))
        for output in OUTPUTS
        if (value := contact.value(PREFIX + output.name))
    }
    if "score" not in written:
        return None
    tags, why = written.get("tags"), written.get("why")
    return Panel(
        score=round(float(written["score"].value)),
        fields=written,
        tags=dict(zip(tags.value.split(";"), tags.shown.split(", "), strict=True)) if tags else {},
        reasons=why.value.split(" · ") if why else (),
        details=[field for name, field in written.items() if name not in _PLACED],
        direction=_direction(*(field.label + field.shown for field in written.values())),
    )


def _direction(*texts: str) -> str:
    return "rtl" if any(_PERSIAN.search(text) for text in texts) else "ltr"


def _field(portal: Portal, record: Record, name: str, value: str) -> Field:
    definition = portal.schema.definition(record.kind, name)
    shown = _shown(definition, record, value)
    return Field(name, definition.label, value, shown, definition.type)


def _shown(definition: Definition, record: Record, value: str) -> str:
    if definition.type == "enumeration":
        return ", ".join(definition.label_of(part) for part in value.split(";"))
    found = pipeline(record.kind, record.value("pipeline"))
    if found and definition.name == "pipeline":
        return found.label
    if found and definition.name == "dealstage" and (stage := found.stage(value)):
        return stage.label
    return value


def _under_emtiaz(field: Field) -> Field:
    """Under the heading "Emtiaz" no label needs to begin with it."""
    label = field.label.removeprefix("Emtiaz ")
    return replace(field, label=label[:1].upper() + label[1:])


def _deals(portal: Portal, contact: Record) -> list[Record]:
    """Open ones first, then the newest."""
    deals = sorted(portal.linked(contact, DEALS), key=_closed_at, reverse=True)
    return sorted(deals, key=lambda deal: (stage := stage_of(deal)) is not None and stage.closed)


def _closed_at(deal: Record) -> str:
    return deal.value("closedate")


def _deal_line(deal: Record) -> DealLine:
    stage = stage_of(deal)
    state = "open" if not stage or not stage.closed else "won" if stage.won else "lost"
    return DealLine(
        name=deal.value("dealname") or f"Deal {deal.id}",
        stage=stage.label if stage else "",
        state=state,
        amount=_money(deal),
        closed_at=deal.value("closedate"),
    )


def _money(deal: Record) -> str:
    amount = deal.value("amount")
    return f"{Decimal(amount):,.2f} {deal.value('deal_currency_code')}".strip() if amount else ""


def _moments(portal: Portal, contact: Record) -> list[Moment]:
    """The history of the contact and its deals, newest first."""
    lines = [
        (revision, record, name)
        for record in (contact, *portal.linked(contact, DEALS))
        for name, revisions in record.history.items()
        for revision in _telling(revisions)
        if not revision.by.trusted or record is contact
    ]
    lines.sort(key=lambda line: line[0].at)  # stable: one instant keeps the order of writing
    groups = groupby(lines, key=lambda line: (line[0].at, line[0].by, line[1].id))
    moments = [
        _moment(portal, at, by, [(line[1], line[2], line[0]) for line in group])
        for (at, by, _), group in groups
    ]
    return moments[: -TIMELINE_LENGTH - 1 : -1]


def _telling(revisions: Sequence[Revision]) -> list[Revision]:
    """Without those that cleared what was empty already."""
    before = ("", *(revision.value for revision in revisions))
    return [one for value, one in zip(before, revisions, strict=False) if value or one.value]


def _moment(
    portal: Portal, at: datetime, by: Actor, lines: Sequence[tuple[Record, str, Revision]]
) -> Moment:
    record = lines[0][0]
    latest = {name: revision.value for _, name, revision in lines}
    fields = [_field(portal, record, name, value) for name, value in latest.items()]
    ours = _is_ours(by, fields)
    return Moment(
        at=spell(at),
        who="Emtiaz" if ours else _ACTORS.get(by.source_type, by.source_type),
        kind=by.source_type.lower(),
        subject="" if record.kind is CONTACTS else record.value("dealname"),
        fields=[_under_emtiaz(field) for field in fields] if ours else fields,
    )


def _is_ours(by: Actor, fields: Sequence[Field]) -> bool:
    """Emtiaz is known by what it writes, since an app id may serve other code too."""
    return by.source_type == "INTEGRATION" and any(one.name.startswith(PREFIX) for one in fields)


def shown_records(portal: Portal, contact: Record) -> list[Record]:
    return [contact, *portal.linked(contact, COMPANIES), *portal.linked(contact, DEALS)]


def version_of(records: Sequence[Record]) -> str:
    """Changes when any of the records does."""
    text = " ".join(f"{one.kind.name}:{one.id}:{_revisions(one)}" for one in records)
    return sha256(text.encode()).hexdigest()[:16]


def _revisions(record: Record) -> int:
    return sum(len(revisions) for revisions in record.history.values())


def by_score(row: Wire) -> tuple[int, str]:
    return -row["panel"].score if row["panel"] else 1, row["name"]

"""What the pages show of a contact, read from nothing but HubSpot properties.

What Emtiaz says is read from the properties that it wrote, with the labels that it gave them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from chalicelib.core.outputs import OUTPUTS
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox._serving.record_page.view import (
    DealLine,
    Field,
    Moment,
    Panel,
    moment,
    money,
    newest,
    panel_of,
    version_of,
)
from infra.sandbox.hubspot.calculated import stage_of
from infra.sandbox.hubspot.pipelines import pipeline
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.properties import Definition
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, Actor, Record, Revision

PREFIX = "emtiaz_"
_ACTORS = {
    "CRM_UI": "A rep",
    "INTEGRATION": "An app",
    "IMPORT": "Import",
    "CALCULATED": "HubSpot",
}


class Contacts:
    """Whom the pages show."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def rows(self) -> Sequence[Wire]:
        with self._portal.lock:
            return [contact_row(self._portal, one) for one in self._portal.records(CONTACTS)]

    def list_version(self) -> str:
        return version_of(map(_revised, self._portal.records(CONTACTS)))

    def view(self, record_id: str) -> Mapping[str, Any]:
        with self._portal.lock:
            return contact_view(self._portal, self._portal.get(CONTACTS, record_id))

    def version(self, record_id: str) -> str:
        with self._portal.lock:
            contact = self._portal.get(CONTACTS, record_id)
            return version_of(map(_revised, shown_records(self._portal, contact)))


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
        output.name: _field(portal, contact, PREFIX + output.name, value)
        for output in OUTPUTS
        if (value := contact.value(PREFIX + output.name))
    }
    tags = written.get("tags")
    pairs = zip(tags.value.split(";"), tags.shown.split(", "), strict=True) if tags else ()
    return panel_of(written, dict(pairs))


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
        amount=money(deal.value("amount"), deal.value("deal_currency_code")),
        closed_at=deal.value("closedate"),
    )


def _moments(portal: Portal, contact: Record) -> Sequence[Moment]:
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
    return newest(moments)


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
    return moment(
        spell(at),
        "Emtiaz" if ours else _ACTORS.get(by.source_type, by.source_type),
        by.source_type.lower(),
        "" if record.kind is CONTACTS else record.value("dealname"),
        fields,
    )


def _is_ours(by: Actor, fields: Sequence[Field]) -> bool:
    """Emtiaz is known by what it writes, since an app id may serve other code too."""
    return by.source_type == "INTEGRATION" and any(one.name.startswith(PREFIX) for one in fields)


def shown_records(portal: Portal, contact: Record) -> list[Record]:
    return [contact, *portal.linked(contact, COMPANIES), *portal.linked(contact, DEALS)]


def _revised(record: Record) -> tuple[str, str, int]:
    return record.kind.name, record.id, sum(map(len, record.history.values()))

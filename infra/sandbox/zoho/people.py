"""People at work in the organisation, in words of no CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.model import Kind, Ref
from infra.sandbox._serving.clock import Clock
from infra.sandbox._serving.errors import Wire
from infra.sandbox.stand_in import Deal, Person, Revision
from infra.sandbox.zoho.fields import Field
from infra.sandbox.zoho.instants import spell, to_seconds
from infra.sandbox.zoho.modules import ACCOUNTS, CASES, CONTACTS, DEALS, LEADS, MODULES, Module
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.organisation import AT_WORK, ROBOT, ZOHO
from infra.sandbox.zoho.ours import TAGS, our_fields, text_of

_STAGES = {"open": "Needs Analysis", "won": "Closed Won", "lost": "Closed Lost"}
_TYPED = {"Stage": "Needs Analysis", "Status": "New", "Case_Origin": "Email"}
_READ: Mapping[str, Callable[[str], Any]] = {
    "integer": int,
    "double": float,
    "currency": float,
    "percent": float,
    "boolean": lambda text: text == "true",
}
_DOINGS = {"call.held": "Calls.Call_Start_Time", "meeting.held": "Events.Start_DateTime"}
"""Where Zoho notes what was done with people."""

MODULE_OF: Mapping[Kind, Module] = {
    "contact": CONTACTS,
    "lead": LEADS,
    "account": ACCOUNTS,
    "deal": DEALS,
    "ticket": CASES,
}


class People:
    """People are contacts. ``url`` is where the stand-in answers."""

    def __init__(self, org: Org, clock: Clock, url: str) -> None:
        self._org = org
        self._clock = clock
        self._url = url

    def now(self) -> datetime:
        return self._clock.now()

    def pass_time(self, span: timedelta) -> None:
        self._clock.advance(span)

    def load_company(self, name: str, employees: int) -> str:
        return self._org.load(ACCOUNTS, {"Account_Name": name, "Employees": employees}).id

    def load_person(self, person: Person, company: str = "") -> str:
        body = _contact(person) | ({"Account_Name": {"id": company}} if company else {})
        contact = self._org.load(CONTACTS, body, person.created_at).id
        for kind, at in person.active.items():
            if kind in _DOINGS:
                self.note(contact, _DOINGS[kind], at)
        return contact

    def load_deal(self, person: str, deal: Deal) -> str:
        loaded_at = min(deal.closed_at or self.now(), self.now())
        return self._org.load(DEALS, self._deal(person, deal), loaded_at).id

    def add_person(self, person: Person) -> str:
        return self._org.create(CONTACTS, _contact(person), AT_WORK).id

    def add_deal(self, person: str, deal: Deal) -> str:
        return self._org.create(DEALS, self._deal(person, deal), AT_WORK).id

    def set_title(self, person: str, title: str) -> None:
        self._org.update(CONTACTS, person, {"Title": title}, AT_WORK)

    def set_country(self, person: str, country: str) -> None:
        self._org.update(CONTACTS, person, {"Mailing_Country": country}, AT_WORK)

    def set_phone(self, person: str, phone: str) -> None:
        self._org.update(CONTACTS, person, {"Phone": phone}, AT_WORK)

    def set_email(self, person: str, email: str) -> None:
        self._org.update(CONTACTS, person, {"Email": email}, AT_WORK)

    def set_amount(self, deal: str, amount: str) -> None:
        self._org.update(DEALS, deal, {"Amount": float(amount)}, AT_WORK)

    def set_deal(self, deal: str, to: Deal) -> None:
        self._org.update(DEALS, deal, self._deal("", to), AT_WORK)

    def win(self, deal: str) -> None:
        today = {"Closing_Date": self._day(self.now())}
        self._org.update(DEALS, deal, {"Stage": _STAGES["won"]} | today, AT_WORK)

    def part(self, deal: str, person: str) -> None:
        if self._org.get(DEALS, deal).values.get("Contact_Name") == person:
            self._org.update(DEALS, deal, {"Contact_Name": None}, AT_WORK)

    def delete_person(self, person: str) -> None:
        self._org.delete(CONTACTS, person, AT_WORK)

    def restore_person(self, person: str) -> None:
        self._org.restore(CONTACTS, person, AT_WORK)

    def erase_person(self, person: str) -> None:
        self._org.purge(CONTACTS, person, AT_WORK)

    def delete_deal(self, deal: str) -> None:
        self._org.delete(DEALS, deal, AT_WORK)

    def merge(self, survivor: str, loser: str) -> None:
        """Whoever merges keeps both addresses: the second one as the secondary."""
        address = self._org.get(CONTACTS, loser).values.get("Email")
        with self._org.lock:
            self._org.merge(CONTACTS, survivor, [loser], AT_WORK)
            record = self._org.get(CONTACTS, survivor)
            if address and record.values.get("Email") != address:
                record.values["Secondary_Email"] = address

    def keep(self, kind: Kind, fields: Mapping[str, str], record: str = "") -> str:
        module = MODULE_OF[kind]
        body = {name: self._read(module, name, text) for name, text in fields.items()}
        if record:
            return self._org.update(module, record, body, AT_WORK).id
        return self._org.create(module, _with_required(module, body), AT_WORK).id

    def join(self, person: str, company: str) -> None:
        self._org.update(CONTACTS, person, {"Account_Name": {"id": company}}, AT_WORK)

    def note(self, person: str, field: str, at: datetime) -> None:
        """``Calls.Call_Start_Time`` is a call that was held then."""
        record = self._org.get(CONTACTS, person)
        module, _, name = field.rpartition(".")
        if module:
            self._org.load(MODULES[module], self._doing(person, module, name, at), at)
        elif field == "Last_Activity_Time":
            record.active_at = to_seconds(at)
        else:
            record.write({field: to_seconds(at)}, self._org.now(), ZOHO)

    def everybody(self) -> Sequence[str]:
        return [one.id for one in self._org.records(CONTACTS)]

    def shown(self, person: str) -> Mapping[str, str]:
        record = self._org.get(CONTACTS, person)
        found = {
            output: text_of(self._org, field, self._org.value(record, field.name))
            for output, field in self._shown().items()
        }
        return {output: text for output, text in found.items() if text}

    def revisions(self, person: str, output: str) -> Sequence[Revision]:
        record, field = self._org.get(CONTACTS, person), self._shown().get(output)
        return [
            Revision(one.at, text_of(self._org, field, one.value), one.by.user is ROBOT)
            for one in (record.history.get(field.name, ()) if field else ())
            if field
        ]

    def record_url(self, person: str) -> str:
        return f"{self._url}/crm/org{self._org.settings.zgid}/tab/Contacts/{person}"

    def ref(self, connection: str, person: str) -> Ref:
        return Ref(connection, "contact", person)

    def _read(self, module: Module, name: str, text: str) -> Any:
        """From text, by the type of the field; the empty one clears."""
        if not text:
            return None
        return _READ.get(self._org.schema.get(module, name).type, str)(text)

    def _shown(self) -> Mapping[str, Field]:
        tag = self._org.schema.get(CONTACTS, "Tag")
        return {**our_fields(self._org, CONTACTS), TAGS: tag}

    def _doing(self, person: str, module: str, name: str, at: datetime) -> Wire:
        begins, ends = (spell(one, "UTC") for one in (at, at + timedelta(minutes=15)))
        started = {"Start_DateTime": begins, "End_DateTime": ends, name: begins}
        known = self._org.schema.fields(MODULES[module])
        body = {"Who_Id": {"id": person}, "Call_Type": "Outbound", **started}
        return _with_required(MODULES[module], {n: one for n, one in body.items() if n in known})

    def _deal(self, person: str, deal: Deal) -> Wire:
        closes = deal.closed_at or self.now() + timedelta(days=30)
        body = {
            "Deal_Name": deal.name,
            "Stage": deal.step or _STAGES[deal.stage],
            "Amount": float(deal.amount),
            "Currency": deal.currency,
            "Closing_Date": self._day(closes),
        }
        return body | ({"Contact_Name": {"id": person}} if person else {})

    def _day(self, instant: datetime) -> str:
        return instant.astimezone(ZoneInfo(self._org.settings.time_zone)).date().isoformat()


def _with_required(module: Module, body: Wire) -> Wire:
    """Whoever makes a record types something where something is demanded."""
    return {name: _TYPED.get(name, "Somebody") for name in module.required} | body


def _contact(person: Person) -> dict[str, Any]:
    """A last name is demanded: the mailbox will do."""
    first, last = person.name
    body = {
        "First_Name": first,
        "Last_Name": last or first or person.email.partition("@")[0],
        "Email": person.email,
        "Title": person.title,
        "Mailing_Country": person.country,
        "Phone": person.phone,
    }
    return {name: value for name, value in body.items() if value}

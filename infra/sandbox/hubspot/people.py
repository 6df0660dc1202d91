"""What people do in HubSpot, in words of no CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.core.model import Kind
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    HUBSPOT,
    Actor,
    ObjectType,
)
from infra.sandbox.stand_in import Deal, Person, Revision

REP = Actor.user(77)
OURS = "emtiaz_"
KINDS: Mapping[Kind, ObjectType] = {"contact": CONTACTS, "account": COMPANIES, "deal": DEALS}
STAGES = {"open": "contractsent", "won": "closedwon", "lost": "closedlost"}
ACTIVITIES = {
    "email.opened": "hs_email_last_open_date",
    "email.clicked": "hs_email_last_click_date",
    "email.replied": "hs_email_last_reply_date",
    "page.viewed": "hs_analytics_last_visit_timestamp",
    "form.submitted": "recent_conversion_date",
    "call.held": "notes_last_contacted",
}


class People:
    """A rep at work, and HubSpot itself; ``pages`` gives the address of a contact's page."""

    def __init__(
        self,
        portal: Portal,
        pass_time: Callable[[timedelta], None],
        pages: Callable[[str], str],
    ) -> None:
        self._portal = portal
        self.now = portal.now
        self.pass_time = pass_time
        self.record_url = pages

    def load_company(self, name: str, employees: int) -> str:
        properties = {"name": name, "numberofemployees": str(employees)}
        return self._portal.load(COMPANIES, properties).id

    def load_person(self, person: Person, company: str = "") -> str:
        contact = self._portal.load(CONTACTS, _contact(person), created_at=person.created_at).id
        if company:
            ends = (CONTACTS, contact), (COMPANIES, company)
            self._portal.load_link(*ends, primary=True)
        return contact

    def load_deal(self, person: str, deal: Deal) -> str:
        """It was made an hour before it was closed."""
        created = min(deal.closed_at or self.now(), self.now()) - timedelta(hours=1)
        record = self._portal.load(DEALS, _deal(deal), created_at=created).id
        self._portal.load_link((DEALS, record), (CONTACTS, person))
        return record

    def add_person(self, person: Person) -> str:
        return self._portal.create(CONTACTS, _contact(person), REP).id

    def add_deal(self, person: str, deal: Deal) -> str:
        record = self._portal.create(DEALS, _deal(deal), REP).id
        self._portal.associate((DEALS, record), (CONTACTS, person), REP)
        return record

    def set_title(self, person: str, title: str) -> None:
        self._set(person, jobtitle=title)

    def set_country(self, person: str, country: str) -> None:
        self._set(person, country=country)

    def set_phone(self, person: str, phone: str) -> None:
        self._set(person, phone=phone)

    def set_email(self, person: str, email: str) -> None:
        self._set(person, email=email)

    def set_amount(self, deal: str, amount: str) -> None:
        self._portal.update(DEALS, deal, {"amount": amount}, REP)

    def set_deal(self, deal: str, to: Deal) -> None:
        self._portal.update(DEALS, deal, _deal(to), REP)

    def win(self, deal: str) -> None:
        self._portal.win_deal(deal, REP)

    def part(self, deal: str, person: str) -> None:
        self._portal.dissociate((DEALS, deal), (CONTACTS, person), REP)

    def delete_person(self, person: str) -> None:
        self._portal.archive(CONTACTS, person, REP)

    def restore_person(self, person: str) -> None:
        self._portal.restore(CONTACTS, person, REP)

    def erase_person(self, person: str) -> None:
        self._portal.erase(person, REP)

    def delete_deal(self, deal: str) -> None:
        self._portal.archive(DEALS, deal, REP)

    def merge(self, survivor: str, loser: str) -> None:
        self._portal.merge(CONTACTS, survivor, [loser], REP, new_id=False)

    def keep(self, kind: Kind, fields: Mapping[str, str], record: str = "") -> str:
        if record:
            return self._portal.update(KINDS[kind], record, fields, REP).id
        return self._portal.create(KINDS[kind], fields, REP).id

    def join(self, person: str, company: str) -> None:
        self._portal.associate((CONTACTS, person), (COMPANIES, company), REP, primary=True)

    def note(self, person: str, field: str, at: datetime) -> None:
        self._portal.update(CONTACTS, person, {field: spell(at)}, HUBSPOT)

    def everybody(self) -> Sequence[str]:
        return [record.id for record in self._portal.records(CONTACTS)]

    def shown(self, person: str) -> Mapping[str, str]:
        record = self._portal.get(CONTACTS, person)
        ours = (name for name in record.history if name.startswith(OURS))
        return {name.removeprefix(OURS): text for name in ours if (text := record.value(name))}

    def revisions(self, person: str, output: str) -> Sequence[Revision]:
        history = self._portal.property_history(CONTACTS, person, f"{OURS}{output}")
        return [Revision(one.at, one.value, one.source == "INTEGRATION") for one in history]

    def _set(self, person: str, **properties: str) -> None:
        self._portal.update(CONTACTS, person, properties, REP)


def _contact(person: Person) -> Mapping[str, str]:
    first, last = person.name
    properties = {
        "firstname": first,
        "lastname": last,
        "email": person.email,
        "phone": person.phone,
        "jobtitle": person.title,
        "country": person.country,
        **{ACTIVITIES[kind]: spell(at) for kind, at in person.active.items()},
    }
    return {name: value for name, value in properties.items() if value}


def _deal(deal: Deal) -> Mapping[str, str]:
    properties = {
        "dealname": deal.name,
        "dealstage": deal.step or STAGES[deal.stage],
        "amount": deal.amount,
        "deal_currency_code": deal.currency,
    }
    closes = {"closedate": spell(deal.closed_at)} if deal.closed_at else {}
    return properties | closes

"""People at work in the org, in words of no CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.core.model import Kind
from infra.sandbox._serving.clock import Clock
from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.lineage import merge
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.ours import OUTPUT_OF, TOPIC_PREFIX, field_name, text_of
from infra.sandbox.salesforce.records import PERSON, SALESFORCE
from infra.sandbox.salesforce.topics import assign, names_of
from infra.sandbox.salesforce.values import to_second
from infra.sandbox.salesforce.work import Work
from infra.sandbox.stand_in import Deal, Person, Revision

OBJECT_OF: Mapping[Kind, str] = {
    "contact": "Contact",
    "lead": "Lead",
    "account": "Account",
    "deal": "Opportunity",
    "ticket": "Case",
    "line_item": "OpportunityLineItem",
}
_STAGES = {"open": "Needs Analysis", "won": "Closed Won", "lost": "Closed Lost"}
_TYPED: Mapping[str, Mapping[str, str]] = {
    "Contact": {"LastName": "Somebody"},
    "Lead": {"LastName": "Somebody", "Company": "Some company"},
    "Account": {"Name": "Some company"},
    "Opportunity": {"Name": "Order", "StageName": _STAGES["open"], "CloseDate": "2030-01-01"},
}
"""What whoever makes a record types where something is demanded."""

_HELD = {"Task", "Call", "Email", "Event"}
_RESPONSES = "CampaignMember.FirstRespondedDate"


class People:
    """People are contacts; ``pages`` gives the address of a contact's page."""

    def __init__(self, org: Org, clock: Clock, pages: Callable[[str], str]) -> None:
        self._org = org
        self._clock = clock
        self.record_url = pages

    def now(self) -> datetime:
        return self._clock.now()

    def pass_time(self, span: timedelta) -> None:
        self._clock.advance(span)

    def load_company(self, name: str, employees: int) -> str:
        with self._silently() as work:
            return work.create("Account", {"Name": name, "NumberOfEmployees": employees}).id

    def load_person(self, person: Person, company: str = "") -> str:
        """With the calls that somebody had with them: Salesforce has no place for the rest."""
        with self._silently() as work:
            body = _contact(person) | ({"AccountId": company} if company else {})
            record = work.create("Contact", body, person.created_at).id
            if held := person.active.get("call.held"):
                _note(work, record, "Call", held)
        return record

    def load_deal(self, person: str, deal: Deal) -> str:
        """It was made when it was closed."""
        made = min(deal.closed_at or self.now(), self.now())
        with self._silently() as work:
            return self._new_deal(work, person, deal, made)

    def add_person(self, person: Person) -> str:
        return self._create("Contact", _contact(person))

    def add_deal(self, person: str, deal: Deal) -> str:
        with self._org.transaction(PERSON) as work:
            return self._new_deal(work, person, deal, None)

    def set_title(self, person: str, title: str) -> None:
        self._update("Contact", person, {"Title": title})

    def set_country(self, person: str, country: str) -> None:
        self._update("Contact", person, {"MailingCountry": country})

    def set_phone(self, person: str, phone: str) -> None:
        self._update("Contact", person, {"Phone": phone})

    def set_email(self, person: str, email: str) -> None:
        self._update("Contact", person, {"Email": email})

    def set_amount(self, deal: str, amount: str) -> None:
        self._update("Opportunity", deal, {"Amount": float(amount)})

    def set_deal(self, deal: str, to: Deal) -> None:
        self._update("Opportunity", deal, self._deal(to))

    def win(self, deal: str) -> None:
        won = {"StageName": _STAGES["won"], "CloseDate": self._day(self.now())}
        self._update("Opportunity", deal, won)

    def part(self, deal: str, person: str) -> None:
        with self._org.transaction(PERSON) as work:
            for role in list(self._org.living("OpportunityContactRole")):
                if (role.value("OpportunityId"), role.value("ContactId")) == (deal, person):
                    work.delete("OpportunityContactRole", role.id)

    def delete_person(self, person: str) -> None:
        self._delete("Contact", person)

    def restore_person(self, person: str) -> None:
        with self._org.transaction(PERSON) as work:
            work.undelete(person)

    def erase_person(self, person: str) -> None:
        """Out of the recycle bin too."""
        with self._org.transaction(PERSON) as work:
            work.purge("Contact", person)

    def delete_deal(self, deal: str) -> None:
        self._delete("Opportunity", deal)

    def merge(self, survivor: str, loser: str) -> None:
        with self._org.transaction(PERSON) as work:
            merge(work, "Contact", survivor, [loser])

    def keep(self, kind: Kind, fields: Mapping[str, str], record: str = "") -> str:
        """The empty text clears a field."""
        name = OBJECT_OF[kind]
        if record:
            self._update(name, record, fields)
            return record
        return self._create(name, {**_TYPED.get(name, {}), **fields})

    def join(self, person: str, company: str) -> None:
        self._update("Contact", person, {"AccountId": company})

    def note(self, person: str, field: str, at: datetime) -> None:
        """``Call.CompletedDateTime`` and their like are records of their own."""
        with self._silently() as work:
            kind = field.partition(".")[0]
            if field == _RESPONSES:
                _respond(work, person, at)
            elif kind in _HELD:
                _note(work, person, kind, at)
            else:
                record = work.record("Contact", person)
                found = self._org.schema.field("Contact", field)
                is_day = found is not None and found.type == "date"
                value = at.date() if is_day else to_second(at)
                work.write(record, {field: value}, stamped=False)

    def topics(self, record: str) -> Sequence[str]:
        """The names of all, of whomever they are."""
        return names_of(self._org, record)

    def add_topic(self, record: str, name: str) -> None:
        with self._org.transaction(PERSON) as work:
            assign(work, record, name)

    def everybody(self) -> Sequence[str]:
        return [record.id for record in self._org.living("Contact")]

    def shown(self, person: str) -> Mapping[str, str]:
        record = self._org.get("Contact", person)
        found = {output: text_of(record.value(name)) for name, output in OUTPUT_OF.items()}
        ours = [one for one in self.topics(person) if one.startswith(TOPIC_PREFIX)]
        found["topics"] = ";".join(one.removeprefix(TOPIC_PREFIX) for one in ours)
        return {output: text for output, text in found.items() if text}

    def revisions(self, person: str, output: str) -> Sequence[Revision]:
        history = self._org.get("Contact", person).history.get(field_name(output), ())
        return [Revision(one.at, text_of(one.value), one.by.is_integration) for one in history]

    def _silently(self) -> AbstractContextManager[Work]:
        return self._org.transaction(SALESFORCE, is_silent=True)

    def _create(self, name: str, body: Mapping[str, object]) -> str:
        with self._org.transaction(PERSON) as work:
            return work.create(name, body).id

    def _update(self, name: str, record: str, body: Mapping[str, object]) -> None:
        with self._org.transaction(PERSON) as work:
            work.update(name, record, body)

    def _delete(self, name: str, record: str) -> None:
        with self._org.transaction(PERSON) as work:
            work.delete(name, record)

    def _new_deal(self, work: Work, person: str, deal: Deal, made: datetime | None) -> str:
        account = self._org.value("Contact", person, "AccountId")
        body = self._deal(deal) | ({"AccountId": account} if account else {})
        record = work.create("Opportunity", body, made).id
        role = {"OpportunityId": record, "ContactId": person, "IsPrimary": True}
        work.create("OpportunityContactRole", role, made)
        return record

    def _deal(self, deal: Deal) -> Wire:
        closes = deal.closed_at or self.now() + timedelta(days=30)
        body: Wire = {
            "Name": deal.name,
            "StageName": deal.step or _STAGES[deal.stage],
            "Amount": float(deal.amount),
            "CloseDate": self._day(closes),
        }
        return body | ({"CurrencyIsoCode": deal.currency} if self._org.settings.rates else {})

    def _day(self, instant: datetime) -> str:
        return instant.astimezone(ZoneInfo(self._org.settings.time_zone)).date().isoformat()


def _note(work: Work, person: str, kind: str, at: datetime) -> None:
    """What was done with somebody: a meeting, or a task, calls and mails among them."""
    day = at.date()
    if kind == "Event":
        meeting = {"WhoId": person, "Subject": kind, "StartDateTime": at, "EndDateTime": at}
        work.create("Event", meeting, at)
        return
    done = {"WhoId": person, "Subject": kind, "TaskSubtype": kind, "Status": "Completed"}
    work.create("Task", {**done, "ActivityDate": day, "CompletedDateTime": at}, at)


def _respond(work: Work, person: str, at: datetime) -> None:
    campaign = work.create("Campaign", {"Name": "Webinar"}, at).id
    member = {"CampaignId": campaign, "ContactId": person, "Status": "Responded"}
    work.create("CampaignMember", member, at)


def _contact(person: Person) -> Wire:
    """A last name is demanded: the mailbox will do."""
    first, last = person.name
    body = {
        "FirstName": first,
        "LastName": last or first or person.email.partition("@")[0],
        "Email": person.email,
        "Title": person.title,
        "MailingCountry": person.country,
        "Phone": person.phone,
    }
    return {name: value for name, value in body.items() if value}

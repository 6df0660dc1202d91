"""A story acted in a stand-in HubSpot: its facts become what people and HubSpot do to records.

The story is moved by whole days to begin in the present, so that the time of day stays; time then
passes for the installation and its CRM alike.
"""

import math
import time
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

from chalicelib.adapters.clock import SandboxClock
from chalicelib.core.facts import money, parse_instant
from infra.crm.hubspot.webhooks import component, subscriptions
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.properties import Definition, Option
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, HUBSPOT, Actor
from infra.sandbox.hubspot.standard_properties import GROUPS
from infra.sandbox.hubspot.webhooks import WebhookSettings
from infra.sandbox.rehearsal import WEBHOOK_SECRET

REP = Actor.user(77)
PATIENCE_SECONDS = 60

KINDS = {"contact": CONTACTS, "account": COMPANIES, "deal": DEALS}
TYPES = {
    "text": ("string", "text"),
    "number": ("number", "number"),
    "date": ("date", "date"),
    "activity": ("datetime", "date"),
    "boolean": ("bool", "booleancheckbox"),
}
STAGES = {"won": "closedwon", "lost": "closedlost"}


@dataclass
class Theatre:
    """``records`` are the ids in HubSpot of what the story calls by ids of its own."""

    rehearsal: object
    hubspot: object
    story: object
    policy: object
    connection: str
    records: dict = field(default_factory=dict)

    @property
    def portal(self):
        return self.hubspot.portal

    @cached_property
    def clock(self):
        return SandboxClock(self.rehearsal.services.settings)

    @cached_property
    def shift(self):
        days = (self.clock.now() - self.story.steps[0].at) / timedelta(days=1)
        return timedelta(days=math.ceil(days))

    # Before the curtain

    def open(self):
        """As an admin does it: connect, make the fields, put the shipped policy into force."""
        for attribute in self.policy.attributes:
            self.define(attribute)
        at = ("--connection", self.connection)
        where = ("--base-url", self.hubspot.url)
        self.rehearsal.emtiaz("connect", "hubspot", *at, *where, "--yes")
        self.rehearsal.emtiaz("provision", "--policy", self.story.name, *at, "--yes")
        self.rehearsal.emtiaz("policy", "publish", self.story.name, *at, "--yes")
        url = self.rehearsal.installation.webhook_url(self.connection)
        rings = subscriptions(component(url, self.policy.attributes))
        self.hubspot.webhooks.configure(
            WebhookSettings.from_json(
                {"target_url": url, "secret": WEBHOOK_SECRET, "subscriptions": rings}
            )
        )

    def define(self, attribute):
        """The field that the policy asks the admin to add."""
        kind, name = KINDS[attribute.of], attribute.fields["hubspot"]
        if self.portal.schema.find(kind, name) is None:
            type_, field_type = TYPES[attribute.type]
            options = ("true", "false") if type_ == "bool" else ()
            definition = Definition(
                name=name,
                label=name,
                type=type_,
                field_type=field_type,
                group=GROUPS[kind].name,
                created_at=self.portal.now(),
                options=tuple(Option(one, one) for one in options),
            )
            self.portal.schema.add(kind, definition)

    # The play

    def perform(self, step):
        """All facts of a step in the order of time, and then its instant."""
        for fact in sorted(step.facts, key=self.happened):
            self.pass_time(self.happened(fact))
            getattr(self, f"do_{fact.type}")(fact)
        self.pass_time(step.at)
        self.look_around()

    def happened(self, fact):
        closed = fact.data.get("closed_at")
        return parse_instant(closed) if closed else fact.occurred_at

    def pass_time(self, instant):
        ahead = instant + self.shift - self.clock.now()
        if ahead > timedelta(seconds=1):
            self.settle()
            self.clock.advance(ahead)
        behind = self.clock.now() - self.portal.now()
        if behind > timedelta(0):
            self.hubspot.clock.advance(behind)

    def look_around(self):
        """What the schedules would have done by now."""
        self.settle()
        self.rehearsal.invoke("reconcile")
        self.settle()
        self.rehearsal.invoke("sweep")
        self.settle()

    def do_contact(self, fact):
        self.keep(fact, self.properties(fact))

    def do_account(self, fact):
        self.keep(fact, self.properties(fact))
        ends = [(KINDS[kind], self.records[kind, one]) for kind, one in self.ends(fact)]
        self.portal.associate(*ends, REP, primary=True)

    def do_deal(self, fact):
        amount = money(fact.data["amount"])
        properties = {
            "dealname": "Order",
            "dealstage": STAGES.get(fact.data["status"]) or fact.data["stage"],
            "amount": str(amount.to_decimal()),
            "deal_currency_code": amount.currency,
        }
        if "closed_at" in fact.data:
            properties["closedate"] = spell(self.happened(fact) + self.shift)
        is_new = ("deal", fact.id) not in self.records
        self.keep(fact, properties)
        if is_new:
            contact, deal = (
                (KINDS[kind], self.records[kind, one]) for kind, one in self.ends(fact)
            )
            self.portal.associate(deal, contact, REP)

    def do_activity(self, fact):
        """HubSpot or the shop notes the time of it, and tells nobody."""
        name = next(
            a.fields["hubspot"] for a in self.policy.attributes if a.activity == fact.data["kind"]
        )
        self.settle()  # so that each of several values is read
        noted = {name: spell(fact.occurred_at + self.shift)}
        self.portal.update(CONTACTS, self.contact, noted, HUBSPOT)
        self.settle()
        self.rehearsal.invoke("reconcile")
        self.settle()

    def ends(self, fact):
        return ("contact", self.story.subject.id), (fact.type, fact.id)

    def keep(self, fact, properties):
        """Create the record, or change it."""
        kind, key = KINDS[fact.type], (fact.type, fact.id)
        if key in self.records:
            self.portal.update(kind, self.records[key], properties, REP)
        else:
            self.records[key] = self.portal.create(kind, properties, REP).id

    def properties(self, fact):
        held = {a.name: a for a in self.policy.attributes if a.of == fact.type}
        return {
            held[name].fields["hubspot"]: self.spelled(value, held[name].type)
            for name, value in fact.data.items()
        }

    def spelled(self, value, type_):
        if type_ == "date":
            return (date.fromisoformat(value) + self.shift).isoformat()
        return str(value).lower() if isinstance(value, bool) else str(value)

    # What the audience sees

    @property
    def contact(self):
        return self.records["contact", self.story.subject.id]

    def shown(self):
        """What the record shows of ours, without the prefix."""
        record = self.portal.get(CONTACTS, self.contact)
        ours = [name for name in record.history if name.startswith("emtiaz_")]
        return {name.removeprefix("emtiaz_"): record.value(name) for name in ours}

    def settle(self):
        """Until all deliveries are made, both queues are empty and no card is unwritten."""
        services = self.rehearsal.services
        assert self.hubspot.webhooks.flush(PATIENCE_SECONDS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        quiet = 0
        while quiet < 3:
            assert time.monotonic() < deadline, "it does not come to rest"
            waiting = services.intake.backlog() + services.write_back.backlog()
            quiet = 0 if waiting else quiet + 1
            time.sleep(0.1)


def settings_for(policy, settings):
    """A HubSpot account in the policy's currency."""
    return replace(settings, currency=policy.currency, exchange_rates={})

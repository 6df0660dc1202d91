"""A story acted in a stand-in CRM: its facts become what people and the CRM do to records.

The story is moved by whole days to begin in the present, so that the time of day stays; time then
passes for the installation and its CRM alike.
"""

import math
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from chalicelib.adapters.clock import SandboxClock
from chalicelib.core.facts import money, parse_instant
from infra.sandbox.stand_in import Deal

PATIENCE_SECONDS = 60


@dataclass
class Theatre:
    """``records`` are the ids in the CRM of what the story calls by ids of its own."""

    rehearsal: object
    story: object
    policy: object
    records: dict = field(default_factory=dict)

    @property
    def stand_in(self):
        return self.rehearsal.stand_in

    @property
    def people(self):
        return self.stand_in.people

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
            if self.rehearsal.crm in attribute.fields:
                self.stand_in.define(attribute)
        self.rehearsal.emtiaz(*self.rehearsal.connecting)
        at = self.rehearsal.at
        self.rehearsal.emtiaz("provision", "--policy", self.story.name, *at, "--yes")
        self.rehearsal.emtiaz("policy", "publish", self.story.name, *at, "--yes")
        self.stand_in.subscribe(self.rehearsal.webhook_url, self.policy)

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
        behind = self.clock.now() - self.people.now()
        if behind > timedelta(0):
            self.people.pass_time(behind)

    def look_around(self):
        """What the schedules would have done by now."""
        self.settle()
        self.rehearsal.invoke("reconcile")
        self.settle()
        self.rehearsal.invoke("sweep")
        self.settle()

    def do_contact(self, fact):
        self.keep(fact)

    def do_account(self, fact):
        self.keep(fact)
        self.people.join(self.person, self.records[fact.type, fact.id])

    def do_deal(self, fact):
        amount, key = money(fact.data["amount"]), (fact.type, fact.id)
        status = fact.data["status"]
        closes = {"closed_at": self.happened(fact) + self.shift} if "closed_at" in fact.data else {}
        deal = Deal(
            str(amount.to_decimal()),
            amount.currency,
            status,
            step=fact.data["stage"] if status == "open" else "",
            **closes,
        )
        if key in self.records:
            self.people.set_deal(self.records[key], deal)
        else:
            self.records[key] = self.people.add_deal(self.person, deal)

    def do_activity(self, fact):
        """The CRM or the shop notes the time of it, and tells nobody."""
        name = next(
            self.field_of(a) for a in self.policy.attributes if a.activity == fact.data["kind"]
        )
        self.settle()  # so that each of several values is read
        self.people.note(self.person, name, fact.occurred_at + self.shift)
        self.settle()
        self.rehearsal.invoke("reconcile")
        self.settle()

    def keep(self, fact):
        """Create the record, or change it."""
        key, held = (fact.type, fact.id), self.records.get((fact.type, fact.id), "")
        self.records[key] = self.people.keep(fact.type, self.fields(fact), held)

    def fields(self, fact):
        held = {a.name: a for a in self.policy.attributes if a.of == fact.type}
        return {
            self.field_of(held[name]): self.spelled(value, held[name].type)
            for name, value in fact.data.items()
        }

    def field_of(self, attribute):
        return attribute.fields[self.rehearsal.crm]

    def spelled(self, value, type_):
        if type_ == "date":
            return (date.fromisoformat(value) + self.shift).isoformat()
        return str(value).lower() if isinstance(value, bool) else str(value)

    # What the audience sees

    @property
    def person(self):
        return self.records["contact", self.story.subject.id]

    def shown(self):
        """What the record shows of ours."""
        return self.people.shown(self.person)

    def settle(self):
        """Until all deliveries are made, both queues are empty and no card is unwritten."""
        services = self.rehearsal.services
        assert self.stand_in.flush(PATIENCE_SECONDS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        quiet = 0
        while quiet < 3:
            assert time.monotonic() < deadline, "it does not come to rest"
            waiting = services.intake.backlog() + services.write_back.backlog()
            quiet = 0 if waiting else quiet + 1
            time.sleep(0.1)

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from chalicelib.core.connector import Connection, Request, Secret
from chalicelib.core.errors import UnknownConnection
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import Envelope
from chalicelib.pipeline.process import process
from chalicelib.pipeline.receive import receive
from chalicelib.pipeline.services import Edge, Services
from chalicelib.pipeline.sweep import sweep
from chalicelib.pipeline.write_back import write_back
from chalicelib.policy import version_of
from tests.fakes import connector as toy
from tests.fakes.access import FakeAccess
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.crm import FakeCrm
from tests.fakes.queue import InMemoryQueue
from tests.fakes.secrets import InMemorySecrets
from tests.fakes.settings import InMemorySettingsStore
from tests.fakes.store import InMemorySubjectStore

CONNECTION = "toy-main"
SHIPPED = Path("chalicelib/policy/shipped/starter.yaml")


@dataclass
class Installation:
    """Emtiaz on fakes: queues are delivered by hand, time stands still."""

    crm: FakeCrm = field(default_factory=FakeCrm)
    clock: FakeClock = field(default_factory=FakeClock)
    store: InMemorySubjectStore = field(default_factory=InMemorySubjectStore)
    settings: InMemorySettingsStore = field(default_factory=InMemorySettingsStore)
    intake: InMemoryQueue = field(default_factory=InMemoryQueue)
    ring: InMemoryQueue = field(default_factory=InMemoryQueue)
    bell: InMemoryQueue = field(default_factory=InMemoryQueue)
    secrets: InMemorySecrets = field(
        default_factory=lambda: InMemorySecrets(
            {CONNECTION: Secret("https://emtiaz.example/hooks/toy-main", ("new", "old"), "token")}
        )
    )

    takes_topics: bool = False

    def __post_init__(self):
        self.settings.put_connection(
            Connection(CONNECTION, "toy", "424242", "https://toy.example", "1", "USD", "UTC")
        )
        page = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
        self.settings.publish_policy(CONNECTION, version_of(page), page, NOON)

    @property
    def edge(self):
        return Edge(self._load, self.secrets, self.intake)

    @property
    def services(self):
        return Services(
            load_connector=self._load,
            store=self.store,
            settings=self.settings,
            secrets=self.secrets,
            intake=self.intake,
            write_back=self.ring,
            announce=self.bell,
            clock=self.clock,
            open_access=lambda _connection: FakeAccess("token"),
        )

    def _load(self, name):
        if name != "toy":
            raise UnknownConnection("no such connection")
        return toy.connector(self.crm, takes_topics=self.takes_topics)

    def request(self, body, *, signature="new", media_type="application/json", channel=""):
        headers = {"content-type": media_type, "signature": signature}
        return Request("POST", "", headers, body, channel)

    def deliver(self, *refs, **told):
        request = self.request(toy.body(*refs, **told))
        receive("01", CONNECTION, request, self.edge, self.clock.now())

    def process(self, *, receives=1):
        return process(self._envelopes(self.intake, receives), self.services, self.clock.now())

    def write(self, *, deadline=None, receives=1):
        deadline = deadline or self.clock.now() + timedelta(seconds=40)
        return write_back(self._envelopes(self.ring, receives), self.services, deadline)

    def sweep(self):
        return sweep(self.services, self.clock.now())

    def run(self):
        """Deliver both queues until they are quiet."""
        while self.intake.messages or self.ring.messages:
            assert not self.process()
            assert not self.write()

    def _envelopes(self, queue, receives):
        bodies = queue.take()
        return [Envelope(str(n), f"receipt-{n}", receives, b) for n, b in enumerate(bodies)]

    def contact(self, number, *, job="CEO", modified=NOON, deals=(), visits=()):
        """A contact in the CRM with won deals of so many dollars and page visits.

        Whoever reads it later reads it at a later time.
        """
        self.clock.advance(seconds=1)
        ref = Ref(CONNECTION, "contact", str(number))
        self.crm.put(
            ref,
            Fact(ref, "contact", ref.id, self.clock.now(), {"job_title": job}, modified),
            links(ref, self.clock.now(), deals),
            *(
                won_deal(ref, f"{number}-{n}", when, amount)
                for n, (when, amount) in enumerate(deals)
            ),
            *(visit(ref, when) for when in visits),
        )
        return ref

    def edit(self, ref, **values):
        """Somebody changes the contact's own record in the CRM."""
        self.clock.advance(seconds=1)
        record, *others = self.crm.facts[ref]
        data = {**record.data, **values}
        changed = replace(record, data=data, modified_at=self.clock.now())
        self.crm.put(ref, changed, *others)

    def card(self, ref):
        return self.store.subjects[ref].card

    def writes(self):
        return [update for batch in self.crm.called("write") for update in batch]


def links(ref, now, deals):
    ids = [f"{ref.id}-{n}" for n in range(len(deals))]
    return Fact(ref, "links", "links", now, {"deal": ids, "account": []})


def won_deal(ref, identity, when, dollars):
    data = {
        "status": "won",
        "amount": {"amount": dollars * 100, "currency": "USD"},
        "closed_at": when.isoformat(),
    }
    return Fact(ref, "deal", identity, when, data, when)


def visit(ref, when):
    return Fact(ref, "activity", f"visit@{when.isoformat()}", when, {"kind": "page.viewed"})


@pytest.fixture
def installation():
    return Installation()


def envelope(body, *, receives=1, identity="1"):
    return Envelope(identity, "receipt", receives, json.loads(json.dumps(body)))

"""One installation for all end-to-end tests: the packaged artefact, deployed and backfilled."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import pytest

from chalicelib.core.model import Ref
from infra.sandbox.hubspot.cdnow import Loaded, load_cdnow
from infra.sandbox.hubspot.records import CONTACTS, DEALS, Actor
from infra.sandbox.rehearsal import CONNECTION, Rehearsal, rehearsal

PURCHASES = Path("tests/data/cdnow/purchases.txt")
REP = Actor.user(77)
PATIENCE_SECONDS = 60


@dataclass
class Stage:
    """The installation, and what people do in its CRM."""

    rehearsal: Rehearsal
    loaded: Loaded

    @property
    def portal(self):
        return self.rehearsal.hubspot.portal

    @cached_property
    def services(self):
        return self.rehearsal.services

    @property
    def store(self):
        return self.services.store

    def contact(self, identity):
        return self.portal.get(CONTACTS, identity)

    def ref(self, identity):
        return Ref(CONNECTION, "contact", identity)

    def edit(self, identity, **properties):
        self.portal.update(CONTACTS, identity, properties, REP)

    def open_deal(self, identity, amount):
        deal = self.portal.create(
            DEALS,
            {
                "dealname": "Order by telephone",
                "dealstage": "contractsent",
                "amount": amount,
                "deal_currency_code": "USD",
            },
            REP,
        )
        self.portal.associate((DEALS, deal.id), (CONTACTS, identity), REP)
        return deal.id

    def win(self, deal):
        self.portal.win_deal(deal, REP)

    def shown(self, identity):
        """What the record shows of ours, without the prefix; what is empty is left out."""
        record = self.contact(identity)
        ours = (name for name in record.history if name.startswith("emtiaz_"))
        return {
            name.removeprefix("emtiaz_"): record.value(name) for name in ours if record.value(name)
        }

    def writes(self):
        """Requests that wrote to contacts so far."""
        counts = self.rehearsal.hubspot.requests.counts()
        return sum(count for route, count in counts.items() if "batch/update" in route)

    def settle(self):
        """Until all deliveries are made and both queues are empty."""
        settled(self.rehearsal.hubspot, self.services.intake, self.services.write_back)

    def wait_for(self, condition):
        waited_for(condition)


def settled(hubspot, *queues):
    """All deliveries are made and the queues are empty, at three looks in a row."""
    assert hubspot.webhooks.flush(PATIENCE_SECONDS)
    quiet = 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while quiet < 3:
        assert time.monotonic() < deadline, "the queues do not empty"
        quiet = 0 if sum(queue.backlog() for queue in queues) else quiet + 1
        time.sleep(0.1)


def waited_for(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def stage():
    with rehearsal() as running:
        loaded = load_cdnow(running.hubspot.portal, PURCHASES, datetime.now(UTC), leads=40)
        running.deploy()
        running.connect()
        running.backfill()
        running.subscribe()
        yield Stage(running, loaded)

"""One installation per CRM for all tests of it: the packaged artefact, deployed and backfilled."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import pytest

from infra.sandbox.cdnow import Loaded, load_cdnow
from infra.sandbox.rehearsal import Rehearsal, rehearsal
from infra.sandbox.stand_in import names
from tests.conftest import FIGURE
from tests.e2e.equality import unwritten

PURCHASES = Path("tests/data/cdnow/purchases.txt")
PATIENCE_SECONDS = 60
SWEPT_SECONDS = 180


@dataclass
class Stage:
    """The installation, and what people do in its CRM."""

    rehearsal: Rehearsal
    loaded: Loaded

    @property
    def stand_in(self):
        return self.rehearsal.stand_in

    @property
    def people(self):
        return self.stand_in.people

    @property
    def connection(self):
        return self.rehearsal.connection

    @cached_property
    def services(self):
        return self.rehearsal.services

    @property
    def store(self):
        return self.services.store

    def ref(self, person):
        return self.stand_in.ref(self.connection, person)

    def shown(self, person):
        return self.people.shown(person)

    def lead_with(self, title):
        return next(one for one in self.loaded.leads if self.loaded.people[one].title == title)

    def somebody_without_a_class(self):
        return next(one for one in self.loaded.leads if "class" not in self.shown(one))

    def settle(self):
        """Until all deliveries are made, both queues are empty and no card is unwritten."""
        settled(self.stand_in, self.services.intake, self.services.write_back)
        waited_for(lambda: not unwritten(self.services, self.connection), SWEPT_SECONDS)

    def wait_for(self, condition):
        waited_for(condition)


def settled(stand_in, *queues):
    """All deliveries are made and the queues are empty, at three looks in a row."""
    assert stand_in.flush(PATIENCE_SECONDS)
    quiet = 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while quiet < 3:
        assert time.monotonic() < deadline, "the queues do not empty"
        quiet = 0 if sum(queue.backlog() for queue in queues) else quiet + 1
        time.sleep(0.1)


def waited_for(condition, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def crms(first, *others):
    """The first is what ``make test`` runs, ``make e2e`` all."""
    return [first, *(pytest.param(one, marks=pytest.mark.e2e) for one in others)]


@pytest.fixture
def tell(record_property):
    """Takes lines to print when the tests are over, by which process ever they were run."""
    return lambda *lines: [record_property(FIGURE, str(line)) for line in lines]


@pytest.fixture(scope="session", params=crms(*names()))
def stage(request):
    with rehearsal(request.param) as running:
        loaded = load_cdnow(running.stand_in.people, PURCHASES, datetime.now(UTC), leads=40)
        running.deploy()
        running.connect()
        running.backfill()
        running.subscribe()
        yield Stage(running, loaded)

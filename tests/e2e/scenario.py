"""People in a stand-in CRM, what happens to them, and what must have become of it.

Who works on it meanwhile is for the kinds of ``Scenario`` to say.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import boto3

from infra.sandbox._serving.fault_plan import KINDS, FaultPlan
from infra.sandbox.stand_in import Deal, Person, names
from tests.e2e.equality import (
    assert_oracle_equality,
    oracle_of,
    overtaken,
    read_by_the_oracle,
    unwritten,
    written_twice,
)

PATIENCE = 480


def sized(crm, whole, part):
    """The whole with the first CRM, a part with each other one.

    What is ours, such as queues, tables and what takes over from the dead, is the same for all and
    is put to the whole test once; a part suffices to meet all that a CRM answers otherwise.
    """
    return whole if crm == names()[0] else part


@dataclass(kw_only=True)
class Scenario:
    """``moved`` are rows by person, of what came to it from those merged into it."""

    crm: str
    stand_in: object
    services: object
    persons: list = field(default_factory=list)
    deals: dict = field(default_factory=dict)
    moved: dict = field(default_factory=lambda: defaultdict(list))

    @property
    def connection(self):
        return f"{self.crm}-main"

    @property
    def people(self):
        return self.stand_in.people

    @property
    def live(self):
        return self.services.settings.live(self.connection)

    def ref(self, person):
        return self.stand_in.ref(self.connection, person)

    @property
    def page(self):
        return self.live.policy

    # People and their records

    def populate(self, number, rng):
        """People, each with a deal, all of some company, some active lately."""
        companies = [self.people.load_company(f"Company {n}", n) for n in range(number // 10)]
        now = self.people.now()
        for n in range(number):
            opened = now - timedelta(days=rng.uniform(0, 60))
            lately = {"email.opened": opened, "call.held": opened} if rng.random() < 0.5 else {}
            person = Person(f"person{n}@example.com", rng.choice(TITLES), active=lately)
            record = self.people.load_person(person, rng.choice(companies))
            self.persons.append(record)
            stage = rng.choice(["won", "open"])
            closed = now - timedelta(days=rng.uniform(1, 400))
            self.deals[record] = self.people.load_deal(record, Deal("10.00", "USD", stage, closed))

    # Their changes

    def rage(self, events, rng, pause=0.0):
        """Changes, with so many seconds between two, until so many events; returns how many."""
        before = self.stand_in.told()
        rare = self.rarities(rng)
        every = events // (len(rare) + 1)
        while (told := self.stand_in.told() - before) < events or rare:
            time.sleep(pause)
            self.change(rng.choice(self.persons), rng)
            if rare and told >= every * (self.rarest - len(rare) + 1):
                rare.pop(0)()
        return told

    def change(self, person, rng):
        if rng.random() < 0.7:
            self.people.set_title(person, rng.choice(TITLES))
        else:
            self.people.set_amount(self.deals[person], f"{rng.uniform(5, 900):.2f}")

    def rarities(self, rng):
        """Each on people of its own, who leave the ordinary ones."""
        crm = self.people
        some = rng.sample(self.persons, 40)
        self.persons = [one for one in self.persons if one not in some]
        self.gone, self.erased, self.lost = some[:8], some[8:14], some[14:20]
        self.pairs = list(zip(some[20:30], some[30:40], strict=True))
        happenings = [
            *((crm.delete_person, one) for one in self.gone),
            *((crm.restore_person, one) for one in self.gone[4:]),
            *((crm.erase_person, one) for one in self.erased),
            *((crm.delete_deal, self.deals[one]) for one in self.lost[:3]),
            *((crm.part, self.deals[one], one) for one in self.lost[3:]),
            *((self.merge, *pair) for pair in self.pairs),
        ]
        self.rarest = len(happenings)
        return [partial(*happening) for happening in happenings]

    def merge(self, survivor, loser):
        """What the loser did stays known, though the CRM does not tell it of the survivor."""
        rows = read_by_the_oracle(self.stand_in, self.live)(loser)
        self.moved[survivor] += [
            row | {"subject": str(self.ref(survivor))} for row in rows if row["type"] == "activity"
        ]
        self.people.merge(survivor, loser)

    @property
    def present(self):
        """People that the CRM shows."""
        return self.people.everybody()

    # What became of it

    def work_off(self, patience=PATIENCE):
        """Until all is delivered and the intake queue has been empty once."""
        assert self.stand_in.flush(patience)
        wait_for(lambda: self.services.intake.backlog() == 0, patience)

    def settle(self, patience=PATIENCE):
        """Until all is delivered, both queues are empty and no card is unwritten."""
        assert self.stand_in.flush(patience)
        wait_for(lambda: self.is_quiet and not unwritten(self.services, self.connection), patience)

    @property
    def is_quiet(self):
        return all(
            queue.backlog() == 0
            for _ in range(2)
            for queue in (self.services.intake, self.services.write_back)
        )

    def dead_letters(self):
        sqs = boto3.client("sqs")
        urls = sqs.list_queues().get("QueueUrls", [])
        return sum(depth(sqs, url) for url in urls if "dlq" in url)


TITLES = ("Founder", "Student", "Sales manager", "Consultant", "CEO", "Intern", "")


def depth(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in held.values())


def wait_for(condition, patience=60):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


def faults(seed, share=0.05, **weights):
    """All kinds alike, but for tokens that end early: each of those ends all calls under way."""
    kinds = {**dict.fromkeys(KINDS, 1.0), "expired": 0.2, **weights}
    return FaultPlan(seed=seed, share=share, kinds=kinds, hang_seconds=1, slow_seconds=1)


def assert_as_it_should_be(it):
    assert len(it.stand_in.faults.struck()) > 1
    assert_undisturbed(it)
    assert all(card_of(it, one).hidden for one in it.gone[:4])
    assert not any(card_of(it, one).hidden for one in it.gone[4:])
    assert all(is_erased(card_of(it, one), it.crm) for one in it.erased)
    assert all(card_of(it, loser).stub.into == it.ref(survivor) for survivor, loser in it.pairs)


def is_erased(card, crm):
    return card.version == 0 if oracle_of(crm).ERASES else card.hidden


def assert_undisturbed(it):
    """Everything is as if nothing had stood in its way, and nothing was done twice."""
    assert_oracle_equality(it.services, it.stand_in, it.connection, it.present, it.moved)
    assert it.services.settings.parked(it.connection) == ()
    assert it.dead_letters() == 0
    assert written_twice(it.stand_in, it.live) == []
    assert overtaken(it.services, it.stand_in, it.connection) == []


def card_of(it, person):
    return it.services.store.load(it.ref(person)).card

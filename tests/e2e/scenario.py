"""People in a stand-in CRM, what happens to them, and what must have become of it.

Who works on it meanwhile is for the kinds of ``Scenario`` to say.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import boto3

from chalicelib.core.connector import OAuthGrant, Secret
from chalicelib.core.model import Ref
from infra.sandbox._serving.fault_plan import KINDS, FaultPlan
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, Actor
from infra.sandbox.hubspot.server import StandIn
from infra.sandbox.hubspot.webhooks import EventSpeller
from infra.sandbox.rehearsal import CONNECTION
from tests.e2e.equality import assert_oracle_equality, overtaken, ref_of, written_twice
from tests.oracle.hubspot import doings

REP = Actor.user(77)

PATIENCE = 240


@dataclass(kw_only=True)
class Scenario:
    """``moved`` are rows by contact id, of what came to it from those merged into it."""

    hubspot: StandIn
    services: object
    contacts: list = field(default_factory=list)
    deals: dict = field(default_factory=dict)
    moved: dict = field(default_factory=lambda: defaultdict(list))

    @property
    def portal(self):
        return self.hubspot.portal

    @property
    def live(self):
        return self.services.settings.live(CONNECTION)

    @property
    def page(self):
        return self.live.policy

    # People and their records

    def populate(self, number, rng):
        """Contacts, each with a deal, some of them of one company, some active lately."""
        companies = [
            self.portal.load(COMPANIES, {"name": f"Company {n}", "numberofemployees": str(n)}).id
            for n in range(number // 10)
        ]
        now = self.portal.now()
        for n in range(number):
            opened = now - timedelta(days=rng.uniform(0, 60))
            lately = {"hs_email_last_open_date": spell(opened)} if rng.random() < 0.5 else {}
            person = {"email": f"person{n}@example.com", "jobtitle": rng.choice(TITLES), **lately}
            contact = self.portal.load(CONTACTS, person).id
            self.contacts.append(contact)
            self.load_deal(contact, rng)
            company = (COMPANIES, rng.choice(companies))
            self.portal.load_link((CONTACTS, contact), company, primary=True)

    def load_deal(self, contact, rng):
        stage = rng.choice(["closedwon", "contractsent"])
        properties = {"dealname": "Order", "amount": "10.00", "deal_currency_code": "USD"}
        closed = spell(self.portal.now() - timedelta(days=rng.uniform(1, 400)))
        deal = self.portal.load(DEALS, {**properties, "dealstage": stage, "closedate": closed}).id
        self.portal.load_link((DEALS, deal), (CONTACTS, contact))
        self.deals[contact] = deal

    # Their changes

    def rage(self, events, rng, pause=0.0):
        """Changes, with so many seconds between two, until so many events; returns how many."""
        counted = Counted(self.hubspot)
        self.portal.listen(counted)
        rare = self.rarities(rng)
        every = events // (len(rare) + 1)
        while counted.events < events or rare:
            time.sleep(pause)
            self.change(rng.choice(self.contacts), rng)
            if rare and counted.events >= every * (self.rarest - len(rare) + 1):
                rare.pop(0)()
        return counted.events

    def change(self, contact, rng):
        if rng.random() < 0.7:
            self.portal.update(CONTACTS, contact, {"jobtitle": rng.choice(TITLES)}, REP)
        else:
            amount = {"amount": f"{rng.uniform(5, 900):.2f}"}
            self.portal.update(DEALS, self.deals[contact], amount, REP)

    def rarities(self, rng):
        """Each on people of its own, who leave the ordinary ones."""
        people = rng.sample(self.contacts, 40)
        self.contacts = [one for one in self.contacts if one not in people]
        self.gone, self.erased, self.lost = people[:8], people[8:14], people[14:20]
        self.pairs = list(zip(people[20:30], people[30:40], strict=True))
        happenings = [
            *((self.portal.archive, CONTACTS, one, REP) for one in self.gone),
            *((self.portal.restore, CONTACTS, one, REP) for one in self.gone[4:]),
            *((self.portal.erase, one, REP) for one in self.erased),
            *((self.portal.archive, DEALS, self.deals[one], REP) for one in self.lost[:3]),
            *((self.part, one) for one in self.lost[3:]),
            *((self.merge, *pair) for pair in self.pairs),
        ]
        self.rarest = len(happenings)
        return [partial(*happening) for happening in happenings]

    def part(self, contact):
        self.portal.dissociate((DEALS, self.deals[contact]), (CONTACTS, contact), REP)

    def merge(self, survivor, loser):
        """What the loser did stays known, though the CRM does not tell it of the survivor."""
        (record,) = [one for one in self.portal.dump()["contacts"] if one["id"] == loser]
        for name, when, data in doings(record, self.page):
            self.moved[survivor].append(
                {
                    "subject": f"{CONNECTION}:contact:{survivor}",
                    "type": "activity",
                    "id": f"{name}@{when}",
                    "data": data,
                    "occurred_at": when,
                }
            )
        self.portal.merge(CONTACTS, survivor, [loser], REP, new_id=False)

    @property
    def present(self):
        """Contacts that the CRM shows."""
        return [record.id for record in self.portal.records(CONTACTS)]

    # What became of it

    def work_off(self, patience=PATIENCE):
        """Until all is delivered and the intake queue has been empty once."""
        assert self.hubspot.webhooks.flush(patience)
        wait_for(lambda: self.services.intake.backlog() == 0, patience)

    def settle(self, patience=PATIENCE):
        """Until all is delivered, both queues are empty and no card is unwritten."""
        assert self.hubspot.webhooks.flush(patience)
        wait_for(lambda: self.is_quiet and not self.pending, patience)

    @property
    def is_quiet(self):
        return all(
            queue.backlog() == 0
            for _ in range(2)
            for queue in (self.services.intake, self.services.write_back)
        )

    @property
    def pending(self):
        refs = [Ref.parse(str(row["ref"])) for row in self.services.store.population(CONNECTION)]
        return [card.ref for card in self.services.store.cards(refs) if card.pending]

    def dead_letters(self):
        sqs = boto3.client("sqs")
        urls = sqs.list_queues().get("QueueUrls", [])
        return sum(depth(sqs, url) for url in urls if "dlq" in url)


TITLES = ("Founder", "Student", "Sales manager", "Consultant", "CEO", "Intern", "")


class Counted:
    """Counts the events that changes ring with, which our own writes do not."""

    def __init__(self, hubspot):
        self.webhooks = hubspot.webhooks
        self.speller = EventSpeller(hubspot.portal.settings.portal_id)
        self.events = 0

    def __call__(self, change):
        self.events += len(self.speller.events(change, self.webhooks.settings))


def depth(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in held.values())


def wait_for(condition, patience=60):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


def granted(hubspot, url, webhook_secret):
    """The secret of a connection by OAuth, whose tokens can come to an end."""
    installed = hubspot.oauth.install()
    app = hubspot.oauth.app
    grant = OAuthGrant(app.client_id, app.client_secret, installed["refresh_token"])
    return Secret(url, (webhook_secret,), "", oauth=grant)


def faults(seed, **weights):
    """All kinds alike, but for tokens that end early: each of those ends all calls under way."""
    kinds = {**dict.fromkeys(KINDS, 1.0), "expired": 0.2, **weights}
    return FaultPlan(seed=seed, share=0.05, kinds=kinds, hang_seconds=1, slow_seconds=1)


def assert_as_it_should_be(it):
    assert len(it.hubspot.faults.struck()) > 1
    assert_oracle_equality(it.services, it.portal, CONNECTION, it.present, it.moved)
    assert it.services.settings.parked(CONNECTION) == ()
    assert it.dead_letters() == 0
    assert written_twice(it.portal) == []
    assert overtaken(it.services, it.portal, CONNECTION) == []
    assert all(card_of(it, one).hidden for one in it.gone[:4])
    assert not any(card_of(it, one).hidden for one in it.gone[4:])
    assert all(card_of(it, one).version == 0 for one in it.erased)
    assert all(
        card_of(it, loser).stub.into == ref_of(CONNECTION, survivor) for survivor, loser in it.pairs
    )


def card_of(it, contact):
    return it.services.store.load(ref_of(CONNECTION, contact)).card


def print_figures(capsys, *lines):
    with capsys.disabled():
        print("", *lines, sep="\n")

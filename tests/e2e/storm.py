"""A storm: many events at once, delivered twice and shuffled, by way of faults and deaths.

The handlers of ``app.py`` run in processes that poll the queues of a local cloud as Lambda would,
against a stand-in HubSpot in the process of the test. Figures taken here are against our stand-in.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread

import boto3
import requests

import connectors
from chalicelib.adapters import aws
from chalicelib.adapters.secrets import secret_name, to_text
from chalicelib.core.connector import Connection, OAuthGrant, Secret
from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.sweep import sweep
from chalicelib.policy import compile_policy, version_of
from chalicelib.scoring import outputs
from chalicelib.settings import Settings
from chalicelib.wiring import aws_services
from infra.cli.policy_page import SHIPPED, read_page
from infra.crm.hubspot.webhooks import component, subscriptions
from infra.sandbox.hubspot.instants import spell
from infra.sandbox.hubspot.rate_limit import Rate
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, Actor
from infra.sandbox.hubspot.server import StandIn
from infra.sandbox.hubspot.webhooks import WebhookSettings
from infra.sandbox.local_cloud import LocalCloud
from infra.sandbox.loopback_server import free_port
from tests.fakes.access import FakeAccess
from tests.oracle.hubspot import doings

CONNECTION = "hubspot-main"
STAGE = "storm"
WEBHOOK_SECRET = "storm-webhook-secret"
WORKER = Path(__file__).with_name("storm_worker.py")
REP = Actor.user(77)

PATIENCE = 240


@dataclass
class Storm:
    cloud: LocalCloud
    hubspot: StandIn
    settings: Settings
    services: object
    environment: dict
    contacts: list = field(default_factory=list)
    deals: dict = field(default_factory=dict)
    moved: dict = field(default_factory=lambda: defaultdict(list))
    kills: int = 0

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

    def rage(self, events, rng):
        """Changes until so many events were sent; returns how many."""
        counted = Counted()
        self.hubspot.portal.listen(counted)
        rare = self.rarities(rng)
        every = events // (len(rare) + 1)
        while counted.events < events or rare:
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

    # Workers

    def subscribe(self, port, **unkindness):
        target = f"http://127.0.0.1:{port}/hooks/{CONNECTION}"
        attributes = compile_policy(self.page).attributes
        self.hubspot.webhooks.configure(
            WebhookSettings.from_json(
                {
                    "target_url": target,
                    "secret": WEBHOOK_SECRET,
                    "subscriptions": subscriptions(component(target, attributes)),
                    **unkindness,
                }
            )
        )

    def worker(self, *arguments, crash_at="", **pipes):
        """Whatever it prints goes into the log."""
        crash = {"EMTIAZ_CRASH_AT": crash_at} if crash_at else {}
        return subprocess.Popen(
            [sys.executable, str(WORKER), *arguments],
            env={**self.environment, **crash},
            stderr=self.log,
            **{"stdout": self.log, **pipes},
        )

    @contextmanager
    def workers(self, *roles, kill_every=None, seed=0):
        """Worker processes, one of which is killed and replaced every so many seconds.

        Yields what ends the killing.
        """
        nursery = self.worker("nursery", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running = [(role, born(nursery, role)) for role in roles]
        calm, over = Event(), Event()
        rng = random.Random(seed)
        killer = Thread(target=self.kill, args=(nursery, running, calm, kill_every, rng))
        sweeper = Thread(target=self.sweep_until, args=(over,))
        sweeper.start()
        if kill_every:
            killer.start()
        try:
            yield calm
        finally:
            calm.set()
            over.set()
            sweeper.join()
            if kill_every:
                killer.join()
            for _, worker in running:
                os.kill(worker, signal.SIGKILL)
            nursery.communicate()  # closes its input, which ends it

    def kill(self, nursery, running, calm, every, rng):
        while not calm.wait(rng.uniform(0.6, 1.4) * every):
            place = rng.randrange(len(running))
            role, worker = running[place]
            os.kill(worker, signal.SIGKILL)
            self.kills += 1
            running[place] = role, born(nursery, role)

    def sweep_until(self, calm):
        while not calm.wait(1):
            sweep(self.services, self.services.clock.now())

    @contextmanager
    def receiver(self):
        port = free_port()
        self.put_secret(port)
        process = self.worker("receive", str(port))
        try:
            wait_for(lambda: answers(port))
            yield port
        finally:
            end(process)

    def put_secret(self, port):
        installed = self.hubspot.oauth.install()
        app = self.hubspot.oauth.app
        grant = OAuthGrant(app.client_id, app.client_secret, installed["refresh_token"])
        url = f"http://127.0.0.1:{port}/hooks/{CONNECTION}"
        secret = Secret(url, (WEBHOOK_SECRET,), "", oauth=grant)
        boto3.client("secretsmanager").create_secret(
            Name=secret_name(STAGE, CONNECTION), SecretString=to_text(secret)
        )

    # What became of it

    def know_everybody(self):
        refs = [Ref(CONNECTION, "contact", one) for one in self.present]
        self.services.intake.send(refs_messages(CONNECTION, refs, Reason.COLLECT))
        self.settle()
        self.services.intake.send(refs_messages(CONNECTION, refs, Reason.RESCORE))
        self.settle()

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
    """Counts changes that ring, as far as the shipped policy subscribes to them."""

    def __init__(self):
        self.events = 0

    def __call__(self, _change):
        self.events += 1


def depth(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in held.values())


def born(nursery, role):
    """The process id of a new worker."""
    nursery.stdin.write(f"{role}\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())


def end(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def answers(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=1).ok
    except requests.RequestException:
        return False


def wait_for(condition, patience=60):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


@contextmanager
def storm(contacts, seed, *, calls=100_000, intake_times_out=6, write_back_times_out=8):
    """Everything but the workers: tables, queues, secret, a connected stand-in, people in it.

    ``calls`` is what the stand-in allows in a second. The queues time out after seconds, where
    production's take six times a function's; both are longer than a hanging request lasts.
    """
    with LocalCloud() as cloud, StandIn.start(rate=Rate(calls, 1.0)) as hubspot:
        hubspot.oauth_limit.reset(Rate(calls, 1.0))
        before = dict(os.environ)
        os.environ.update(cloud.environment)
        aws._session.cache_clear()
        try:
            settings = prepared(intake_times_out, write_back_times_out)
            services = aws_services(settings, connectors.load)
            services.store.item.create_table(wait=True)
            services.settings.item.create_table(wait=True)
            connect(services, hubspot)
            environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), **names_of(settings)}
            it = Storm(cloud, hubspot, settings, services, environment)
            it.populate(contacts, random.Random(seed))
            with tempfile.NamedTemporaryFile("w+", prefix="emtiaz-storm-", suffix=".log") as log:
                it.log = log
                yield it
        finally:
            os.environ.clear()
            os.environ.update(before)
            aws._session.cache_clear()


def prepared(intake_times_out, write_back_times_out):
    sqs = boto3.client("sqs")
    queues = {
        "intake": {"VisibilityTimeout": str(intake_times_out)},
        "write-back.fifo": {"VisibilityTimeout": str(write_back_times_out), "FifoQueue": "true"},
    }
    urls = {name: queue_of(sqs, name, attributes) for name, attributes in queues.items()}
    return Settings(
        stage=STAGE,
        subjects_table=f"emtiaz-{STAGE}-subjects",
        settings_table=f"emtiaz-{STAGE}-settings",
        intake_url=urls["intake"],
        write_back_url=urls["write-back.fifo"],
    )


def queue_of(sqs, name, attributes):
    stem, _, fifo = name.partition(".")
    letters = f"emtiaz-{STAGE}-{stem}-dlq" + (f".{fifo}" if fifo else "")
    own = {"FifoQueue": "true"} if fifo else {}
    dead = sqs.create_queue(QueueName=letters, Attributes=own)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    redrive = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": 20}
    made = sqs.create_queue(
        QueueName=f"emtiaz-{STAGE}-{name}",
        Attributes={**attributes, "RedrivePolicy": json.dumps(redrive)},
    )
    return made["QueueUrl"]


def names_of(settings):
    return {
        "EMTIAZ_STAGE": settings.stage,
        "EMTIAZ_SUBJECTS_TABLE": settings.subjects_table,
        "EMTIAZ_SETTINGS_TABLE": settings.settings_table,
        "EMTIAZ_INTAKE_URL": settings.intake_url,
        "EMTIAZ_WRITE_BACK_URL": settings.write_back_url,
    }


def connect(services, hubspot):
    portal = hubspot.portal.settings
    services.settings.put_connection(
        Connection(
            id=CONNECTION,
            crm="hubspot",
            account_id=str(portal.portal_id),
            base_url=hubspot.url,
            api_version="2026-03",
            currency=portal.currency,
            time_zone=portal.time_zone,
        )
    )
    page = read_page(SHIPPED)
    services.settings.publish_policy(CONNECTION, version_of(page), page, datetime.now(UTC))
    provision(services, hubspot, page)


def provision(services, hubspot, page):
    """With the stand-in's static token, as an admin would before the storm."""
    policy = compile_policy(page)
    connection = services.settings.live(CONNECTION).connection
    secret = Secret("", (), hubspot.token)
    client = connectors.load("hubspot").connect(connection, secret, (), FakeAccess(secret.token))
    client.provision(outputs(policy.publish, "contact"), policy.language)

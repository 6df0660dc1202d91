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
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import boto3
import requests

import connectors
from chalicelib.adapters import aws
from chalicelib.adapters.secrets import secret_name, to_text
from chalicelib.core.connector import Connection, Secret
from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.sweep import sweep
from chalicelib.policy import compile_policy, version_of
from chalicelib.scoring import outputs
from chalicelib.settings import Settings
from chalicelib.wiring import aws_services
from infra.cli.policy_page import SHIPPED, read_page
from infra.crm.hubspot.webhooks import component, subscriptions
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot.server import StandIn
from infra.sandbox.hubspot.webhooks import WebhookSettings
from infra.sandbox.local_cloud import LocalCloud
from infra.sandbox.loopback_server import free_port
from infra.sandbox.rehearsal import CONNECTION
from tests.e2e.scenario import Scenario, granted, wait_for
from tests.fakes.access import FakeAccess

STAGE = "storm"
WEBHOOK_SECRET = "storm-webhook-secret"
WORKER = Path(__file__).with_name("storm_worker.py")


@dataclass(kw_only=True)
class Storm(Scenario):
    settings: Settings
    environment: dict
    kills: int = 0

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
        url = f"http://127.0.0.1:{port}/hooks/{CONNECTION}"
        secret = granted(self.hubspot, url, WEBHOOK_SECRET)
        boto3.client("secretsmanager").create_secret(
            Name=secret_name(STAGE, CONNECTION), SecretString=to_text(secret)
        )

    def know_everybody(self):
        refs = [Ref(CONNECTION, "contact", one) for one in self.present]
        self.services.intake.send(refs_messages(CONNECTION, refs, Reason.COLLECT))
        self.settle()
        self.services.intake.send(refs_messages(CONNECTION, refs, Reason.RESCORE))
        self.settle()


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
            it = Storm(
                hubspot=hubspot, services=services, settings=settings, environment=environment
            )
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
        "announce": {"VisibilityTimeout": str(write_back_times_out)},
    }
    urls = {name: queue_of(sqs, name, attributes) for name, attributes in queues.items()}
    return Settings(
        stage=STAGE,
        subjects_table=f"emtiaz-{STAGE}-subjects",
        settings_table=f"emtiaz-{STAGE}-settings",
        intake_url=urls["intake"],
        write_back_url=urls["write-back.fifo"],
        announce_url=urls["announce"],
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
        "EMTIAZ_ANNOUNCE_URL": settings.announce_url,
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
    client.provision(outputs(policy, "contact"), policy.language)

"""A storm: many events at once, delivered twice and shuffled, by way of faults and deaths.

The handlers of ``app.py`` run in processes that poll the queues of a local cloud as Lambda would,
against a stand-in CRM in the process of the test. Figures taken here are against our stand-in.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import boto3
import requests

import connectors
from chalicelib.adapters import aws
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.secrets import secret_name, to_text
from chalicelib.core.connector import Connection, KeepsDetails, Subscribes
from chalicelib.pipeline.local_access import local_access
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.sweep import sweep
from chalicelib.policy import compile_policy, version_of
from chalicelib.scoring.publication import provisioned, provisioned_kinds
from chalicelib.settings import Settings
from chalicelib.wiring import aws_services
from infra.cli.policy_page import SHIPPED, read_page
from infra.sandbox.local_cloud import LocalCloud
from infra.sandbox.loopback_server import free_port
from infra.sandbox.stand_in import starter
from tests.e2e.scenario import Scenario, wait_for

STAGE = "storm"
WORKER = Path(__file__).with_name("storm_worker.py")


@dataclass(kw_only=True)
class Storm(Scenario):
    settings: Settings
    environment: dict
    kills: int = 0

    def address(self, port):
        return f"http://127.0.0.1:{port}/hooks/{self.connection}"

    def subscribe(self, port, **unkindness):
        self.stand_in.subscribe(self.address(port), compile_policy(self.page), **unkindness)

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
        """And what an admin did before the storm, with the same grant."""
        secret = self.stand_in.granted(self.address(port))
        boto3.client("secretsmanager").create_secret(
            Name=secret_name(STAGE, self.connection), SecretString=to_text(secret)
        )
        provision(self.services, self.live, secret)

    def know_everybody(self):
        refs = [self.ref(one) for one in self.present]
        for reason in (Reason.COLLECT, Reason.RESCORE):
            self.services.intake.send(refs_messages(self.connection, refs, reason))
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
def storm(crm, number, seed, *, calls=100_000, intake_times_out=6, write_back_times_out=8):
    """Everything but the workers: tables, queues, secret, a connected stand-in, people in it.

    ``calls`` is what the stand-in allows in a second. The queues time out after seconds, where
    production's take six times a function's; both are longer than a hanging request lasts.
    """
    with LocalCloud() as cloud, starter(crm)() as stand_in:
        stand_in.allow(calls)
        before = dict(os.environ)
        os.environ.update(cloud.environment)
        aws._session.cache_clear()
        try:
            settings = prepared(intake_times_out, write_back_times_out)
            services = aws_services(settings, connectors.load)
            services.store.item.create_table(wait=True)
            services.settings.item.create_table(wait=True)
            environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), **names_of(settings)}
            it = Storm(
                crm=crm,
                stand_in=stand_in,
                services=services,
                settings=settings,
                environment=environment,
            )
            connect(it)
            it.populate(number, random.Random(seed))
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


def connect(it):
    """What the CRM says of itself belongs to the connection, as ``emtiaz connect`` has it."""
    connector = connectors.load(it.crm)
    url, version = it.stand_in.url, connector.api_version
    wanted = Connection(it.connection, it.crm, "", url, version, "", "")
    secret = it.stand_in.granted("")
    access = local_access(secret, SystemClock())
    account = connector.connect(wanted, secret, (), access).account()
    it.services.settings.put_connection(
        replace(
            wanted,
            account_id=account.id,
            currency=account.currency,
            time_zone=account.time_zone,
            details=account.details,
        )
    )
    page = read_page(SHIPPED)
    it.services.settings.publish_policy(it.connection, version_of(page), page, datetime.now(UTC))


def provision(services, live, secret):
    policy = compile_policy(live.policy)
    wanted = provisioned(policy, "contact"), policy.language, provisioned_kinds(policy)
    connector, access = connectors.load(live.connection.crm), local_access(secret, SystemClock())
    client = connector.connect(live.connection, secret, policy.attributes, access)
    client.provision(*wanted)
    if isinstance(client, KeepsDetails):
        kept = replace(live.connection, details=client.details(*wanted))
        services.settings.put_connection(kept)
    if isinstance(client, Subscribes):
        client.subscribe()

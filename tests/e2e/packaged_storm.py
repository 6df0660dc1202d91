"""A storm upon the packaged artefact, whose workers the local cloud starts as Lambda would.

Nothing in the artefact is altered, so it waits as long as it does for a real CRM. What it waits
for by its own clock, such as the end of a doubt, comes sooner, since that clock can be moved;
and the queues, whose time-outs belong to the installation, bring back sooner what a dead worker
held.
"""

import os
import random
import signal
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import boto3

from chalicelib.adapters import aws
from chalicelib.adapters.clock import SandboxClock
from chalicelib.adapters.secrets import secret_name, to_text
from infra.sandbox.rehearsal import STAGE, CommandFailed, Rehearsal, rehearsal
from tests.e2e.scenario import Scenario

HASTE = 10
"""Seconds of the installation's clock to one of ours: a doubt of 110 s is over after 11."""

TIMES_OUT = {"intake": 4, "write_back": 4}
"""In seconds, longer than the stand-in works on what a dead worker has asked of it."""

CALLS = 40
"""A second, more than the storm takes, so that waiting for one's turn is no part of it."""

MORTALITY = {
    "apihandler": 2, "process": 3, "writeback": 3,
    "sweep": 1, "reconcile": 1, "rescore": 1, "train": 1,
}  # fmt: skip
"""How likely the next to die is a worker of each function, however many it has."""

CALLS_PER_DEATH = 5
"""Of the CRM, before another worker may die: on a busy machine nobody would finish anything."""

PROC = Path("/proc")
"""Whatever is read here of a process may fail, since it may have just ended."""


@dataclass(kw_only=True)
class PackagedStorm(Scenario):
    rehearsal: Rehearsal
    functions: dict = field(default_factory=dict)
    killed: Counter = field(default_factory=Counter)

    def install(self):
        """As an admin does, with an app by OAuth in the end."""
        self.rehearsal.deploy()
        self.rehearsal.connect()
        self.services = self.rehearsal.services
        self.put_secret()
        self.functions = {self.rehearsal.function_name(one): one for one in MORTALITY}
        self.rehearsal.backfill()
        sqs = boto3.client("sqs")
        for name, seconds in TIMES_OUT.items():
            url = getattr(self.services, name).url
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})

    def put_secret(self):
        granted = self.stand_in.granted(self.rehearsal.webhook_url)
        held = self.services.secrets.get(self.connection)
        secret = replace(held, token=granted.token, oauth=granted.oauth)
        boto3.client("secretsmanager").put_secret_value(
            SecretId=secret_name(STAGE, self.connection), SecretString=to_text(secret)
        )

    @contextmanager
    def flying_time(self):
        """The installation's clock runs fast, and sweep runs every second of ours."""
        over = Event()
        sweeper = Thread(target=self.sweep_until, args=(over,))
        sweeper.start()
        try:
            yield
        finally:
            over.set()
            sweeper.join()

    def sweep_until(self, over):
        clock = SandboxClock(self.services.settings)
        while not over.wait(1):
            clock.advance(timedelta(seconds=HASTE))
            with suppress(CommandFailed):  # it was killed
                self.rehearsal.invoke("sweep")

    @contextmanager
    def deaths(self, every, seed):
        """About every so many seconds a worker is killed; yields what ends that."""
        calm = Event()
        killer = Thread(target=self.kill, args=(calm, every, random.Random(seed)))
        killer.start()
        try:
            yield calm
        finally:
            calm.set()
            killer.join()

    def kill(self, calm, every, rng):
        done = self.calls()
        while not calm.wait(rng.uniform(0.6, 1.4) * every):
            workers = self.workers()
            if not workers or self.calls() - done < CALLS_PER_DEATH:
                continue
            done = self.calls()
            (function,) = rng.choices(list(workers), [MORTALITY[one] for one in workers])
            if function == "writeback":
                self.await_write()
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(rng.choice(workers[function]), signal.SIGKILL)
                self.killed[function] += 1

    def await_write(self):
        """Whoever dies now has written to the CRM and not yet kept that it has."""
        before, deadline = self.stand_in.writes(), time.monotonic() + 1
        while self.stand_in.writes() == before and time.monotonic() < deadline:
            time.sleep(0.002)

    def calls(self):
        """How often the CRM was called so far."""
        return sum(self.stand_in.requests.counts().values())

    def workers(self):
        """Ids by function, of the processes of our local cloud that are at work."""
        folder, group = f"{self.rehearsal.cloud.directory}/ministack-lambda-", self.group
        found = defaultdict(list)
        for process, command in processes():
            _, is_ours, rest = command.partition(folder)
            if is_ours and group_of(process) == group and has_called(process):
                name = rest.split("/")[0].rpartition("-")[0]
                found[self.functions[name]].append(process)
        return found

    @property
    def group(self):
        return self.rehearsal.cloud.group

    def struck_at_work(self):
        """How many died in the middle of a batch of a queue."""
        log = self.rehearsal.cloud.log.read_text(errors="replace")
        return log.count("errorMessage=Worker process died")


def processes():
    """All of this machine, as id and command line."""
    for file in PROC.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield int(file.parent.name), file.read_text(errors="replace")


def group_of(process):
    with suppress(OSError):
        return os.getpgid(process)
    return None


def has_called(process):
    """Whether it has called anything yet, after it has started.

    MiniStack takes a worker that dies before for a function that cannot start, and removes the
    code from under its other workers, which Lambda would not.
    """
    with suppress(OSError):
        files = (PROC / str(process) / "fd").iterdir()
        return any(str(file.readlink()).startswith("socket:") for file in files)
    return False


@contextmanager
def packaged_storm(crm, people, seed):
    """The artefact installed, with everybody in the CRM scored, and nothing in its way yet."""
    with rehearsal(crm) as running:
        aws._session.cache_clear()
        try:
            stand_in = running.stand_in
            stand_in.allow(CALLS)
            it = PackagedStorm(crm=crm, stand_in=stand_in, services=None, rehearsal=running)
            it.populate(people, random.Random(seed))
            it.install()
            yield it
        finally:
            aws._session.cache_clear()

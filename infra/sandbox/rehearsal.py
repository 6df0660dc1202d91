"""All of Emtiaz on this machine: the packaged artefact on the local cloud, beside a stand-in CRM.

The demo, the end-to-end tests and the benchmarks all begin here, and take the steps that an
admin takes, with the commands that an admin types.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline.services import Services
from chalicelib.policy import compile_policy
from infra.cli.installation import Installation
from infra.sandbox.local_cloud import LocalCloud
from infra.sandbox.stand_in import StandIn, names, starter

STAGE = "rehearsal"
STAGED = {"EMTIAZ_STAGE": STAGE}

SCHEDULED = {
    "version": "0",
    "id": "rehearsal",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}
"""What EventBridge sends on a schedule."""


class CommandFailed(Exception):
    """A command did not end well; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A local cloud, and a stand-in CRM that ``connection`` leads to.

    ``environment`` leads processes to both: it holds what opens the CRM.
    """

    cloud: LocalCloud
    crm: str
    stand_in: StandIn
    connection: str
    environment: Mapping[str, str]

    def beside(self, crm: str, stand_in: StandIn, connection: str) -> Rehearsal:
        """The same installation, as another connection of it sees it."""
        environment = {**self.cloud.environment, **STAGED, **stand_in.credentials()[1]}
        return Rehearsal(self.cloud, crm, stand_in, connection, environment)

    def emtiaz(self, *arguments: str) -> str:
        """Run one command of the command line; returns what it printed as its result.

        Raises CommandFailed.
        """
        done = subprocess.run(
            self.command(*arguments),
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(f"emtiaz {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def command(self, *arguments: str) -> Sequence[str]:
        return [sys.executable, "-m", "infra.cli", *arguments]

    def deploy(self) -> None:
        self.emtiaz("deploy", "--sandbox", "--yes")

    @property
    def at(self) -> tuple[str, str]:
        """Options that name the connection to a command."""
        return "--connection", self.connection

    @property
    def connecting(self) -> tuple[str, ...]:
        """The command that makes the connection."""
        return ("connect", self.crm, *self.at, *self.stand_in.credentials()[0], "--yes")

    def connect(self, *policy: str) -> None:
        """``policy`` are options that name one."""
        self.emtiaz(*self.connecting, *policy)
        self.emtiaz("provision", *self.at, *policy, "--yes")

    def backfill(self) -> None:
        self.emtiaz("backfill", *self.at)

    def subscribe(self, **unkindness: Any) -> None:
        """Let the stand-in send its webhooks; ``unkindness`` as ``StandIn.subscribe`` has it."""
        policy = compile_policy(self.live.policy)
        self.stand_in.subscribe(self.webhook_url, policy, **unkindness)

    @property
    def installation(self) -> Installation:
        return Installation.find(STAGE)

    @property
    def services(self) -> Services:
        return self.installation.services

    @property
    def live(self) -> LiveSettings:
        return self.services.settings.live(self.connection)

    @property
    def webhook_url(self) -> str:
        return self.installation.webhook_url(self.connection)

    def invoke(self, function: str) -> None:
        """Run a function of the stack now, as its schedule would. Raises CommandFailed."""
        answer = boto3.client("lambda").invoke(
            FunctionName=self.function_name(function), Payload=json.dumps(SCHEDULED).encode()
        )
        if answer.get("FunctionError"):
            raise CommandFailed(answer["Payload"].read().decode())

    def function_name(self, function: str) -> str:
        """What CloudFormation called a function of ``app.py``."""
        resources = boto3.client("cloudformation").describe_stack_resources(
            StackName=f"emtiaz-{STAGE}"
        )["StackResources"]
        names = [
            one["PhysicalResourceId"]
            for one in resources
            if one["ResourceType"] == "AWS::Lambda::Function"
            and one["LogicalResourceId"].lower() == function
        ]
        return names[0]


@contextmanager
def rehearsal(crm: str = "") -> Iterator[Rehearsal]:
    """Started, with nothing deployed yet; this process's own AWS is the local cloud inside.

    Without a name, of the first CRM that there is a stand-in of. Raises UnknownConnection.
    """
    crm = crm or names()[0]
    with LocalCloud() as cloud, starter(crm)() as stand_in:
        around = {**cloud.environment, **STAGED}
        environment = {**around, **stand_in.credentials()[1]}
        before = {name: os.environ.get(name) for name in around}
        os.environ.update(around)
        try:
            yield Rehearsal(cloud, crm, stand_in, f"{crm}-main", environment)
        finally:
            _restore(before)


def _restore(environment: Mapping[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

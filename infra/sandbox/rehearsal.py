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
from infra.crm.hubspot.webhooks import component, subscriptions
from infra.sandbox.hubspot.server import StandIn
from infra.sandbox.hubspot.webhooks import WebhookSettings
from infra.sandbox.local_cloud import LocalCloud

STAGE = "rehearsal"
CONNECTION = "hubspot-main"
WEBHOOK_SECRET = "rehearsal-webhook-secret"  # noqa: S105 - opens nothing but the stand-in

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
    """A local cloud and a stand-in HubSpot; ``environment`` leads processes to the cloud."""

    cloud: LocalCloud
    hubspot: StandIn
    environment: Mapping[str, str]

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

    def connect(self) -> None:
        self.emtiaz("connect", "hubspot", "--base-url", self.hubspot.url, "--yes")
        self.emtiaz("provision", "--yes")

    def backfill(self) -> None:
        self.emtiaz("backfill")

    def subscribe(self, **unkindness: Any) -> None:
        """Let the stand-in send its webhooks; ``unkindness`` as ``WebhookSettings`` has it."""
        self.hubspot.webhooks.configure(
            WebhookSettings.from_json(
                {
                    "target_url": self.webhook_url,
                    "secret": WEBHOOK_SECRET,
                    "subscriptions": subscriptions(self.component),
                    **unkindness,
                }
            )
        )

    @property
    def installation(self) -> Installation:
        return Installation.find(STAGE)

    @property
    def services(self) -> Services:
        return self.installation.services

    @property
    def live(self) -> LiveSettings:
        return self.services.settings.live(CONNECTION)

    @property
    def webhook_url(self) -> str:
        return self.installation.webhook_url(CONNECTION)

    @property
    def component(self) -> dict[str, Any]:
        return component(self.webhook_url, compile_policy(self.live.policy).attributes)

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
def rehearsal() -> Iterator[Rehearsal]:
    """Started, with nothing deployed yet; this process's own AWS is the local cloud inside."""
    with LocalCloud() as cloud, StandIn.start() as hubspot:
        environment = cloud.environment | {
            "EMTIAZ_STAGE": STAGE,
            "EMTIAZ_TOKEN": hubspot.token,
            "EMTIAZ_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            yield Rehearsal(cloud, hubspot, environment)
        finally:
            _restore(before)


def _restore(environment: Mapping[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

"""What a sweep asks of the tables where hardly anybody of very many is due."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import cast

import boto3

import connectors
from chalicelib.adapters import aws
from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.adapters.subject_rows import CARD, shard
from chalicelib.adapters.subject_store import DynamoSubjectStore
from chalicelib.core.connector import Connection
from chalicelib.core.model import Ref
from chalicelib.core.ports import SHARDS
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.sweep import sweep
from chalicelib.policy import version_of
from chalicelib.settings import Settings
from chalicelib.wiring import aws_services
from infra.bench.figures import Figure
from infra.bench.meter import metered
from infra.cli.policy_page import SHIPPED, read_page
from infra.sandbox.local_cloud import LocalCloud

CARDS = 100_000
DUE = 500
GOAL = SHARDS + 4
CONNECTION = "bench-people"
_STAGE = "bench"


def due_among_many() -> list[Figure]:
    """One Query per share of the index, and what tells which connection and policy there is."""
    now = datetime.now(UTC)
    with _installation() as services:
        _fill(services, now)
        with metered(services) as meter:
            woken = sweep(services, now)
        waiting = services.intake.backlog()
    if woken != DUE:
        raise ValueError(f"{woken} of {DUE} were woken")
    name = f"DynamoDB requests of a sweep over {CARDS:,} cards of which {DUE} are due"
    beside = f"{dict(meter.requests)}; {woken} woken in {waiting} messages"
    return [Figure(name, meter.requests.total(), "requests", GOAL, beside)]


def _fill(services: Services, now: datetime) -> None:
    """Cards alone, as the index sees them; every 200th is due."""
    page = read_page(SHIPPED)
    connection = Connection(CONNECTION, "bench", "1", "http://127.0.0.1:1", "1", "USD", "UTC")
    services.settings.put_connection(connection)
    services.settings.publish_policy(CONNECTION, version_of(page), page, now)
    item = cast(DynamoSubjectStore, services.store).item
    with item.batch_write() as batch:
        for number in range(CARDS):
            ref = Ref(CONNECTION, "contact", str(number))
            is_due = number % (CARDS // DUE) == 0
            card = item(str(ref), CARD, shard=shard(ref), at=now.isoformat(), version=1)
            card.due_at = now + timedelta(days=-1 if is_due else 1)
            batch.save(card)


@contextmanager
def _installation() -> Iterator[Services]:
    """Empty tables and queues of a local cloud, which is this process's own AWS meanwhile."""
    with LocalCloud() as cloud:
        before = dict(os.environ)
        os.environ.update(cloud.environment)
        aws._session.cache_clear()  # noqa: SLF001 - clients remember where their AWS was
        try:
            yield _made()
        finally:
            os.environ.clear()
            os.environ.update(before)
            aws._session.cache_clear()  # noqa: SLF001


def _made() -> Services:
    settings = Settings(
        stage=_STAGE,
        subjects_table=f"emtiaz-{_STAGE}-subjects",
        settings_table=f"emtiaz-{_STAGE}-settings",
        intake_url=_queue("intake"),
        write_back_url=_queue("write-back"),
        announce_url=_queue("announce"),
    )
    services = aws_services(settings, connectors.load)
    cast(DynamoSubjectStore, services.store).item.create_table(wait=True)
    cast(DynamoSettingsStore, services.settings).item.create_table(wait=True)
    return services


def _queue(name: str) -> str:
    made = boto3.client("sqs").create_queue(QueueName=f"emtiaz-{_STAGE}-{name}")
    return made["QueueUrl"]

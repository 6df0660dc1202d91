"""What a thousand changed contacts cost: calls to the CRM, requests and units at the tables.

The handlers of ``app.py`` run in this process, one call per batch of the queue as Lambda would
make it, against the deployed tables and queues of a local cloud and a stand-in CRM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any, cast

import boto3

from chalicelib.adapters.queue import SqsQueue
from chalicelib.core.ports import Queue
from chalicelib.pipeline.messages import Envelope, Failure
from chalicelib.pipeline.process import process
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.write_back import write_back
from infra.bench.figures import Figure
from infra.bench.meter import Meter, metered
from infra.sandbox.rehearsal import Rehearsal
from infra.sandbox.stand_in import Deal, People, Person

CHANGED = 1000
BATCH = 100
GOAL_CALLS = 1.1
COMPANIES = CHANGED // 10
GATHERING_MS = 500
"""Longer than it takes to change a hundred."""

GOAL_REQUESTS = 2.2

_HOW = ", in deliveries of 100"


@dataclass(frozen=True, slots=True)
class _Workers:
    """Each with clients of the CRM of its own, as functions in processes of their own have."""

    process: Services
    write_back: Services

    @classmethod
    def of(cls, services: Services) -> _Workers:
        return cls(services, replace(services, clients={}))

    def work_off(self) -> None:
        """Both queues, batch by batch as the event source mappings would hand them out."""
        now = self.process.clock.now
        _drain(self.process.intake, lambda batch: process(batch, self.process, now()))
        deadline = now() + timedelta(minutes=10)
        _drain(self.process.write_back, lambda batch: write_back(batch, self.write_back, deadline))


def changed_contacts(stage: Rehearsal, seed: int) -> list[Figure]:
    """A thousand contacts, one deal each, whose amounts are corrected: deliveries of 100."""
    workers, people = _Workers.of(stage.services), stage.stand_in.people
    deals = _people(people, Random(seed))  # noqa: S311 - a bench that can be repeated
    with nobody_else_works():
        stage.subscribe(gather_ms=GATHERING_MS)
        _correct_amounts(stage, deals, "1.00")
        workers.work_off()  # everybody is known and written before anything is counted
        stage.stand_in.requests.reset()
        together = _metered(stage, workers, deals, "2.00")
        calls = sum(stage.stand_in.requests.counts().values())
        alone = _metered(stage, workers, deals[:1], "3.00")
    return [_crm_calls(stage, calls), *_table_requests(together), _alone(alone)]


def _people(crm: People, random: Random) -> list[str]:
    """Their deals; ten share a company."""
    companies = [crm.load_company(f"Company {n}", n) for n in range(COMPANIES)]
    deals = []
    for number in range(CHANGED):
        email = f"bench{number}@example.com"
        person = crm.load_person(Person(email), random.choice(companies))
        closed = crm.now() - timedelta(days=random.uniform(1, 700))
        deals.append(crm.load_deal(person, Deal("0.50", "USD", "won", closed)))
    return deals


def _correct_amounts(stage: Rehearsal, deals: Sequence[str], amount: str) -> None:
    for start in range(0, len(deals), BATCH):
        for deal in deals[start : start + BATCH]:
            stage.stand_in.people.set_amount(deal, amount)
        if not stage.stand_in.flush(60):
            raise TimeoutError("the stand-in could not deliver its webhooks")


@contextmanager
def nobody_else_works() -> Iterator[None]:
    """The deployed workers rest, so that all work is done, and counted, in this process."""
    client = boto3.client("lambda")
    mappings = [one["UUID"] for one in client.list_event_source_mappings()["EventSourceMappings"]]
    for mapping in mappings:
        client.update_event_source_mapping(UUID=mapping, Enabled=False)
    try:
        yield
    finally:
        for mapping in mappings:
            client.update_event_source_mapping(UUID=mapping, Enabled=True)


def _drain(queue: Queue, work: Callable[[list[Envelope]], tuple[Failure, ...]]) -> None:
    client, url = boto3.client("sqs"), cast(SqsQueue, queue).url
    while records := received(client, url):
        if failures := work([Envelope.from_record(record) for record in records]):
            raise RuntimeError(f"{len(failures)} messages failed in a quiet run")
        for record in records:
            client.delete_message(QueueUrl=url, ReceiptHandle=record["receiptHandle"])


def received(client: Any, url: str) -> list[dict[str, Any]]:
    answer = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
    )
    return [
        {
            "messageId": one["MessageId"],
            "receiptHandle": one["ReceiptHandle"],
            "body": one["Body"],
            "attributes": one["Attributes"],
        }
        for one in answer.get("Messages", [])
    ]


def _metered(stage: Rehearsal, workers: _Workers, deals: Sequence[str], amount: str) -> Meter:
    """What it takes the tables until a change of these deals is on the records."""
    _correct_amounts(stage, deals, amount)
    with metered(workers.process) as meter:
        workers.work_off()
    return meter


def _crm_calls(stage: Rehearsal, calls: int) -> Figure:
    """Against the fewest that read and write what the shipped policy needs."""
    least = stage.stand_in.least_calls(CHANGED, CHANGED, COMPANIES)
    floor = sum(least.values())
    split = ", ".join(f"{what} {count}" for what, count in least.items())
    beside = f"{calls} calls against a floor of {floor}: {split}"
    name = f"calls of {stage.crm} per {CHANGED} changed contacts, against the floor"
    return Figure(name, calls / floor, "×", GOAL_CALLS, beside)


def _table_requests(meter: Meter) -> list[Figure]:
    split = ", ".join(f"{name} {count}" for name, count in meter.requests.most_common())
    requests = sum(meter.requests.values()) / CHANGED
    return [
        Figure(f"DynamoDB requests per changed contact{_HOW}", requests, "", GOAL_REQUESTS, split),
        Figure(
            f"DynamoDB write units per changed contact{_HOW}",
            meter.write_units / CHANGED,
            "units",
            None,
            "score saved, published and marked; as the local cloud counts them",
        ),
    ]


def _alone(meter: Meter) -> Figure:
    split = ", ".join(f"{name} {count}" for name, count in meter.requests.most_common())
    requests = sum(meter.requests.values())
    return Figure("DynamoDB requests of one change that comes alone", requests, "", None, split)

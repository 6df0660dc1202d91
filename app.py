"""The Lambda functions: routes, queue handlers, schedules. Wires; decides nothing.

Use cases are imported inside the handlers: all functions are one zip, and ``receive`` must not
pay for importing what only ``process`` needs.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from chalice.app import Chalice, CloudWatchEvent, Rate, Response, SQSEvent

import connectors
from chalicelib import logs
from chalicelib.adapters.queue import SqsQueue
from chalicelib.adapters.secrets import SecretsManagerSecrets
from chalicelib.core.connector import Request
from chalicelib.core.errors import PayloadInvalid, Rejected, Retryable
from chalicelib.pipeline.messages import Envelope, Failure
from chalicelib.pipeline.receive import receive
from chalicelib.pipeline.services import Edge
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from chalicelib.core.ports import Queue
    from chalicelib.pipeline.services import Services
    from chalicelib.pipeline.ways import Ways

ANNOUNCE_SECONDS = 100
"""How long announce begins new bells; one more may take a minute, and it may run for 240 s."""

WRITE_BACK_SECONDS = 40
"""How long write-back begins new batches; one more may take minutes, and it may run for 240 s."""

RECONCILE_SECONDS = 180
"""How long reconcile begins new pages; one more may take a minute, and it may run for 280 s."""

TRAIN_SECONDS = 180
"""How long training goes on to more connections; one may take a minute, and it has 280 s."""

app = Chalice(app_name="emtiaz")
logs.start_logging()


@cache
def settings() -> Settings:
    return Settings.from_environment(os.environ)


@cache
def edge() -> Edge:
    return Edge(
        load_connector=connectors.load,
        secrets=SecretsManagerSecrets(settings().stage),
        intake=SqsQueue(settings().intake_url),
    )


@cache
def services() -> Services:
    from chalicelib.wiring import aws_services

    return aws_services(settings(), connectors.load)


@cache
def ways() -> Ways:
    from chalicelib.wiring import aws_ways

    return aws_ways(settings())


CONTENT_TYPES = list(connectors.content_types())


@app.route("/hooks/{connection}", methods=["POST"], content_types=CONTENT_TYPES)
def hooks(connection: str) -> Response:
    return _answer(connection, channel="")


@app.route("/hooks/{connection}/{channel}", methods=["POST"], content_types=CONTENT_TYPES)
def channel_hooks(connection: str, channel: str) -> Response:
    return _answer(connection, channel)


def _answer(connection: str, channel: str) -> Response:
    delivery = uuid4().hex
    try:
        awaited = receive(delivery, connection, _request(channel), edge(), datetime.now(UTC))
    except Rejected as error:
        logs.warning("rejected", status=error.status, reason=str(error))
        return Response({"error": str(error)}, status_code=error.status)
    except Retryable as error:
        logs.warning("not queued", reason=str(error))
        return Response({"error": "try again"}, {"Retry-After": "5"}, status_code=503)
    if awaited:
        media_type, body = awaited
        return Response(body, {"Content-Type": media_type}, status_code=200)
    return Response({"delivery": delivery}, status_code=202)


@app.route("/events/{connection}", methods=["POST"], content_types=["application/json"])
def events(connection: str) -> Response:
    # Its schema and its signature are libraries that a CRM's deliveries can do without.
    from chalicelib.pipeline.receive_events import receive_events

    try:
        receipt = receive_events(uuid4().hex, connection, _request(""), edge(), datetime.now(UTC))
    except Rejected as error:
        logs.warning("rejected", status=error.status, reason=str(error))
        return _problem(error.status, str(error), refused=getattr(error, "refused", None))
    except Retryable as error:
        logs.warning("not queued", reason=str(error))
        return _problem(503, "try again", {"Retry-After": "5"})
    logs.info("events", connection=connection, accepted=receipt.accepted)
    return Response(receipt.to_json(), status_code=202)


# Any media type gets to the use case, so that its refusal is told like every other.
@app.route("/points/{connection}/{operation}", methods=["GET", "POST"], content_types=["*/*"])
def points(connection: str, operation: str) -> Response:
    from chalicelib.pipeline.points_api import PointsRequest, answer_points

    try:
        sent, query = _request(""), _query()
    except PayloadInvalid as error:
        return _problem(error.status, str(error))
    request = PointsRequest(connection, operation, sent.method, query, sent.headers, sent.body)
    answer = answer_points(request, services())
    return Response(json.dumps(answer.body), {**answer.headers}, status_code=answer.status)


@app.route("/health", methods=["GET"])
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.on_sqs_message(
    queue=os.environ.get("EMTIAZ_INTAKE_QUEUE", "emtiaz-dev-intake"),
    batch_size=10,
    maximum_batching_window_in_seconds=1,
    maximum_concurrency=5,  # more would only find the CRM's rate limit sooner
)
def process(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    from chalicelib.pipeline.process import process as process_batch

    now = services().clock.now()
    return _outcome(process_batch(_envelopes(event), services(), now), services().intake)


@app.on_sqs_message(
    queue=os.environ.get("EMTIAZ_WRITE_BACK_QUEUE", "emtiaz-dev-write-back.fifo"), batch_size=10
)
def write_back(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    from chalicelib.pipeline.write_back import write_back as write_batch

    deadline = services().clock.now() + timedelta(seconds=WRITE_BACK_SECONDS)
    return _outcome(write_batch(_envelopes(event), services(), deadline), services().write_back)


@app.on_sqs_message(
    queue=os.environ.get("EMTIAZ_ANNOUNCE_QUEUE", "emtiaz-dev-announce"),
    batch_size=5,
    maximum_concurrency=5,  # a receiver that is slow shall not take what scoring needs
)
def announce(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    from chalicelib.pipeline.announce import announce as answer_bells

    deadline = services().clock.now() + timedelta(seconds=ANNOUNCE_SECONDS)
    failures = answer_bells(_envelopes(event), services(), ways(), deadline)
    return _outcome(failures, services().announce)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(_event: CloudWatchEvent) -> None:
    from chalicelib.pipeline.sweep import sweep as wake_due_cards

    wake_due_cards(services(), services().clock.now())


@app.schedule(Rate(15, unit=Rate.MINUTES))
def reconcile(_event: CloudWatchEvent) -> None:
    from chalicelib.pipeline.reconcile import reconcile as look_for_changes

    now = services().clock.now()
    look_for_changes(services(), now, now + timedelta(seconds=RECONCILE_SECONDS))


@app.schedule(Rate(1, unit=Rate.MINUTES))
def rescore(_event: CloudWatchEvent) -> None:
    from chalicelib.pipeline.rescore import rescore as tell_of_more_cards

    tell_of_more_cards(services())


@app.schedule(Rate(15, unit=Rate.MINUTES))
def train(_event: CloudWatchEvent) -> None:
    from chalicelib.pipeline.refresh import refresh_all

    refresh_all(services(), services().clock.now() + timedelta(seconds=TRAIN_SECONDS))


def _problem(
    status: int, detail: str, headers: dict[str, str | list[str]] | None = None, **more: object
) -> Response:
    """By RFC 9457; members without a value are left out."""
    told = {name: value for name, value in more.items() if value is not None}
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **told}
    media: dict[str, str | list[str]] = {"Content-Type": "application/problem+json"}
    return Response(json.dumps(body), media | (headers or {}), status_code=status)


def _request(channel: str) -> Request:
    current = app.current_request
    assert current is not None
    headers = {name.lower(): value for name, value in current.headers.items()}
    try:
        body = current.raw_body
        raw = body if isinstance(body, bytes) else body.encode()
    except ValueError as error:  # what the gateway calls base64 is none, or its text is none
        raise PayloadInvalid("the body cannot be decoded") from error
    # Signatures cover the public address, which a function behind a gateway cannot see: the
    # connection's secret holds it, and no URL is rebuilt from headers here.
    return Request(current.method, "", headers, raw, channel, _certificate(current.context))


def _certificate(context: Mapping[str, Any]) -> str:
    """The subject that a domain with mutual TLS has checked; empty by any other address."""
    identity = context.get("identity") or {}
    return str((identity.get("clientCert") or {}).get("subjectDN") or "")


def _query() -> dict[str, list[str]]:
    assert app.current_request is not None
    given = app.current_request.query_params
    return {name: given.getlist(name) for name in given} if given else {}


def _envelopes(event: SQSEvent) -> list[Envelope]:
    return [Envelope.from_record(record) for record in event.to_dict()["Records"]]


def _outcome(failures: tuple[Failure, ...], queue: Queue) -> dict[str, list[dict[str, str]]]:
    """A partial batch response; each failed message comes back after its own back-off."""
    for failure in failures:
        try:
            queue.postpone(failure.envelope.receipt, failure.wait_seconds)
        except Retryable as error:  # it comes back anyway, after the queue's own timeout
            logs.warning("not postponed", reason=str(error))
    return {"batchItemFailures": [{"itemIdentifier": one.envelope.id} for one in failures]}

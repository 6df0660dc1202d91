"""On the packaged artefact: forgeries leave no trace, and a killed worker loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import boto3
import pytest
import requests

from chalicelib.adapters.clock import SandboxClock
from chalicelib.pipeline.receive import BODY_LIMIT
from infra.package import build
from infra.sandbox.hubspot.signature import signed_headers
from infra.sandbox.rehearsal import CONNECTION, WEBHOOK_SECRET

pytestmark = pytest.mark.e2e

MINUTE_MS = 60_000


def event(contact):
    return {
        "eventId": 1,
        "subscriptionId": 1,
        "portalId": 62515,
        "appId": 54321,
        "occurredAt": int(time.time() * 1000),
        "subscriptionType": "object.propertyChange",
        "attemptNumber": 0,
        "objectId": int(contact),
        "objectTypeId": "0-1",
        "propertyName": "jobtitle",
        "propertyValue": "مدیرعامل",
        "changeSource": "CRM_UI",
        "sourceId": "userId:77",
    }


def post(url, body, *, secret=WEBHOOK_SECRET, age_ms=0, headers=None, signed_as=None):
    moment = int(time.time() * 1000) - age_ms
    signed = signed_headers(secret, signed_as or url, body, moment)
    return requests.post(url, data=body, headers={**signed, **(headers or {})}, timeout=30)


@contextmanager
def nobody_processes(stage):
    """So that whatever is queued stays where it can be counted."""
    client = boto3.client("lambda")
    (mapping,) = (
        one
        for one in client.list_event_source_mappings()["EventSourceMappings"]
        if one["EventSourceArn"].endswith("-intake")
    )
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def deep(levels):
    return json.dumps([{"a": 0}]).replace("0", "[" * levels + "]" * levels).encode()


GOOD = json.dumps([event("501")], ensure_ascii=False).encode()

REFUSALS = {
    "forged": (401, {"body": GOOD, "secret": "somebody-elses-secret"}),
    "signed for another address": (401, {"body": GOOD, "signed_as": "https://example.com/hooks"}),
    "stale": (401, {"body": GOOD, "age_ms": 6 * MINUTE_MS}),
    "from the future": (401, {"body": GOOD, "age_ms": -6 * MINUTE_MS}),
    "timestamp is no number": (
        401, {"body": GOOD, "headers": {"X-HubSpot-Request-Timestamp": "yesterday"}},
    ),
    "unsigned": (401, {"body": GOOD, "headers": {"X-HubSpot-Signature-v3": ""}}),
    "oversized": (413, {"body": b"[" + b" " * BODY_LIMIT + b"]"}),
    "wrong type": (415, {"body": GOOD, "headers": {"Content-Type": "text/plain"}}),
    "too deep": (400, {"body": deep(40)}),
    "very deep": (400, {"body": deep(100_000)}),
    "not an array": (400, {"body": b'{"eventId": 1}'}),
    "empty": (400, {"body": b"[]"}),
    "101 events": (400, {"body": json.dumps([event("501")] * 101).encode()}),
    "not JSON": (400, {"body": b"[{"}),
    "not a number": (400, {"body": b'[{"a": NaN}]'}),
    # The gateway hands over text, so bytes that are none arrive altered and fail the signature.
    "bad UTF-8": (401, {"body": b'[{"a": "\xff\xfe"}]'}),
}  # fmt: skip


def test_every_kind_of_bad_request_gets_its_status_and_is_not_queued(stage):
    stage.settle()
    url = stage.rehearsal.webhook_url
    parked = stage.services.settings.parked(CONNECTION)
    with nobody_processes(stage):
        answers = {name: post(url, **given).status_code for name, (_, given) in REFUSALS.items()}
        assert answers == {name: status for name, (status, _) in REFUSALS.items()}
        unknown = url.replace(CONNECTION, "hubspot-none")
        assert post(unknown, GOOD).status_code == 404
        assert post(url.replace(CONNECTION, "nocrm-main"), GOOD).status_code == 404
        assert stage.services.intake.backlog() == 0
        assert stage.services.settings.parked(CONNECTION) == parked
        assert post(url, GOOD).status_code == 202
        assert stage.services.intake.backlog() == 1
    stage.settle()


def test_a_good_delivery_for_another_portal_is_acknowledged_and_dropped(stage):
    stage.settle()
    before = stage.rehearsal.hubspot.requests.to_json()["total"]
    body = json.dumps([event("501") | {"portalId": 1}]).encode()
    assert post(stage.rehearsal.webhook_url, body).status_code == 202
    stage.settle()
    assert stage.rehearsal.hubspot.requests.to_json()["total"] == before


def test_a_worker_killed_between_saving_and_ringing_loses_nothing(stage, tmp_path):
    stage.settle()
    lead = next(one for one in stage.loaded.leads if "class" not in stage.shown(one))
    with nobody_processes(stage):
        stage.win(stage.open_deal(lead, "400.00"))
        stage.wait_for(lambda: stage.services.intake.backlog() > 0)
        assert stage.rehearsal.hubspot.webhooks.flush(30)
        assert killed_worker(stage, tmp_path) == -signal.SIGKILL
        # The message would come back by itself; sweep must do without it.
        boto3.client("sqs").purge_queue(QueueUrl=stage.services.intake.url)
    assert stage.store.load(stage.ref(lead)).card.pending
    assert "class" not in stage.shown(lead)
    clock = SandboxClock(stage.services.settings)
    clock.advance(timedelta(minutes=3))
    try:
        stage.rehearsal.invoke("sweep")
        stage.wait_for(lambda: "class" in stage.shown(lead))
    finally:
        clock.advance(-timedelta(minutes=3))


def killed_worker(stage, folder):
    with ZipFile(build().code) as archive:
        archive.extractall(folder)
    configuration = boto3.client("lambda").get_function_configuration(
        FunctionName=stage.rehearsal.function_name("process")
    )
    done = subprocess.run(
        [sys.executable, "-S", str(Path(__file__).with_name("worker.py"))],
        env={
            **os.environ,
            **configuration["Environment"]["Variables"],
            "PYTHONPATH": str(folder),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.returncode

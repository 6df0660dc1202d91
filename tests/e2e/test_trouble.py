"""On the packaged artefact: forgeries leave no trace, and a killed worker loses nothing."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import boto3
import pytest

from chalicelib.adapters.clock import SandboxClock
from infra.package import build
from infra.sandbox.stand_in import Deal

pytestmark = pytest.mark.e2e


@pytest.fixture
def sender(stage):
    """What the CRM's sender and those who play it may send, see ``tests.e2e.forgeries``."""
    return import_module(f"tests.e2e.forgeries.{stage.rehearsal.crm}")


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


def test_every_kind_of_bad_request_gets_its_status_and_is_not_queued(stage, sender):
    stage.settle()
    url = stage.rehearsal.webhook_url
    parked = stage.services.settings.parked(stage.connection)
    refused = sender.refused(stage.stand_in, url)
    good = sender.good(stage.stand_in, url)
    with nobody_processes(stage):
        answers = {name: parcel.post() for name, (_, parcel) in refused.items()}
        assert answers == {name: status for name, (status, _) in refused.items()}
        for nobody in (f"{stage.rehearsal.crm}-none", "nocrm-main"):
            assert replace(good, url=good.url.replace(stage.connection, nobody)).post() == 404
        assert stage.services.intake.backlog() == 0
        assert stage.services.settings.parked(stage.connection) == parked
        assert good.post() == sender.TAKEN
        assert stage.services.intake.backlog() == 1
    stage.settle()


def test_a_good_delivery_for_another_account_is_acknowledged_and_dropped(stage, sender):
    stage.settle()
    before = sum(stage.stand_in.requests.counts().values())
    assert sender.foreign(stage.stand_in, stage.rehearsal.webhook_url).post() == sender.TAKEN
    stage.settle()
    assert sum(stage.stand_in.requests.counts().values()) == before


def test_a_worker_killed_between_saving_and_ringing_loses_nothing(stage, tmp_path):
    stage.settle()
    lead = stage.somebody_without_a_class()
    with nobody_processes(stage):
        stage.people.win(stage.people.add_deal(lead, Deal("400.00", "USD")))
        stage.wait_for(lambda: stage.services.intake.backlog() > 0)
        assert stage.stand_in.flush(30)
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

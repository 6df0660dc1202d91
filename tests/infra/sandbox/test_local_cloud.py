import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

import botocore.session
import pytest
import requests

from infra.sandbox.cloud_program import SharedArchive
from infra.sandbox.local_cloud import LocalCloud
from infra.sandbox.loopback_server import HOST, DidNotStart

pytestmark = pytest.mark.local_cloud


def queues(cloud, monkeypatch):
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    return botocore.session.get_session().create_client("sqs")


def test_it_serves_the_sdk_until_it_is_reset_and_leaves_nothing_behind(monkeypatch):
    with LocalCloud() as cloud:
        sqs = queues(cloud, monkeypatch)
        sqs.create_queue(QueueName="one")
        assert len(sqs.list_queues()["QueueUrls"]) == 1
        cloud.reset()
        assert sqs.list_queues().get("QueueUrls", []) == []
    assert not cloud.directory.exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(cloud.endpoint, timeout=1)


def test_its_environment_hides_a_developers_own_profile(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    with LocalCloud() as cloud:
        assert queues(cloud, monkeypatch).list_queues().get("QueueUrls", []) == []


def test_a_kept_directory_survives_with_its_log(tmp_path):
    with LocalCloud(directory=tmp_path) as cloud:
        pass
    assert "Ready" in cloud.log.read_text()


def test_a_taken_port_is_reported_with_the_log():
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        with pytest.raises(DidNotStart, match="already in use"):
            LocalCloud(port=other.getsockname()[1]).start()


def test_stopping_twice_is_harmless():
    cloud = LocalCloud().start()
    cloud.stop()
    cloud.stop()


def test_it_does_not_outlive_a_program_that_is_killed(tmp_path):
    program = (
        "import sys; from infra.sandbox.local_cloud import LocalCloud;"
        "print(LocalCloud().start().endpoint, flush=True); sys.stdin.read()"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    endpoint = running.stdout.readline().strip()
    assert requests.get(f"{endpoint}/_ministack/health", timeout=1).ok
    running.kill()
    running.communicate()
    assert ends(lambda: requests.get(f"{endpoint}/_ministack/health", timeout=1))


def ends(ask):
    for _ in range(100):
        try:
            ask()
        except requests.RequestException:
            return True
        time.sleep(0.05)
    return False


def test_it_listens_on_its_one_address_only():
    with LocalCloud() as cloud, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", cloud.port), timeout=1)


def archive_at(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.py", text)
    return path


def unpacked(archive, target):
    target.mkdir()
    with SharedArchive(archive) as found:
        found.extractall(target)
    return target


def test_workers_share_the_folder_of_the_same_code_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = archive_at(tmp_path / "first.zip", app="A = 1")
    second = archive_at(tmp_path / "second.zip", app="A = 2")
    one, same, other = (
        unpacked(archive, tmp_path / name)
        for name, archive in (("one", first), ("same", first), ("other", second))
    )
    assert one.resolve() == same.resolve() != other.resolve()
    assert [(place / "app.py").read_text() for place in (one, same, other)] == [
        "A = 1",
        "A = 1",
        "A = 2",
    ]

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from infra.sandbox.hubspot import remote


def test_the_program_serves_on_the_port_it_writes_down_until_it_is_stopped(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    arguments = ["--port-file", str(port_file), "--cdnow", "tests/data/cdnow/purchases.txt"]
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.sandbox.hubspot", "--token", "t", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        url = process.stdout.readline().strip() if process.stdout else ""
        while not port_file.exists():
            time.sleep(0.01)
        answer = requests.get(
            f"{url}/crm/objects/2026-03/contacts?limit=100",
            headers={"Authorization": "Bearer t"},
            timeout=5,
        )
        process.send_signal(signal.SIGTERM)

    assert process.returncode == 0
    assert url == f"http://127.0.0.1:{port_file.read_text()}"
    assert len(answer.json()["results"]) == 100


def test_the_program_takes_limits_and_records(tmp_path: Path) -> None:
    records = tmp_path / "records.json"
    records.write_text(json.dumps({"contacts": [{"id": "7", "properties": {"city": "Lyon"}}]}))
    limits = ["--calls", "1", "--oauth-calls", "2", "--searches", "3"]

    with remote.running(*limits, "--load", str(records)) as far:
        rates = [far.usage(one).rate.calls for one in ("static", "oauth", "search")]
        assert far.property_history("contacts", "7", "city")[0].value == "Lyon"

    assert rates == [1, 2, 3]

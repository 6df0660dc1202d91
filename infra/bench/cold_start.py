"""What the receiving function pays before its first answer, against the least it could pay."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from zipfile import ZipFile

from infra.bench.figures import Figure
from infra.package import Package

RUNS = 15
GOAL = 1.3

_RECEIVE = "import app; app.edge().intake.client"
_FIRST_ANSWER = "import app; app.edge().intake.client; app.edge().secrets.client"
_FLOOR = """
import chalice.app, botocore.session
botocore.session.get_session().create_client("sqs")
"""
_TIMED = """
import time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""


def receive_import(package: Package) -> list[Figure]:
    """Both from the unpacked zip, in fresh processes that see nothing else, by turns."""
    with tempfile.TemporaryDirectory() as folder:
        with ZipFile(package.code) as archive:
            archive.extractall(folder)
        statements = (_RECEIVE, _FLOOR, _FIRST_ANSWER)
        runs = [[_seconds(one, folder) for one in statements] for _ in range(RUNS)]
    ours, floor, first = (median(side) * 1000 for side in zip(*runs, strict=True))
    beside = f"{ours:.0f} ms against {floor:.0f} ms, medians of {RUNS} fresh processes, by turns"
    name = "receive: import with its SQS client, against chalice + one botocore SQS client"
    also = "receive: the same with the secrets client that a first answer needs as well"
    return [
        Figure(name, ours / floor, "×", GOAL, beside),
        Figure(also, first / floor, "×", None, f"{first:.0f} ms against the same floor"),
    ]


def _seconds(statement: str, folder: str) -> float:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": folder,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "EMTIAZ_STAGE": "bench",
        "EMTIAZ_SUBJECTS_TABLE": "subjects",
        "EMTIAZ_SETTINGS_TABLE": "settings",
        "EMTIAZ_INTAKE_URL": "http://127.0.0.1:1/000000000000/intake",
        "EMTIAZ_WRITE_BACK_URL": "http://127.0.0.1:1/000000000000/write-back.fifo",
        "EMTIAZ_ANNOUNCE_URL": "http://127.0.0.1:1/000000000000/announce",
    }
    # -S keeps the machine's own packages out: only what is in the zip counts.
    done = subprocess.run(
        [sys.executable, "-S", "-c", _TIMED.format(statement=statement)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def zip_size(package: Package) -> list[Figure]:
    size = package.code.stat().st_size / 1e6
    with ZipFile(package.code) as archive:
        code = sum(one.filename.endswith(".pyc") for one in archive.infolist())
        shares = _shares(archive)
    largest = ", ".join(f"{name} {share:.2f}" for name, share in shares[:4])
    return [Figure("deployment zip", size, "MB", 8, f"{code} byte-code files; MB: {largest}")]


def _shares(archive: ZipFile) -> list[tuple[str, float]]:
    """Compressed megabytes by top-level name, largest first."""
    sizes: dict[str, float] = {}
    for one in archive.infolist():
        top = Path(one.filename).parts[0]
        sizes[top] = sizes.get(top, 0) + one.compress_size / 1e6
    return sorted(sizes.items(), key=lambda item: -item[1])

"""Several processes that share a rate limit through the table, against a server that enforces it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import StandIn

CALLER = Path(__file__).parent / "caller.py"
ROOT = Path(__file__).parents[2]
PROCESSES = 4
RATE = Rate(60, 3.0)

pytestmark = pytest.mark.local_cloud


def callers(stand_in, endpoint, seconds):
    """What each of the processes says in the end."""
    arguments = (stand_in.url, stand_in.token, endpoint, str(seconds))
    running = [
        subprocess.Popen(
            [sys.executable, CALLER, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    return [json.loads(output) for output in outputs]


def test_processes_use_nine_tenths_of_a_limit_and_hardly_ever_more_than_it(ministack):
    ministack.emptied()
    with StandIn.start(rate=RATE) as hubspot:
        told = callers(hubspot, ministack.endpoint, seconds=18)
        usage = hubspot.rate_limit.usage()
    # Those in the middle: at first a limit has yet to be learned, at last the work is over.
    full = usage.windows[1:5]
    assert sum(window.passed for window in full) >= 0.9 * RATE.calls * len(full)
    assert usage.refused < 0.01 * usage.passed
    assert sum(one["calls"] for one in told) == usage.passed
    assert sum(one["requests"] for one in told) < usage.passed

"""From a change in the CRM to the score on its record, with nothing else going on."""

from __future__ import annotations

import time
from random import Random
from statistics import median

from infra.bench.figures import Figure
from infra.sandbox.cdnow import Loaded
from infra.sandbox.live_view import Salespeople
from infra.sandbox.rehearsal import Rehearsal

CHANGES = 30
GOAL_SECONDS = 2.5
REST_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 20.0


def change_to_visible(stage: Rehearsal, loaded: Loaded, seed: int) -> list[Figure]:
    """Single changes one after the other, through the deployed functions."""
    stage.subscribe()
    people = Salespeople(stage.stand_in.people, loaded, Random(seed))  # noqa: S311 - repeatable
    delays: list[float] = []
    for _ in range(CHANGES):
        outcome = people.win_a_deal(LONGEST_WAIT_SECONDS)
        if outcome.delay is None:
            raise TimeoutError(f"nothing became visible after: {outcome.what}")
        delays.append(outcome.delay.total_seconds())
        time.sleep(REST_SECONDS)
    beside = (
        f"{CHANGES} won deals, one by one; longest {max(delays):.2f} s; against our stand-in; "
        "AWS adds up to 1 s of gathering, which the local cloud does not do"
    )
    name = f"change to visible in {stage.crm} on the local cloud, idle, median"
    return [Figure(name, median(delays), "s", GOAL_SECONDS, beside)]

"""What it takes to make a policy's page into functions, which every cold start of process does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from statistics import median
from time import process_time
from typing import Any

from chalicelib.core.facts import canonical
from chalicelib.policy import compile_policy
from chalicelib.policy.conditions import compile_condition
from infra.bench import card_population as made
from infra.bench.cards import rival_rule
from infra.bench.figures import Figure

ROUNDS = 25


def compilation(page: Mapping[str, Any]) -> list[Figure]:
    """Of the page from its canonical JSON; and of rules that rule-engine can say too."""
    stored = canonical(page)
    rules = sum(len(group.get("rules", ())) for group in page["lead"]["groups"])
    whole = _milliseconds(lambda: compile_policy(json.loads(stored)))
    beside = f"{rules} lead rules, {len(stored) / 1024:.0f} KB of JSON, median of {ROUNDS} rounds"
    return [Figure("compiling the starter policy", whole, "ms", None, beside), _against_rival()]


def _against_rival() -> Figure:
    nodes = [rule["when"] for rule in made.page()["lead"]["groups"][0]["rules"]]
    mine = _milliseconds(lambda: [compile_condition(node) for node in nodes])
    rival = _milliseconds(lambda: [rival_rule(node) for node in nodes])
    beside = f"{mine:.2f} ms against {rival:.2f} ms for {len(nodes)} rules"
    return Figure("compiling the same rules against rule-engine", mine / rival, "×", 1, beside)


def _milliseconds(work: Callable[[], object]) -> float:
    work()
    return median(_timed(work) for _ in range(ROUNDS)) * 1e3


def _timed(work: Callable[[], object]) -> float:
    """As after a cold start, before any pattern has been compiled."""
    re.purge()
    start = process_time()
    work()
    return process_time() - start

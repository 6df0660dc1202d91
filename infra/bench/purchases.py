"""What models of purchases cost: a fit of a million customers beside the package ``lifetimes``, the
fit of CDNOW, and the scores of 100,000 customers.

The million is made up, with a seed: BG/NBD customers with the estimates of the paper, known for
between 13 and 104 weeks, by whole days. Both sides fit the same rows, each in a process of its own,
and that they find the same is checked in the same run.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import tempfile
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from chalicelib.prediction.purchases import History, PurchaseModel
from chalicelib.training.purchases import fit
from infra.bench.figures import Figure
from infra.bench.population import customers, scored
from infra.package import PROJECT

CUSTOMERS = 1_000_000
SCORED = 100_000
RUNS = 5
WEEKS = 13

_RIVAL = PROJECT / ".cache" / "oracle" / "bin" / "python"
_READY = PROJECT / ".cache" / "oracle" / ".ready"
_CDNOW = PROJECT / "tests" / "data" / "cdnow" / "histories.csv"
_SHORTEST, _LONGEST = 91, 728
_R, _ALPHA, _A, _B = 0.243, 4.414 * 7, 0.793, 2.426
_ALIKE = 1e-3


def purchases(seed: int) -> list[Figure]:
    return [*million(seed), cdnow(), *scores(seed)]


def million(seed: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.bin"
        path.write_bytes(_columns(seed).tobytes())
        ours = _run([sys.executable, "-m", "infra.bench.purchase_fit", str(path)])
        rival = PROJECT / "infra" / "bench" / "lifetimes_fit.py"
        theirs = _run([str(_RIVAL), str(rival), str(path)]) if _READY.exists() else None
    whole = ours["grouping"] + ours["fit"]
    told = f"{whole:.1f} s, of which {ours['grouping']:.1f} s to group {ours['cells']:,} rows"
    peak = Figure("peak memory of that fit", ours["peak_mb"] / 1024, "GB", 1.0, told)
    if theirs is None:
        return [Figure("BG/NBD fit, one million customers", whole, "s", None, told), peak]
    same = "the same" if _alike(ours, theirs) else "OTHER PARAMETERS"
    raw, grouped = theirs["raw"], theirs["grouped"]
    name = "BG/NBD fit, one million customers, against lifetimes on"
    beside = f"lifetimes: {raw:.1f} s; ours: {told}; {same}"
    near = f"lifetimes: {grouped:.1f} s, ours: {ours['fit']:.1f} s, both without grouping"
    return [
        Figure(f"{name} raw rows", whole / raw, "×", 1.0, beside),
        Figure(f"{name} grouped rows", ours["fit"] / grouped, "×", 2.5, near),
        peak,
    ]


def cdnow() -> Figure:
    cells: Counter[History] = Counter()
    with _CDNOW.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            history = History(int(row["frequency"]), float(row["recency"]), float(row["age"]))
            cells[history] += int(row["customers"])
    seconds = min(_seconds(cells) for _ in range(RUNS))
    return Figure("MBG/NBD fit of CDNOW's 2,357 customers", seconds, "s", 0.05, f"best of {RUNS}")


def scores(seed: int) -> list[Figure]:
    """P(alive) and expected purchases of each, and with recency, frequency and monetary scores."""
    model = PurchaseModel("mbg_nbd", 0.525, 6.183, 0.891, 1.614)
    columns = _columns(seed, SCORED)
    told = zip(columns[:SCORED], columns[SCORED : 2 * SCORED], columns[2 * SCORED :], strict=True)
    histories = [History(x, recency / 7, age / 7) for x, recency, age in told]
    begun = perf_counter()
    for one in histories:
        model.alive(one)
        model.expected(one, WEEKS)
    foretold = perf_counter() - begun
    rows = customers(seed)
    begun = perf_counter()
    scored(rows)
    whole = foretold + perf_counter() - begun
    name = "P(alive) and expected purchases of 100,000 customers"
    return [Figure(name, foretold, "s", 2.0), Figure(f"{name}, and RFM", whole, "s", 2.5)]


def _columns(seed: int, size: int = CUSTOMERS) -> array[int]:
    """Repeat purchases of all, then days to the last one, then days to now."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    rows = [_customer(chance) for _ in range(size)]
    return array("i", [row[place] for place in range(3) for row in rows])


def _customer(chance: random.Random) -> tuple[int, int, int]:
    age = chance.randint(_SHORTEST, _LONGEST)
    rate, drop = chance.gammavariate(_R, 1 / _ALPHA), chance.betavariate(_A, _B)
    x = last = 0
    time, alive = 0.0, rate > 0
    while alive and (time := time + chance.expovariate(rate)) <= age:
        if int(time) > last:
            x, last = x + 1, int(time)
        alive = chance.random() >= drop
    return x, last, age


def _seconds(cells: Mapping[History, int]) -> float:
    begun = perf_counter()
    fit(cells, "mbg_nbd")
    return perf_counter() - begun


def _run(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _alike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    pairs = zip(ours["parameters"], theirs["parameters"], strict=True)
    return all(abs(one - other) <= _ALIKE * other for one, other in pairs)

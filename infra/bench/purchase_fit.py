"""``python -m infra.bench.purchase_fit FILE``: what a fit of a million customers takes, as JSON.

A process of its own, so that its peak memory is that of the fit. FILE holds three columns of 32-bit
integers: repeat purchases, days to the last one, days to now.
"""

from __future__ import annotations

import json
import resource
import sys
from array import array
from collections import Counter
from pathlib import Path
from time import perf_counter

from chalicelib.prediction.purchases import History
from chalicelib.training.purchases import fit

_DAYS_A_WEEK = 7


def main(path: Path) -> None:
    columns = array("i", path.read_bytes())
    size = len(columns) // 3
    x, recency, age = columns[:size], columns[size : 2 * size], columns[2 * size :]
    begun = perf_counter()
    counted = Counter(zip(x, recency, age, strict=True))
    cells = {
        History(n, days / _DAYS_A_WEEK, known / _DAYS_A_WEEK): customers
        for (n, days, known), customers in counted.items()
    }
    grouped = perf_counter()
    model = fit(cells, "bg_nbd").model
    done = perf_counter()
    told = {
        "grouping": grouped - begun,
        "fit": done - grouped,
        "cells": len(cells),
        "parameters": [model.r, model.alpha, model.a, model.b],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

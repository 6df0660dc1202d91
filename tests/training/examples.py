"""Cases whose outcomes hang on known things."""

import math
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2026, 1, 1, tzinfo=UTC)
WORTH = {"expo": 1.2, "web": 0.0, "cold": -0.9}


def cases(count, seed=1, base=-0.5, informative=True):
    """Rows, outcomes and times; without information the outcomes are drawn by lot."""
    chance = Random(seed)
    rows, outcomes = [], []
    for _ in range(count):
        row = {
            "source": chance.choice(list(WORTH)),
            "visits": chance.randrange(12),
            "size": chance.choice([10.0, 50.0, 200.0, None]),
            "demo": chance.random() < 0.3,
        }
        odds = base + WORTH[row["source"]] + 0.25 * (row["visits"] - 5) + 0.8 * row["demo"]
        rows.append(row)
        share = 1 / (1 + math.exp(-(odds if informative else base)))
        outcomes.append(chance.random() < share)
    return rows, outcomes, [START + timedelta(hours=n) for n in range(count)]

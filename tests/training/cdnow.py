"""The customers of CDNOW as the papers have them, and the sample of their purchases."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.prediction.purchases import History

DATA = Path(__file__).parents[1] / "data" / "cdnow"


def customers():
    """(history, mean of the repeat purchases) of each of the 2,357."""
    with (DATA / "histories.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            history = History(int(row["frequency"]), float(row["recency"]), float(row["age"]))
            yield from [(history, float(row["mean"]))] * int(row["customers"])


def cells():
    return Counter(history for history, _ in customers())


def spends():
    return [(history.frequency, mean) for history, mean in customers()]


def days():
    """The days on which each of the 295 customers of the sample bought."""
    found = defaultdict(list)
    for line in (DATA / "purchases.txt").read_text("utf-8").splitlines():
        customer, _, day, _, _ = line.split()
        found[customer].append(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date())
    return found

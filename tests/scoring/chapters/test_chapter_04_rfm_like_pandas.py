"""Chapter 4: recency, frequency and monetary scores are those of pandas, ties included.

The samples under ``tests/data`` are always looked at. The whole data sets are too, where the
environment variable ``EMTIAZ_PUBLIC_DATA`` (or ``../shared/data``) leads to them.
"""

import csv
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import score_card
from chalicelib.scoring.models.rfm import Cuts
from chalicelib.training.cuts import rfm_cuts, rfm_cuts_by_id
from tests.scoring.examples import SUBJECT, fact_set, starter, won

PUBLIC = Path(os.environ.get("EMTIAZ_PUBLIC_DATA", "../shared/data"))


def cdnow_master(path):
    for line in path.read_text("utf-8").splitlines()[1:]:
        customer, day, _, dollars = line.split()
        yield customer, datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC), dollars


def cdnow_sample(path):
    for line in path.read_text("utf-8").splitlines():
        _, customer, day, _, dollars = line.split()
        yield customer, datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC), dollars


def orders(path):
    with path.open(encoding="utf-8", newline="") as lines:
        for customer, day, revenue in list(csv.reader(lines))[1:]:
            yield customer, datetime.fromisoformat(day).replace(tzinfo=UTC), revenue


HALF_1998, END_2006 = datetime(1998, 7, 1, tzinfo=UTC), datetime(2006, 12, 31, tzinfo=UTC)
SETS = {
    "a sample of CDNOW": (Path("tests/data/cdnow/purchases.txt"), cdnow_sample, HALF_1998),
    "a sample of rfm orders": (Path("tests/data/rfm_orders/orders.csv"), orders, END_2006),
    "all of CDNOW": (PUBLIC / "cdnow/CDNOW_master.txt", cdnow_master, HALF_1998),
    "the tenth of CDNOW": (PUBLIC / "cdnow/CDNOW_sample.txt", cdnow_sample, HALF_1998),
    "all rfm orders": (PUBLIC / "rfm_orders/rfm_data_orders.csv", orders, END_2006),
}
sets = pytest.mark.parametrize("name", SETS)


def purchases_of(name):
    """Customer, instant and cents, without the purchases of nothing."""
    path, read, at = SETS[name]
    if not path.exists():
        pytest.skip(f"{path} is not here; set EMTIAZ_PUBLIC_DATA to look at it")
    rows = [(who, when, int(Decimal(sum_) * 100)) for who, when, sum_ in read(path)]
    return [row for row in rows if row[2] > 0], at


def population_of(bought, at):
    customers = {}
    for who, when, cents in bought:
        recency, frequency, monetary = customers.get(who, (10**9, 0, 0))
        days = (at - when).days
        customers[who] = (min(recency, days), frequency + 1, monetary + cents)
    return customers


def frame_of(bought, at):
    frame = pd.DataFrame(bought, columns=["customer", "at", "cents"])
    grouped = frame.groupby("customer")
    return pd.DataFrame(
        {
            "r": (at - grouped["at"].max()).dt.days,
            "f": grouped.size(),
            "m": grouped["cents"].sum(),
        }
    ).sort_index()


def scored(frame):
    """Five groups by pandas' own quantiles; equal values fall into one."""
    found = {}
    for name in "rfm":
        below = sum(
            (frame[name] > cut).astype(int)
            for cut in frame[name].quantile([0.2, 0.4, 0.6, 0.8], interpolation="linear")
        )
        found[name] = 5 - below if name == "r" else below + 1
    return {who: tuple(row) for who, row in pd.DataFrame(found).T.to_dict("list").items()}


@sets
def test_4_2_scores_are_those_of_pandas_quantiles(name):
    bought, at = purchases_of(name)
    population = population_of(bought, at)
    cuts = Cuts.fitted(rfm_cuts(population.values()))
    rows = list(population.values())
    assert cuts.scores_of_all(rows) == [cuts.scores(*row) for row in rows]
    assert {who: cuts.scores(*row) for who, row in population.items()} == scored(
        frame_of(bought, at)
    )


@sets
def test_4_2_with_ties_by_id_scores_are_those_of_pandas_ranks(name):
    bought, at = purchases_of(name)
    population = population_of(bought, at)
    cuts = Cuts.fitted(rfm_cuts_by_id(population), ties_by_id=True)
    found = {who: cuts.scores(*row, who) for who, row in population.items()}
    assert found == scored(frame_of(bought, at).rank(method="first"))


@pytest.mark.parametrize("name", ["a sample of CDNOW", "a sample of rfm orders"])
def test_4_2_the_cards_of_all_customers_say_the_same(name):
    bought, at = purchases_of(name)
    models = FittedModels("cuts", {"rfm": rfm_cuts(population_of(bought, at).values())})
    policy, expected = compile_policy(starter()), scored(frame_of(bought, at))
    by_customer = {}
    for number, (who, when, cents) in enumerate(bought):
        by_customer.setdefault(who, []).append(won(str(number), when, cents))
    cards = {
        who: score_card(SUBJECT, fact_set(rows), policy, models, at)
        for who, rows in by_customer.items()
    }
    assert {who: card.rfm.scores for who, card in cards.items()} == expected

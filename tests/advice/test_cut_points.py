"""RFM cut points of a history, on made and on real customers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from chalicelib.advice.cases import History, Study
from chalicelib.advice.changes import changed
from chalicelib.advice.cut_points import cut_point_remarks
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring.hindsight import Then
from tests.advice.histories import fact, page

END = datetime(1998, 6, 30, tzinfo=UTC)
HORIZON = timedelta(days=180)


def looked(facts, policy, at):
    study = Study(policy, NOTHING_FITTED, Then(at, HORIZON))
    return History.of(study, [study.case(ref, one) for ref, one in facts.items()])


def remarks(facts, policy=None):
    policy = policy or page()
    return cut_point_remarks(looked(facts, policy, END - HORIZON), looked(facts, policy, END))


def cdnow(least=1):
    customers = {}
    for number, line in enumerate(Path("tests/data/cdnow/purchases.txt").read_text().splitlines()):
        _, customer, day, _, dollars = line.split()
        ref = Ref("toy-main", "contact", customer)
        at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        amount = {"amount": round(float(dollars) * 100), "currency": "USD"}
        if amount["amount"] >= least:
            row = fact(ref, "purchase", str(number), at, amount=amount)
            customers.setdefault(ref, []).append(row)
    return {ref: FactSet.of(rows) for ref, rows in customers.items()}


def test_the_cuts_of_a_real_shop_part_its_customers_as_numpy_does():
    facts = cdnow()
    (found,) = remarks(facts)
    cases = looked(facts, page(), END).cases
    days = [(END - case.profile.purchases[-1].occurred_at).days for case in cases]
    sums = [sum(one.amount.amount for one in case.profile.purchases) for case in cases]
    proposed = found.evidence["proposed"]
    assert proposed["r"] == [int(cut) for cut in np.quantile(days, [0.2, 0.4, 0.6, 0.8])]
    assert proposed["f"] == [1, 1, 2, 4]
    assert proposed["m"] == [int(cut) / 100 for cut in np.quantile(sums, [0.2, 0.4, 0.6, 0.8])]
    for cut, whole in zip(np.quantile(days, [0.2, 0.4, 0.6, 0.8]), proposed["r"], strict=True):
        assert [day > cut for day in days] == [day > whole for day in days]


def test_the_reason_is_who_bought_again():
    (found,) = remarks(cdnow())
    best, *_, worst = found.evidence["bought_again"]["r"]
    assert best["score"], worst["score"] == (5, 1)
    assert best["bought"] / best["people"] > 2 * worst["bought"] / worst["people"]
    assert "R 5 bought again" in found.says
    assert "295 customers" in found.says


def test_the_proposed_page_is_a_policy_that_scores_by_them():
    (found,) = remarks(cdnow())
    new = changed(page(), found.changes)
    validate(new)
    model = compile_policy(new).customer.components[0].model
    assert list(model.thresholds.r) == found.evidence["proposed"]["r"]


def test_cuts_that_stand_there_already_are_kept():
    (found,) = remarks(cdnow())
    (again,) = remarks(cdnow(), changed(page(), found.changes))
    assert again.changes == ()
    assert again.says.startswith("keep")


def test_only_the_quantities_that_differ_are_changed():
    policy = page()
    policy["customer"]["components"][0]["thresholds"] = {"r": [1, 2, 3, 4], "f": [1, 1, 2, 4]}
    (found,) = remarks(cdnow(), policy)
    assert [(change.pointer[-1], change.op) for change in found.changes] == [
        ("r", "replace"),
        ("m", "add"),
    ]


@pytest.mark.parametrize("count", [0, 14, 49])
def test_fewer_than_fifty_customers_are_too_few(count):
    facts = dict(list(cdnow().items())[:count])
    (found,) = remarks(facts)
    assert found.changes == ()
    assert f"{count} customers, 50 needed" in found.says


def test_a_quantity_in_which_all_are_alike_is_left_out():
    facts = {}
    for number in range(80):
        ref = Ref("toy-main", "contact", str(number))
        amount = {"amount": 100, "currency": "USD"}
        at = END - timedelta(days=number)
        facts[ref] = FactSet.of([fact(ref, "purchase", "p", at, amount=amount)])
    (found,) = remarks(facts)
    assert set(found.evidence["proposed"]) == {"r"}
    assert found.evidence["alike"] == ["f", "m"]


def test_behaviour_goes_by_days_and_purchases_alone():
    policy = page()
    policy["customer"]["components"] = [
        {
            "id": "behaviour",
            "model": "behaviour",
            "purchases": 50,
            "rules": policy["lead"]["groups"][1]["rules"],
        }
    ]
    (found,) = remarks(cdnow(), policy)
    assert set(found.evidence["proposed"]) == {"r", "f"}
    validate(changed(policy, found.changes))

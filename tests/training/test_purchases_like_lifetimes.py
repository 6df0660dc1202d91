"""Parameters and every customer's numbers are those of the package ``lifetimes``, on CDNOW."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from chalicelib.prediction.lifetime_value import lifetime_value
from chalicelib.prediction.purchases import PurchaseModel
from chalicelib.prediction.spend import SpendModel
from chalicelib.training.purchases import fit
from chalicelib.training.spend import fit_spend
from tests.training import cdnow

PROJECT = Path(__file__).parents[2]
PYTHON = PROJECT / ".cache" / "oracle" / "bin" / "python"
READY = PROJECT / ".cache" / "oracle" / ".ready"
T = 39.0
GIVEN = {
    "bg_nbd": {"purchases": [0.243, 4.414, 0.793, 2.426], "spend": [6.25, 3.74, 15.44]},
    "mbg_nbd": {"purchases": [0.525, 6.183, 0.891, 1.614], "spend": [2.0, 1.5, 30.0]},
}
PER_CUSTOMER = ("alive", "purchases", "spend", "value")


@pytest.fixture(scope="module")
def customers():
    return list(cdnow.customers())


@pytest.fixture(scope="module")
def theirs(customers):
    if not READY.exists():
        if os.environ.get("REQUIRE_ORACLE") == "1":
            pytest.fail("the package lifetimes is required: make .cache/oracle/.ready")
        pytest.skip("the package lifetimes is not here: make .cache/oracle/.ready")
    rows = [[*history, mean] for history, mean in customers]
    done = subprocess.run(
        [PYTHON, PROJECT / "tests" / "oracle" / "with_lifetimes.py"],
        input=json.dumps({"customers": rows, "given": GIVEN, "t": T}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def spend(customers):
    return fit_spend([(history.frequency, mean) for history, mean in customers])


@pytest.mark.parametrize("family", GIVEN)
def test_the_fit_has_their_parameters_and_their_likelihood(theirs, family):
    ours = fit(cdnow.cells(), family)
    model = ours.model
    told = [model.r, model.alpha, model.a, model.b]
    assert told == pytest.approx(theirs[family]["parameters"], abs=0.005)
    assert ours.log_likelihood == pytest.approx(theirs[family]["log_likelihood"], abs=0.01)


def test_the_spend_has_their_parameters_and_their_likelihood(theirs, spend):
    model = spend.model
    assert [model.p, model.q, model.v] == pytest.approx(theirs["spend"]["fitted"], abs=0.005)
    assert spend.log_likelihood == pytest.approx(theirs["spend"]["log_likelihood"], abs=0.01)


@pytest.mark.parametrize("family", GIVEN)
def test_each_customer_has_their_numbers_by_the_own_fits(theirs, customers, spend, family):
    model = fit(cdnow.cells(), family).model
    assert_alike(of_each(model, spend.model, customers), theirs[family]["fitted"], 1e-3)


@pytest.mark.parametrize("family", GIVEN)
def test_each_customer_has_their_numbers_by_given_parameters(theirs, customers, family):
    given = GIVEN[family]
    model, spend = PurchaseModel(family, *given["purchases"]), SpendModel(*given["spend"])
    assert_alike(of_each(model, spend, customers), theirs[family]["given"], 1e-6)


def of_each(model, spend, customers):
    month = 4.345  # weeks, as theirs
    worth = [
        lifetime_value(model, spend, h, mean, annual_rate=1.01**12 - 1, month=month)
        for h, mean in customers
    ]
    return {
        "alive": [model.alive(h) for h, _ in customers],
        "purchases": [model.expected(h, T) for h, _ in customers],
        "spend": [spend.expected(h.frequency, mean) for h, mean in customers],
        "value": [one.value for one in worth],
        "unconditional": model.unconditional(T),
        "counts": [model.probability_of(n, T) for n in range(6)],
    }


def assert_alike(ours, theirs, relative):
    for name in ours:
        assert ours[name] == pytest.approx(theirs[name], rel=relative, abs=0), name

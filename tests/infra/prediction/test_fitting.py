"""What is learned of a table of purchases."""

from datetime import date, timedelta

from chalicelib.policy import compile_policy
from chalicelib.scoring.fitted import CARDS
from chalicelib.scoring.future import Bought
from infra.prediction.buyers import Buyer
from infra.prediction.evidence import Evidence
from infra.prediction.fitting import learn
from tests.scoring.examples import starter

END = date(2026, 12, 31)
POLICY = compile_policy(starter(prediction={"purchases": {}}))


def buyer(number, paid):
    days = (END - timedelta(days=300 - number), END - timedelta(days=100 - number))
    return Buyer(str(number), Bought(days, (paid, paid), 2))


def test_a_sum_that_nobody_can_reckon_with_keeps_nothing_from_being_learned_of_others():
    crowd = [buyer(n, 900 + n) for n in range(70)]
    found, alone = (
        learn(Evidence(buyers, POLICY, END)).parameters
        for buyers in ([*crowd, buyer(70, 10**31)], crowd)
    )
    assert found["spend"] == alone["spend"]
    told = [one["en"] for one in found[CARDS]["spend"]["sentences"]]
    assert told[-1] == "Records that taught nothing, as their facts are malformed: 1"

"""On the packaged artefact: what will become of whom, learned of all and shown in every record.

Who dies while it learns, and why nothing is told of few, is the same with every CRM and is acted with
the first one.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from pathlib import Path
from zipfile import ZipFile

import boto3
import pytest
import yaml

from chalicelib.adapters.clock import SandboxClock
from chalicelib.core.facts import parse_instant
from chalicelib.pipeline.rescore import REST
from infra.bench.traffic import nobody_else_works
from infra.cli.policy_page import SHIPPED, read_page
from infra.package import build
from infra.sandbox.cdnow import Loaded, load_cdnow
from infra.sandbox.rehearsal import SCHEDULED, Rehearsal, rehearsal
from infra.sandbox.stand_in import Deal, Person, names, starter
from tests.e2e.conftest import PURCHASES, settled
from tests.e2e.crashing import EXIT
from tests.e2e.equality import read_by_the_oracle
from tests.oracle.scorer import naive_card

pytestmark = pytest.mark.e2e

TRAINER = Path(__file__).with_name("trainer.py")
SECTION = {"purchases": {"horizon_months": 12}, "clusters": {"from": 3, "to": 8}}
FORETOLD = {"churn_risk", "purchase_probability", "cluster", "prediction_why"}
FEW = 3


@dataclass
class Shop:
    """An installation whose people have bought, and whose policy asks what they will do."""

    rehearsal: Rehearsal
    loaded: Loaded

    @property
    def services(self):
        return self.rehearsal.services

    @property
    def learned(self):
        """How often something that was learned came into force."""
        history = self.services.settings.publications(self.rehearsal.connection)
        return sum(one.what == "models" for one in history)

    def card(self, person):
        ref = self.rehearsal.stand_in.ref(self.rehearsal.connection, person)
        return self.services.store.load(ref).card.body

    def shown(self, person):
        return self.rehearsal.stand_in.people.shown(person)

    def settle(self):
        settled(self.rehearsal.stand_in, self.services.intake, self.services.write_back)

    def look(self):
        """As the schedule does; what it tells of is dealt with."""
        self.rehearsal.invoke("train")
        self.settle()

    def score_all(self):
        """Walk over all cards until nobody is found that is not up to date."""
        for _ in range(2):
            self.rehearsal.invoke("rescore")
            self.settle()
            SandboxClock(self.services.settings).advance(REST)
        self.rehearsal.invoke("rescore")


@pytest.fixture(scope="module")
def purchases(tmp_path_factory):
    """Those of half of the customers, who are enough to learn of."""
    histories = groupby(PURCHASES.read_text("ascii").splitlines(True), key=customer_of)
    half = [list(lines) for _, lines in histories][::2]
    path = tmp_path_factory.mktemp("history") / "purchases.txt"
    path.write_text("".join(chain.from_iterable(half)), "ascii")
    return path


def customer_of(line):
    return line.split()[1]


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    path = tmp_path_factory.mktemp("policy") / "shop.yaml"
    page = {**read_page(SHIPPED), "prediction": SECTION}
    path.write_text(yaml.safe_dump(page, allow_unicode=True), "utf-8")
    return path


@pytest.fixture(scope="module", params=names())
def shop(request, purchases, policy):
    """Everybody is in the CRM, read and scored; then the policy asks for predictions."""
    with rehearsal(request.param) as running:
        loaded = load_cdnow(running.stand_in.people, purchases, datetime.now(UTC), leads=10)
        running.deploy()
        running.emtiaz(*running.connecting)
        running.emtiaz("provision", *running.at, "--policy", str(policy), "--yes")
        running.backfill()
        running.emtiaz("policy", "publish", str(policy), *running.at, "--yes")
        it = Shop(running, loaded)
        it.score_all()
        yield it


@pytest.fixture
def trained(shop):
    """The same, where no other test has had it learn."""
    if "purchases" not in shop.rehearsal.live.models.parameters:
        for _ in range(2):
            shop.look()
        shop.score_all()
    return shop


def test_killed_midway_training_publishes_once(shop, tmp_path):
    before = shop.learned
    if shop.rehearsal.crm == names()[0]:
        killed_while_learning(shop, tmp_path)
        assert shop.learned == before
        shop.settle()  # what the dead held has come back
        died(shop, tmp_path, "train", "before settings.publish_models")
        assert shop.learned == before
        died(shop, tmp_path, "train", "after settings.publish_models")
        assert shop.learned == before + 1
        shop.score_all()
    for _ in range(2):
        shop.look()
    assert shop.learned == before + 1
    shop.score_all()


def killed_while_learning(shop, folder):
    """One dies with a page that is kept and not counted, one before it tells the queue."""
    with ZipFile(build().code) as archive:
        archive.extractall(folder)
    with nobody_else_works():
        shop.rehearsal.invoke("train")
        died(shop, folder, "process", "after settings.set_checkpoint")
        died(shop, folder, "process", "after settings.move_checkpoint")


def died(shop, folder, role, point):
    configuration = boto3.client("lambda").get_function_configuration(
        FunctionName=shop.rehearsal.function_name(role)
    )
    done = subprocess.run(
        [sys.executable, "-S", str(TRAINER), role, json.dumps(SCHEDULED)],
        env={
            **os.environ,
            **configuration["Environment"]["Variables"],
            "PYTHONPATH": str(folder),
            "EMTIAZ_CRASH_AT": point,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == EXIT, done.stderr


def test_records_show_churn_risk_expected_value_and_reasons(trained):
    foreseen, levels = oracle(trained), Counter()
    for person in trained.loaded.customers[::4]:
        fields, card = trained.shown(person), trained.card(person)
        naive = foreseen(person, card)
        assert fields["churn_risk"] == naive["level"]
        assert int(fields["purchase_probability"]) == chance(naive["purchase_90"])
        assert fields["cluster"] == naive["cluster"]["label"]["en"]
        assert float(fields["expected_value"]) == worth(card["prediction"]["outlook"])
        assert fields["prediction_why"] == reasons(card)
        levels[fields["churn_risk"]] += 1
    assert len(levels) > 1


def oracle(shop):
    """What is foretold of a person as of a card, by the formulas as they stand in print."""
    live, learned = shop.rehearsal.live, shop.rehearsal.live.models.parameters
    rows = read_by_the_oracle(shop.rehearsal.stand_in, live)

    def foreseen(person, card):
        at, cuts = parse_instant(card["at"]), learned["rfm"]
        naive = naive_card(live.policy, rows(person), cuts, card["subject"], at, learned)
        return naive["known"]["prediction"]

    return foreseen


def chance(found):
    return min(max(int(found * 100 + 0.5), 1), 99)


def worth(outlook):
    """In dollars, by two digits."""
    amount = outlook["value"]["amount"]
    return round(amount, min(0, 2 - len(str(amount)))) / 100


def reasons(card):
    """Each says by how much something raises or lowers the odds."""
    texts = [one["text"]["en"] for one in card["prediction"]["factors"]]
    assert all("the odds" in one for one in texts)
    return " · ".join(texts)


def test_nothing_is_foretold_of_whoever_has_not_bought(trained):
    for person in trained.loaded.leads:
        assert not FORETOLD & trained.shown(person).keys()


@pytest.mark.parametrize("shop", names()[:1], indirect=True)
def test_where_too_few_have_bought_no_number_is_shown_and_an_admin_is_told_why(shop, policy):
    crm, first = shop.rehearsal.crm, shop.rehearsal
    with starter(crm)(account=2) as stand_in:
        small = first.beside(crm, stand_in, f"{crm}-small")
        people = [few(stand_in.people, n) for n in range(FEW)]
        small.connect("--policy", str(policy))
        small.backfill()
        why = f"purchases: not used. {FEW} of the 100 customers"
        assert f"{small.connection}: {why}" in small.emtiaz("status")
        assert why in small.emtiaz("train", *small.at, "--dry-run")
        for person in people:
            shown = stand_in.people.shown(person)
            assert shown["class"] in "ABC"
            assert not FORETOLD & shown.keys()
        shop.settle()  # while its CRM still answers


def few(crm, number):
    person = crm.load_person(Person(f"few{number}@example.com"))
    for time in range(number + 1):
        at = crm.now() - timedelta(days=20 * time + 3)
        crm.load_deal(person, Deal("30.00", "USD", "won", at))
    return person

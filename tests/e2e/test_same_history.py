"""The same people with the same history in every CRM, under one policy: the same cards."""

from contextlib import ExitStack
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from infra.sandbox.rehearsal import rehearsal
from infra.sandbox.stand_in import Deal, Person, names, starter
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e

ZONE = ZoneInfo("Asia/Tehran")
"""Of every stand-in's account: some CRMs know of a deal no more than the day."""

TITLES = ("Chief Executive Officer", "Student", "Sales manager", "Consultant", "Intern", "")
COUNTRIES = ("Iran", "Germany", "")
PEOPLE = 24


@pytest.fixture(scope="module")
def stages():
    with rehearsal() as first, ExitStack() as others:
        first.deploy()
        found = [first]
        for crm in names()[1:]:
            stand_in = others.enter_context(starter(crm)())
            found.append(first.beside(crm, stand_in, f"{crm}-main"))
        yield found


def test_the_same_history_has_the_same_card_in_every_crm(stages):
    today = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    people = [loaded(stage.stand_in.people, today) for stage in stages]
    for stage in stages:
        stage.connect()
        stage.backfill()
    assert_alike(stages, people)
    assert {card["customer"] is None for card in cards(stages[0], people[0])} == {True, False}
    for stage, persons in zip(stages, people, strict=True):
        stage.subscribe()
        change(stage.stand_in.people, persons, today)
    settle(stages)
    assert_alike(stages, people)


def loaded(crm, today):
    """A third has bought, a third has a deal under way, and every other one was called."""
    companies = [crm.load_company(f"Company {size}", size) for size in (5, 80, 1_200)]
    found = []
    for n in range(PEOPLE):
        called = {"call.held": today - timedelta(days=n, hours=3)} if n % 2 else {}
        person = Person(
            f"person{n}@example.com",
            TITLES[n % len(TITLES)],
            (f"First{n}", f"Last{n}"),
            COUNTRIES[n % len(COUNTRIES)],
            f"+98 21 555 01{n:02}",
            called,
        )
        found.append(crm.load_person(person, companies[n % len(companies)]))
        if n % 3 == 0:
            for time in range(1 + n % 4):
                at = today - timedelta(days=7 * n + 40 * time + 1)
                crm.load_deal(found[-1], Deal(f"{15 * (n + 1)}.50", "USD", "won", at))
        elif n % 3 == 1:
            crm.load_deal(found[-1], Deal("90.00", "USD", "open", today + timedelta(days=30)))
    return found


def change(crm, persons, today):
    """While everything runs: a promotion, a purchase, a loss, and somebody who moves."""
    crm.set_title(persons[1], "Chief Executive Officer")
    crm.add_deal(persons[2], Deal("400.00", "USD", "won", today))
    crm.delete_deal(crm.add_deal(persons[4], Deal("20.00", "USD")))
    crm.set_country(persons[5], "Japan")


def settle(stages):
    services = stages[0].services
    for stage in stages:
        settled(stage.stand_in, services.intake, services.write_back)


def cards(stage, persons):
    refs = [stage.stand_in.ref(stage.connection, one) for one in persons]
    return [stage.services.store.load(ref).card.body for ref in refs]


def assert_alike(stages, people):
    told = [list(map(essence, cards(*one))) for one in zip(stages, people, strict=True)]
    for stage, one in zip(stages[1:], told[1:], strict=True):
        for n in range(PEOPLE):
            assert one[n] == told[0][n], (stage.crm, n)


def essence(card):
    """What a rep is told: scores, classes, and reasons with their points."""
    customer, rfm = card["customer"], card["rfm"]
    return {
        "score": card["score"],
        "lead": card["lead"]["score"],
        "grade": card["lead"]["grade"],
        "temperature": card["lead"]["temperature"],
        "customer": customer and (customer["score"], customer["class"]),
        "rfm": rfm and (rfm["recency_days"], rfm["frequency"], rfm["scores"], rfm["segment"]),
        "tags": list(card["tags"]),
        "reasons": [
            (line["id"], line["points"])
            for part in (card["lead"], customer)
            if part
            for line in part["contributions"]
        ],
    }

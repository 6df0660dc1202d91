"""What people owe to their company, and buyers to whoever referred them, comes to these."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.core.errors import Conflict, Retryable
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation

ACME, OTHER = (Ref(CONNECTION, "account", one) for one in ("70", "71"))
DAY = timedelta(days=1)


def policy(installation):
    page = json.loads(json.dumps(installation.settings.live(CONNECTION).policy))
    page["attributes"]["referred_by"] = {"type": "text", "of": "contact", "toy": "referred_by"}
    page["lead"]["groups"].append({"id": "people", "model": "roll_up"})
    return page | {"referrals": {"attribute": "referred_by"}}


@pytest.fixture
def installation():
    made = Installation()
    page = policy(made)
    made.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    return made


def person(installation, number, company=ACME, deals=(), visits=(), **values):
    """A contact who works at a company, or at none, as the CRM has them."""
    ref = installation.contact(number, deals=deals, visits=visits)
    record, links, *others = installation.crm.facts[ref]
    data = {"job_title": "CEO", **values}
    accounts = [company.id] if company else []
    read_at = installation.clock.now()
    works = [Fact(ref, "account", one, read_at, {"employees": 250}, NOON) for one in accounts]
    if company:
        installation.crm.put(company)
    installation.crm.put(
        ref,
        replace(record, data=data, modified_at=read_at),
        replace(links, data={**links.data, "account": accounts}),
        *works,
        *others,
    )
    return ref


def ring(installation, *refs, what="changed"):
    installation.clock.advance(seconds=1)
    at = installation.clock.now() - timedelta(hours=2)
    installation.deliver(*(f"{ref.kind}:{ref.id}" for ref in refs), what=what, at=at)
    installation.run()


def people_of(installation, company=ACME):
    """The scores that a company has of its people."""
    facts = installation.store.load(company).facts
    return sorted(f.data["score"] for f in facts if f.type == "score" and f.data)


def score(installation, ref):
    return installation.card(ref).body["lead"]["score"]


def test_a_company_is_scored_from_its_people_and_written(installation):
    anna, ben = person(installation, 1), person(installation, 2, visits=[NOON])
    ring(installation, anna, ben)
    scores = [installation.crm.fields[one]["score"] for one in (anna, ben)]
    assert people_of(installation) == sorted(scores)
    assert installation.crm.fields[ACME]["score"] == score(installation, ACME) > max(scores)
    assert not installation.card(anna).debts.owed


def test_a_company_has_its_own_record_as_well(installation):
    ring(installation, person(installation, 1))
    assert installation.store.load(ACME).facts.record().data == {"employees": 250}
    lines = installation.card(ACME).body["lead"]["contributions"]
    assert {"fit.large_company", "people.people"} <= {line["id"] for line in lines}


def test_decay_brings_nothing_to_the_company_before_the_crm_hears_of_it(installation):
    anna = person(installation, 1, visits=[NOON])
    ring(installation, anna)
    before = installation.card(ACME).version, people_of(installation)
    installation.clock.advance(hours=6)
    installation.intake.send(refs_messages(CONNECTION, [anna], Reason.RESCORE))
    installation.run()
    assert (installation.card(ACME).version, people_of(installation)) == before
    installation.clock.advance(days=30)
    installation.sweep()
    installation.run()
    assert people_of(installation) == [installation.crm.fields[anna]["score"]]
    assert people_of(installation) < before[1]


def test_who_changes_the_company_is_taken_back_from_the_first(installation):
    anna = person(installation, 1)
    ring(installation, anna)
    person(installation, 1, company=OTHER)
    ring(installation, anna)
    assert people_of(installation) == []
    assert people_of(installation, OTHER) == [installation.crm.fields[anna]["score"]]


def test_who_is_deleted_is_taken_back_and_who_is_restored_comes_again(installation):
    anna = person(installation, 1)
    ring(installation, anna)
    installation.crm.delete(anna)
    ring(installation, anna, what="deleted")
    assert people_of(installation) == []
    installation.crm.restore(anna)
    ring(installation, anna, what="restored")
    assert people_of(installation) == [installation.crm.fields[anna]["score"]]


def test_of_who_is_forgotten_nothing_stays_at_the_company(installation):
    anna = person(installation, 5120, email="anna@acme.example")
    ring(installation, anna)
    ring(installation, anna, what="erased")
    assert people_of(installation) == []
    left = [fact for fact in installation.store.load(ACME).facts if fact.type == "score"]
    assert [fact.data for fact in left] == [{}]
    assert "5120" not in str(left)


def test_a_company_that_nobody_works_for_is_hidden_when_it_is_looked_at(installation):
    anna = person(installation, 1)
    ring(installation, anna)
    person(installation, 1, company=OTHER)
    del installation.crm.facts[ACME]
    ring(installation, anna, ACME)
    assert installation.card(ACME).hidden
    person(installation, 1)
    ring(installation, anna)
    assert not installation.card(ACME).hidden


def test_who_was_merged_counts_once(installation):
    anna, ann = person(installation, 1), person(installation, 2)
    ring(installation, anna, ann)
    assert len(people_of(installation)) == 2
    installation.crm.merge(ann, anna, *installation.crm.facts[anna])
    ring(installation, ann)
    assert people_of(installation) == [installation.crm.fields[anna]["score"]]


def test_people_stay_with_a_company_that_was_merged_into_theirs(installation):
    anna, ben = person(installation, 1), person(installation, 2, company=OTHER)
    ring(installation, anna, ben)
    person(installation, 1, company=OTHER)
    installation.deliver(
        "account:70", what="merged", into="account:71", at=installation.clock.now()
    )
    installation.crm.link(ACME, anna)
    installation.crm.link(OTHER, anna, ben)
    installation.run()
    installation.intake.elapse()
    installation.run()
    assert installation.card(ACME).stub
    assert len(people_of(installation, OTHER)) == 2


def test_what_is_not_delivered_is_delivered_when_sweep_finds_it(installation):
    anna = person(installation, 1)
    installation.deliver("contact:1")
    installation.process()
    installation.intake.take()  # the message is lost
    installation.write()
    assert ACME not in installation.store.subjects or not people_of(installation)
    assert installation.card(anna).debts.owed
    installation.clock.advance(minutes=3)
    installation.sweep()
    installation.run()
    assert people_of(installation) == [installation.crm.fields[anna]["score"]]


def test_a_company_that_is_busy_gets_it_later(installation):
    anna = person(installation, 1)
    installation.deliver("contact:1")
    installation.process()
    for _ in range(5):
        installation.store.fail_next_save(Conflict("busy"))
    installation.process()
    assert installation.card(anna).debts.owed
    installation.intake.elapse()
    installation.run()
    assert not installation.card(anna).debts.owed
    assert people_of(installation)


def test_a_ring_that_cannot_be_sent_is_no_loss(installation):
    anna = person(installation, 1)
    installation.deliver("contact:1")
    installation.intake.fail_next_send(Retryable("no queue"))
    installation.process()
    installation.clock.advance(minutes=3)
    installation.sweep()
    installation.run()
    assert people_of(installation) == [installation.crm.fields[anna]["score"]]


def test_forty_people_are_one_save_of_the_company_per_message(installation):
    refs = [person(installation, number) for number in range(1, 41)]
    ring(installation, *refs)
    assert installation.card(ACME).version <= 3
    assert len(people_of(installation)) == 40


def test_a_buyer_is_credited_to_whoever_referred_them_and_to_nobody_beyond(installation):
    carl = person(installation, 3, company=None)
    ben = person(installation, 2, company=None, referred_by="3", deals=[(NOON - DAY, 70)])
    anna = person(installation, 1, company=None, referred_by="2", deals=[(NOON - DAY, 500)])
    ring(installation, carl, ben, anna)
    facts = {ref: installation.store.load(ref).facts for ref in (anna, ben, carl)}
    assert [one.amount.amount for one in facts[ben].credited("referral")] == [50_000]
    assert [one.amount.amount for one in facts[carl].credited("referral")] == [7_000]
    assert facts[carl].purchases() == ()
    assert installation.card(ben).body["rfm"]["frequency"] == 1
    assert installation.card(carl).body["rfm"] is None


def test_a_deal_that_is_lost_after_all_is_taken_back_from_the_referrer(installation):
    ben = person(installation, 2, company=None)
    anna = person(installation, 1, company=None, referred_by="2", deals=[(NOON - DAY, 500)])
    ring(installation, ben, anna)
    person(installation, 1, company=None, referred_by="2")
    ring(installation, anna)
    credited = installation.store.load(ben).facts.credited("referral")
    assert credited == ()


def test_who_refers_themselves_is_credited_with_nothing(installation):
    anna = person(installation, 1, referred_by="1", deals=[(NOON - DAY, 500)])
    ring(installation, anna)
    assert installation.store.load(anna).facts.credited("referral") == ()


def test_without_such_a_policy_nobody_owes_anything_and_no_company_is_scored():
    installation = Installation()
    anna = person(installation, 1)
    ring(installation, anna)
    assert not installation.card(anna).debts
    assert ACME not in installation.store.subjects


def test_a_policy_without_roll_up_takes_everybody_back(installation):
    anna = person(installation, 1)
    ring(installation, anna)
    page = policy(installation)
    page["lead"]["groups"] = [one for one in page["lead"]["groups"] if one["id"] != "people"]
    installation.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    installation.intake.send(refs_messages(CONNECTION, [anna], Reason.RESCORE))
    installation.run()
    assert people_of(installation) == []

"""Records that a CRM deletes as it merges them, leads that become contacts, and mere secrets."""

from datetime import timedelta

import pytest

from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.core.stored import Leaving, Stub
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.scoring.identities import of_email, of_ref
from tests.fakes import connector as toy
from tests.fakes.clock import NOON
from tests.fakes.crm import ForgetfulCrm
from tests.pipeline.conftest import CONNECTION, Installation, links, visit
from tests.pipeline.test_loyalty import balance, entries, publish
from tests.pipeline.test_moves import keys, rung

DAY = timedelta(days=1)


@pytest.fixture
def installation():
    """Of a CRM that deletes what it merges, with a club."""
    installation = Installation(crm=ForgetfulCrm())
    installation.clock.advance(days=-400)
    publish(installation)
    installation.clock.advance(days=400)
    return installation


def known(installation, number, mail, kind="contact", visits=()):
    """Somebody with an e-mail address, who is scored."""
    ref = put(installation, number, mail, kind, visits)
    rung(installation, ref, at=NOON - DAY)
    return ref


def put(installation, number, mail, kind="contact", visits=()):
    installation.clock.advance(seconds=1)
    ref, now = Ref(CONNECTION, kind, str(number)), installation.clock.now()
    record = Fact(ref, kind, ref.id, now, {"job_title": "CEO", "email": mail}, NOON - DAY)
    seen = [visit(ref, when) for when in visits]
    installation.crm.put(ref, record, links(ref, now, ()), *seen)
    return ref


def read_again(installation, *refs):
    installation.clock.advance(seconds=1)
    installation.intake.send(refs_messages(CONNECTION, refs, Reason.READ))
    installation.run()


def visits_of(installation, ref):
    return sum(key.startswith("ACT#") for key in keys(installation, ref))


def lost(installation, loser, survivor):
    installation.crm.absorb(loser, survivor, *installation.crm.facts[survivor])


def test_whoever_is_gone_for_good_moves_to_the_record_that_stands_in(installation):
    anna = known(installation, 1, "anna@acme.example", visits=[NOON - DAY])
    ann = known(installation, 2, "anna@acme.example", visits=[NOON - 2 * DAY])
    lost(installation, ann, anna)
    read_again(installation, ann)
    assert installation.card(ann).stub == Stub(Leaving.MERGED, anna)
    assert visits_of(installation, anna) == 2
    assert balance(installation, anna) == 2
    assert entries(installation, ann) == ()


def test_heirs_are_asked_for_once_and_with_what_was_known(installation):
    anna = known(installation, 1, "anna@acme.example")
    ann = known(installation, 2, "anna@acme.example")
    lost(installation, ann, anna)
    for _ in range(2):
        read_again(installation, ann)
    (asked,) = installation.crm.called("heirs")
    assert [fact.data["email"] for fact in asked[ann] if fact.type == "contact"] == [
        "anna@acme.example"
    ]
    assert len(entries(installation, anna)) == len({row.id for row in entries(installation, anna)})


def test_a_move_that_a_death_cut_short_is_finished_by_whoever_hears_of_the_loser_again(
    installation,
):
    anna = known(installation, 1, "anna@acme.example")
    ann = known(installation, 2, "anna@acme.example", visits=[NOON - 2 * DAY])
    card = installation.card(ann)
    installation.store.retire(
        ann, card.version, Stub(Leaving.MERGED, anna), installation.clock.now()
    )
    put(installation, 1, "anna@acme.example", visits=[NOON - DAY])
    lost(installation, ann, anna)
    read_again(installation, ann)
    assert visits_of(installation, anna) == 2
    assert installation.card(ann).due_at is None
    assert not installation.card(anna).pending


def test_who_was_never_known_is_asked_nothing_of(installation):
    read_again(installation, Ref(CONNECTION, "contact", "77"))
    assert installation.crm.called("heirs") == []


def test_without_an_heir_a_record_is_hidden_as_ever(installation):
    ann = known(installation, 2, "anna@acme.example")
    installation.crm.remove(ann)
    read_again(installation, ann)
    assert installation.card(ann).hidden


def test_who_is_in_the_bin_has_no_heir_yet(installation):
    known(installation, 1, "anna@acme.example")
    ann = known(installation, 2, "anna@acme.example")
    installation.crm.delete(ann)
    read_again(installation, ann)
    assert installation.card(ann).hidden
    assert installation.crm.called("heirs") == []


def test_an_heir_that_is_itself_gone_is_not_used(installation):
    anna = known(installation, 1, "anna@acme.example")
    ann = known(installation, 2, "anna@acme.example")
    for ref in (anna, ann):
        installation.crm.remove(ref)
    installation.crm.heirs = lambda gone: dict.fromkeys(gone, anna)
    read_again(installation, ann)
    read_again(installation, ann, anna)
    assert installation.card(ann).hidden
    assert installation.card(anna).hidden


def test_an_heir_that_moved_on_is_followed(installation):
    ann = known(installation, 2, "anna@acme.example", visits=[NOON - DAY])
    lead = known(installation, 7, "anna@acme.example", "lead")
    contact = put(installation, 1, "anna@acme.example")
    installation.crm.remove(ann)
    installation.crm.merge(lead, contact, *installation.crm.facts[contact])
    installation.crm.heirs = lambda gone: dict.fromkeys(gone, lead)
    read_again(installation, ann)
    assert installation.card(ann).stub.into == contact
    assert visits_of(installation, contact) == 1


def test_an_heir_nobody_has_read_before_is_read_and_scored(installation):
    ann = known(installation, 2, "anna@acme.example", visits=[NOON - DAY])
    anna = put(installation, 1, "anna@acme.example")
    lost(installation, ann, anna)
    read_again(installation, ann)
    assert installation.crm.fields[anna]["score"] == installation.card(anna).body["score"]
    assert "FACT#contact#1" in keys(installation, anna)


def test_a_merge_that_nobody_told_is_found_by_whoever_looks_later(installation):
    """Hidden first, for the survivor was not to be found yet."""
    ann = known(installation, 2, "anna@acme.example", visits=[NOON - DAY])
    installation.crm.remove(ann)
    read_again(installation, ann)
    assert installation.card(ann).hidden
    anna = put(installation, 1, "anna@acme.example")
    read_again(installation, ann)
    assert installation.card(ann).stub.into == anna
    assert visits_of(installation, anna) == 1


def converted(installation):
    """A lead with a past who became a contact, and that contact."""
    lead = known(installation, 7, "ida@acme.example", "lead", visits=[NOON - DAY, NOON - 2 * DAY])
    contact = put(installation, 1, "ida@acme.example")
    installation.crm.merge(lead, contact, *installation.crm.facts[contact])
    return lead, contact


@pytest.mark.parametrize("first", ["lead", "contact"])
def test_a_converted_lead_brings_facts_and_ledger_to_the_contact(installation, first):
    lead, contact = converted(installation)
    rung(installation, lead if first == "lead" else contact)
    rung(installation, contact if first == "lead" else lead)
    assert installation.card(lead).stub.into == contact
    assert visits_of(installation, contact) == 2
    assert balance(installation, contact) == 2
    assert entries(installation, lead) == ()
    assert "FACT#lead#7" not in keys(installation, contact)
    assert installation.crm.fields[contact]["points"] == 2


def test_a_converted_lead_is_known_by_its_addresses_as_the_contact(installation):
    lead, contact = converted(installation)
    rung(installation, lead)
    assert installation.store.load(contact).aliases == (lead,)
    mail = of_email("ida@acme.example")
    assert contact in installation.store.owners(CONNECTION, [mail])[mail]
    (as_lead,) = installation.store.owners(CONNECTION, [of_ref(lead)])[of_ref(lead)]
    assert installation.card(as_lead).stub.into == contact


def test_a_conversion_that_is_told_again_moves_nothing_again(installation):
    lead, contact = converted(installation)
    for _ in range(3):
        rung(installation, lead)
        rung(installation, contact)
    assert balance(installation, contact) == 2
    assert [row.entry["kind"] for row in entries(installation, contact)].count("merge") == 1


@pytest.mark.parametrize("what", ["erased", "deleted"])
def test_without_a_signature_nobody_is_removed_on_a_word(installation, what, monkeypatch):
    ann = known(installation, 2, "anna@acme.example")
    monkeypatch.setattr(Installation, "_load", unsigned)
    rung(installation, ann, what)
    assert installation.store.erased == set()
    assert not installation.card(ann).hidden
    assert installation.intake.delayed == []


def test_without_a_signature_nobody_is_moved_on_a_word(installation, monkeypatch):
    anna = known(installation, 1, "anna@acme.example")
    ann = known(installation, 2, "ann@acme.example")
    installation.crm.remove(ann)
    monkeypatch.setattr(Installation, "_load", unsigned)
    rung(installation, ann, "merged", into=f"contact:{anna.id}")
    assert installation.card(ann).stub is None
    assert installation.card(ann).hidden


def unsigned(installation, _name):
    return toy.connector(installation.crm, signs=False)

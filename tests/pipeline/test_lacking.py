"""Of fields that the CRM lacks a person is told once; all else is written, and those once it can be."""

import pytest

from chalicelib.core.outputs import OUTPUTS, Trigger
from chalicelib.pipeline import lacking
from chalicelib.pipeline.lacking import MOST_AT_ONCE
from chalicelib.pipeline.reconcile import AUDIT, reconcile
from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION


@pytest.fixture
def contacts(installation):
    """Written without their tags."""
    installation.crm.provisioned = {one.name for one in OUTPUTS}
    installation.crm.lacking = {"tags": "Contact.Tags"}
    refs = [installation.contact(n, deals=[(NOON, 5_000)]) for n in range(5)]
    installation.deliver(*(f"contact:{ref.id}" for ref in refs))
    installation.run()
    return refs


def look(installation):
    """Without the audit, which would have everybody read anew."""
    now = installation.clock.now()
    installation.settings.set_checkpoint(CONNECTION, AUDIT, {"at": now.isoformat(), "shard": 0})
    before = len(installation.writes())
    reconcile(installation.services, now, now.replace(hour=23))
    installation.run()
    return installation.writes()[before:]


def test_all_else_is_written_and_a_person_is_told_once(installation, contacts):
    for ref in contacts:
        assert installation.crm.fields[ref]["score"] == installation.card(ref).body["score"]
        assert "tags" not in installation.crm.fields[ref]
        assert "tags" not in installation.card(ref).published
        assert not installation.card(ref).pending
    (item,) = installation.settings.parked(CONNECTION)
    assert "Contact.Tags" in item.reason


def test_nothing_is_rung_for_while_the_field_is_lacking(installation, contacts):
    assert look(installation) == []
    installation.clock.advance(minutes=30)
    assert installation.sweep() == 0


def test_once_the_field_is_there_it_is_written_by_itself_and_nothing_else_again(
    installation, contacts
):
    installation.crm.lacking = {}
    written = look(installation)
    assert {one.ref for one in written} == {*contacts}
    assert all(one.fields.keys() <= {"tags", "updated"} for one in written)
    for ref in contacts:
        assert installation.crm.fields[ref]["tags"] == installation.card(ref).outgoing["tags"]
    assert installation.settings.parked(CONNECTION) == ()
    assert look(installation) == [], "that was all"


def test_of_many_cards_a_share_is_told_at_a_time(installation, contacts, monkeypatch):
    monkeypatch.setattr("chalicelib.pipeline.lacking.MOST_AT_ONCE", 2)
    assert MOST_AT_ONCE > 2
    installation.crm.lacking = {}
    first = look(installation)
    assert 0 < len(first) < len(contacts)
    for _ in range(3):
        look(installation)
    assert all("tags" in installation.crm.fields[ref] for ref in contacts)


def test_a_field_that_goes_again_is_told_of_again(installation, contacts):
    installation.crm.lacking = {}
    look(installation)
    installation.crm.lacking = {"tags": "Contact.Tags"}
    ref = installation.contact(9, deals=[(NOON, 5_000)])
    installation.deliver(f"contact:{ref.id}")
    installation.run()
    assert len(installation.settings.parked(CONNECTION)) == 1


def publish_less(installation):
    """The least profile; returns what is published no more."""
    page = installation.settings.live(CONNECTION).policy
    page = {**page, "publish": {**page["publish"], "profile": "minimal"}}
    installation.settings.publish_policy(
        CONNECTION, version_of(page), page, installation.clock.now()
    )
    return {one.name for one in OUTPUTS if not one.minimal}


def test_a_field_that_is_to_be_emptied_for_good_and_is_not_there_is_no_matter(installation):
    ref = installation.contact(1, deals=[(NOON, 5_000)])
    installation.deliver("contact:1")
    installation.run()
    dropped = publish_less(installation)
    installation.crm.lacking = {name: f"Contact.{name}" for name in dropped}
    installation.edit(ref, job_title="Janitor")
    installation.deliver("contact:1")
    installation.run()
    assert installation.settings.parked(CONNECTION) == ()
    tried = len(installation.writes())
    for _ in range(3):
        assert look(installation) == []
        installation.deliver("contact:1")
        installation.run()
    assert len(installation.writes()) == tried


def test_a_field_that_is_wanted_and_was_to_be_emptied_is_emptied_once_it_is_there(installation):
    ref = installation.contact(1, deals=[(NOON, 5_000)])
    installation.deliver("contact:1")
    installation.run()
    assert installation.crm.fields[ref]["class"] is not None
    installation.crm.lacking = {"class": "Contact.Class"}
    installation.contact(1)
    installation.deliver("contact:1")
    installation.run()
    assert installation.crm.fields[ref]["class"] is not None
    installation.crm.lacking = {}
    look(installation)
    assert installation.crm.fields[ref]["class"] is None


def told_in_shares(installation, monkeypatch):
    """The tags are there, and some of the cards have been told."""
    monkeypatch.setattr("chalicelib.pipeline.lacking.MOST_AT_ONCE", 1)
    installation.crm.lacking = {}
    assert look(installation)


def test_another_field_that_is_lacking_by_then_takes_nobody_their_turn(
    installation, contacts, monkeypatch
):
    told_in_shares(installation, monkeypatch)
    installation.crm.lacking = {"why": "Contact.Why"}
    installation.contact(50, deals=[(NOON, 7_000)])
    installation.deliver("contact:50")
    installation.run()
    for _ in contacts:
        look(installation)
    assert all("tags" in installation.crm.fields[ref] for ref in contacts)
    (item,) = installation.settings.parked(CONNECTION)
    assert "Contact.Why" in item.reason
    assert "Contact.Tags" not in item.reason


def test_a_field_found_to_be_lacking_while_others_are_told_is_written_too_in_the_end(
    installation, contacts, monkeypatch
):
    """It is noted between two steps of reconcile, the last one too."""
    installation.crm.lacking = {}
    tell = lacking._tell

    def find_another(connection, shard, services):
        lacking.note(connection, [{"grade": "Contact.Grade"}], services)
        return tell(connection, shard, services)

    monkeypatch.setattr(lacking, "_tell", find_another)
    look(installation)
    monkeypatch.undo()
    (item,) = installation.settings.parked(CONNECTION)
    assert "Contact.Grade" in item.reason
    look(installation)
    assert installation.settings.parked(CONNECTION) == ()


def test_what_is_there_is_not_kept_waiting_for_what_still_lacks(installation, contacts):
    installation.crm.lacking |= {"grade": "Contact.Grade"}
    ref = installation.contact(9, deals=[(NOON, 5_000)])
    installation.deliver("contact:9")
    installation.run()
    (item,) = installation.settings.parked(CONNECTION)
    assert "Contact.Grade, Contact.Tags" in item.reason
    del installation.crm.lacking["tags"]
    look(installation)
    assert all("tags" in installation.crm.fields[one] for one in [ref, *contacts])
    (item,) = installation.settings.parked(CONNECTION)
    assert "Contact.Tags" not in item.reason
    assert look(installation) == [], "nothing more is there"


def test_fields_that_are_never_a_reason_to_write_are_written_too_once_they_are_there(installation):
    followers = {one.name for one in OUTPUTS if one.trigger is Trigger.FOLLOW}
    installation.crm.provisioned = {one.name for one in OUTPUTS}
    installation.crm.lacking = {name: f"Contact.{name}" for name in followers}
    ref = installation.contact(1, deals=[(NOON, 5_000)])
    installation.deliver("contact:1")
    installation.run()
    assert not followers & installation.crm.fields[ref].keys()
    installation.crm.lacking = {}
    (written,) = look(installation)
    assert written.fields.keys() <= followers
    told = installation.card(ref).outgoing
    assert {"why", "updated", "confidence"} <= written.fields.keys()
    assert all(
        installation.crm.fields[ref].get(name) == told[name] for name in followers & told.keys()
    )
    installation.clock.advance(minutes=5)
    installation.deliver("contact:1")
    installation.run()
    assert look(installation) == [], "that was all"

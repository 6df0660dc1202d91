"""What becomes of ids: records, the bin, survivors of merges, and nothing."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.connector import Reading
from connectors.hubspot.lookup import Lookup
from tests.connectors.hubspot.api_double import (
    ASSOCIATIONS,
    NOW,
    OBJECTS,
    account,
    attribute,
    client,
    contact,
    deal,
    linked_to,
    no_links,
)

CONTACTS = OBJECTS + "contacts"
CONTACTS_READ = CONTACTS + "/batch/read"


@dataclass
class Portal:
    """Records that live, lie in the bin, or were merged into one that lives.

    ``follows`` chooses between the two ways in which batch reads may treat a merged id: answer
    with its survivor, or not at all. ``skipped`` are left out by batch reads though they live.
    """

    follows: bool
    alive: set = field(default_factory=set)
    binned: set = field(default_factory=set)
    merged: dict = field(default_factory=dict)
    skipped: set = field(default_factory=set)
    calls: list = field(default_factory=list)

    def records(self, _type, ids, _properties, _past=(), *, archived=False):
        ids = sorted(set(ids))
        if ids:
            self.calls.append(("bin" if archived else "read", *ids))
        if archived:
            return [self.record(one, archived=True) for one in ids if one in self.binned]
        now_under = {self.merged.get(one, one) if self.follows else one for one in ids}
        return [self.record(one) for one in sorted((now_under & self.alive) - self.skipped)]

    def record_id(self, _type, identity):
        self.calls.append(("one", identity))
        now_under = self.merged.get(identity, identity)
        return now_under if now_under in self.alive else None

    def record(self, identity, *, archived=False):
        swallowed = ";".join(sorted(one for one, into in self.merged.items() if into == identity))
        properties = {"hs_merged_object_ids": swallowed or None}
        return {"id": identity, "properties": properties, "archived": archived}


def resolve(portal, *ids):
    return Lookup(portal, "contacts", ("email",)).resolve(ids)


either_way = pytest.mark.parametrize("follows", [True, False])


@either_way
def test_what_is_there_costs_one_call(follows):
    portal = Portal(follows, alive={"1", "2"})
    found = resolve(portal, "2", "1", "2")
    assert (set(found.records), found.moved, found.gone) == ({"1", "2"}, {}, frozenset())
    assert portal.calls == [("read", "1", "2")]


@either_way
def test_what_is_in_the_bin_is_gone_for_one_call_more(follows):
    portal = Portal(follows, alive={"1"}, binned={"2", "3"})
    found = resolve(portal, "1", "2", "3")
    assert (set(found.records), found.gone) == ({"1"}, {"2", "3"})
    assert portal.calls == [("read", "1", "2", "3"), ("bin", "2", "3")]


@either_way
def test_what_was_removed_for_good_is_in_none_of_the_three(follows):
    found = resolve(Portal(follows, alive={"1"}), "1", "9")
    assert (set(found.records), found.moved, found.gone) == ({"1"}, {}, frozenset())


@either_way
def test_a_merged_record_leads_to_its_survivor(follows):
    portal = Portal(follows, alive={"1", "7"}, merged={"2": "7", "3": "7"})
    found = resolve(portal, "1", "2", "3")
    assert set(found.records) == {"1", "7"}
    assert found.moved == {"2": "7", "3": "7"}


@either_way
def test_a_survivor_asked_together_with_its_losers_is_read_once(follows):
    portal = Portal(follows, alive={"7"}, merged={"2": "7", "3": "7"})
    found = resolve(portal, "2", "3", "7")
    assert (set(found.records), found.moved) == ({"7"}, {"2": "7", "3": "7"})
    assert portal.calls == [("read", "2", "3", "7")]


def test_where_batch_reads_follow_merges_they_cost_no_call_more():
    portal = Portal(True, alive={"7"}, merged={"2": "7"})
    resolve(portal, "2")
    assert portal.calls == [("read", "2")]


def test_where_they_do_not_each_is_asked_for_alone_and_all_survivors_are_read_at_once():
    portal = Portal(False, alive={"7", "8"}, merged={"2": "7", "3": "8"})
    resolve(portal, "2", "3")
    assert portal.calls == [
        ("read", "2", "3"),
        ("bin", "2", "3"),
        ("one", "2"),
        ("one", "3"),
        ("read", "7", "8"),
    ]


def test_a_record_that_a_batch_left_out_by_mistake_is_unknown_until_it_is_given():
    portal = Portal(True, alive={"1", "2"}, skipped={"2"})
    assert set(resolve(portal, "1", "2").records) == {"1"}
    portal.skipped = set()
    assert set(resolve(portal, "1", "2").records) == {"1", "2"}


def test_a_record_that_still_answers_for_itself_has_not_moved():
    class Odd(Portal):
        def record(self, identity, *, archived=False):
            record = super().record(identity, archived=archived)
            return record | {"properties": {"hs_merged_object_ids": "1;2"}}

    found = resolve(Odd(True, alive={"1", "2"}), "1", "2")
    assert (set(found.records), found.moved) == ({"1", "2"}, {})


def test_what_was_restored_between_two_readings_is_not_gone():
    class Restored(Portal):
        def records(self, *asked, archived=False, **named):
            found = super().records(*asked, archived=archived, **named)
            if archived:
                self.alive, self.binned = self.binned, set()
                found = [record | {"archived": False} for record in found]
            return found

    found = resolve(Restored(True, binned={"1"}), "1")
    assert (set(found.records), found.gone) == ({"1"}, frozenset())


ids = st.sampled_from([str(one) for one in range(12)])


@given(
    follows=st.booleans(),
    fate=st.dictionaries(ids, st.sampled_from(["alive", "binned", "merged"])),
    asked=st.lists(ids),
    data=st.data(),
)
def test_every_id_has_the_fate_that_it_has(follows, fate, asked, data):
    portal = Portal(follows)
    portal.alive = {one for one, what in fate.items() if what == "alive"} | {"survivor"}
    portal.binned = {one for one, what in fate.items() if what == "binned"}
    survivors = st.sampled_from(sorted(portal.alive))
    portal.merged = {one: data.draw(survivors) for one, what in fate.items() if what == "merged"}
    found = resolve(portal, *asked)
    assert found.moved == {one: portal.merged[one] for one in asked if one in portal.merged}
    assert found.gone == set(asked) & portal.binned
    assert set(found.records) == (set(asked) & portal.alive) | set(found.moved.values())
    assert len(portal.calls) <= 3 + len(set(asked) - portal.alive - portal.binned)


def test_fetch_says_who_is_gone_and_who_moved_and_reads_the_survivor(api):
    def read(body):
        found = [one["id"] for one in body["inputs"] if one["id"] in ("1", "777")]
        return {"results": [{"id": one, "properties": {"jobtitle": "CEO"}} for one in found]}

    binned = {"id": "3", "properties": {}, "archived": True}
    api.mock.post(api_url(CONTACTS_READ + "?archived=true"), json={"results": [binned]})
    api.answer("POST", CONTACTS_READ, read)
    api.answer("GET", CONTACTS + "/2", {"id": "777", "properties": {}})
    api.answer("GET", CONTACTS + "/4", {"category": "OBJECT_NOT_FOUND"}, status=404)
    api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", no_links)
    subjects = [contact(one) for one in (1, 2, 3, 4)]
    reading = client(attribute("job", field="jobtitle")).fetch(subjects, NOW)
    assert reading == Reading(
        facts={contact(1): reading.facts[contact(1)], contact(777): reading.facts[contact(777)]},
        gone=frozenset({contact(3)}),
        moved={contact(2): contact(777)},
    )
    assert [fact.data for fact in reading.facts[contact(777)]] == [{"job": "CEO"}, {"deal": []}]
    [links] = api.calls_to(ASSOCIATIONS)
    assert links["inputs"] == [{"id": "1"}, {"id": "777"}]


def test_a_merged_deal_or_company_is_the_one_that_answers_for_it(api):
    def survivor(body):
        assert body["inputs"] == [{"id": "900"}, {"id": "901"}]
        return {"results": [{"id": "901", "properties": {"hs_merged_object_ids": "900"}}]}

    api.answer("POST", CONTACTS_READ, {"results": [{"id": "1", "properties": {}}]})
    api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", linked_to(900, 901))
    api.answer("POST", OBJECTS + "deals/batch/read", survivor)
    api.answer("GET", "/crm/pipelines/2026-03/deals", {"results": []})
    [_, links, one] = client().fetch([contact(1)], NOW).facts[contact(1)]
    assert links.data == {"deal": ["901"]}
    assert one.id == "901"


def test_a_merged_deal_rings_for_the_contacts_that_come_under_another_id(api):
    rows = [
        {"from": {"id": "901"}, "to": [{"toObjectId": 5, "associationTypes": []}]},
        {"from": {"id": "777"}, "to": [{"toObjectId": 6, "associationTypes": []}]},
    ]
    api.answer("POST", ASSOCIATIONS + "deals/contacts/batch/read", {"results": rows})
    assert client().subjects([deal(900), deal(901), account(700)]) == {
        deal(900): (contact(6),),
        deal(901): (contact(5),),
        account(700): (),
    }


def test_the_links_of_another_record_never_become_facts_of_one_without_any(api):
    api.answer("POST", CONTACTS_READ, {"results": [{"id": "1", "properties": {}}]})
    stray = {"from": {"id": "777"}, "to": [{"toObjectId": 900, "associationTypes": []}]}
    api.answer("POST", ASSOCIATIONS + "contacts/deals/batch/read", {"results": [stray]})
    [_, links] = client().fetch([contact(1)], NOW).facts[contact(1)]
    assert links.data == {"deal": []}


def api_url(path):
    return "https://api.hubapi.com" + path

import json
from datetime import timedelta

import pytest

from chalicelib.core.model import Ref
from chalicelib.core.policy import Attribute
from connectors.salesforce import changes
from connectors.salesforce.changes import Position, Walk
from connectors.salesforce.ids import full
from tests.connectors.salesforce.organisation import ROOT, record
from tests.fakes.clock import NOON

CONTACT, OTHER, LEAD = "003Ws00000A1b2CIAR", "003Ws00000A1b2DIAR", "00QWs00000Kp3QdMAJ"
DEAL = "006Ws00000BxYzTIAV"
CALLED = Attribute("called", "activity", "contact", {"salesforce": "Call.CompletedDateTime"}, "call.held")  # fmt: skip
RESPONDED = Attribute("responded", "activity", "contact", {"salesforce": "CampaignMember.FirstRespondedDate"}, "form.submitted")  # fmt: skip
MET = Attribute("met", "activity", "contact", {"salesforce": "Event.EndDateTime"}, "meeting.held")
ACTIVE = Attribute("active", "activity", "contact", {"salesforce": "LastActivityDate"}, "x.crm.active")  # fmt: skip
INDUSTRY = Attribute("industry", "choice", "account", {"salesforce": "Industry"})


def ref(kind, identity):
    return Ref("salesforce-main", kind, identity)


def test_all_that_is_read_is_walked_five_objects_a_call(client_of, organisation):
    organisation.put(record("Contact", CONTACT), record("Lead", LEAD, IsDeleted=True))
    client = client_of(CALLED, INDUSTRY)
    page = client.changed_since(NOON, None)
    assert set(page.refs) == {ref("contact", CONTACT), ref("lead", LEAD)}
    assert client.changed_since(NOON, page.next).next is None
    walked = [query.partition(" FROM ")[2].split()[0] for call in organisation.calls[1:] for query in call]  # fmt: skip
    assert walked == [
        "Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole", "Order", "Task",
    ]  # fmt: skip
    assert len(organisation.calls) == 3


def test_accounts_are_walked_only_under_a_policy_that_has_something_of_them(client, organisation):
    client.changed_since(NOON, None)
    assert not [query for query in organisation.asked if "FROM Account " in query]


def test_a_walk_asks_for_what_changed_at_that_instant_or_later(client, organisation):
    client.changed_since(NOON, None)
    assert (
        "SELECT Id, SystemModstamp FROM Contact WHERE SystemModstamp >= 2026-03-21T12:00:00.000Z "
        "ORDER BY SystemModstamp, Id LIMIT 2000"
    ) in organisation.asked


def test_what_is_hidden_keeps_nothing_else_from_being_found(client_of, organisation):
    """Who may not see leads sees no ``LeadId`` of campaign members either."""
    organisation.hidden |= {"Lead", "LeadId"}
    organisation.put(record("CampaignMember", "00vWs00000A1b2CIAR", ContactId=CONTACT))
    page = client_of(RESPONDED).changed_since(NOON, None)
    assert set(page.refs) == {ref("contact", CONTACT)}
    assert not [query for query in organisation.asked if "LeadId" in query]


def test_what_is_hidden_since_a_page_ago_is_walked_no_further(client, organisation):
    client.changed_since(NOON, None)
    organisation.hidden.add("Lead")
    organisation.failures = [(400, [{"errorCode": "INVALID_TYPE", "message": "no such sObject"}])]
    organisation.put(record("Contact", CONTACT))
    cursor = Position((Walk("Lead", NOON), Walk("Contact", NOON))).to_text()
    page = client.changed_since(NOON, cursor)
    assert (page.refs, page.next) == ((ref("contact", CONTACT),), None)


def test_activities_and_roles_bring_the_persons_whom_they_name(client_of, organisation):
    organisation.put(
        record("Task", "00TWs00000A1b2CMAR", WhoId=LEAD),
        record("Task", "00TWs00000A1b2DMAR", WhoId=None),
        record("OpportunityContactRole", "00KWs00000A1b2CMAR", ContactId=CONTACT, IsDeleted=True),
    )
    organisation.hidden.add("Order")
    client = client_of(CALLED)
    page = client.changed_since(NOON, None)
    assert page.next is None
    assert set(page.refs) == {ref("contact", CONTACT), ref("lead", LEAD)}


def test_a_role_brings_its_deal_too_by_which_those_are_found_who_had_it(client, organisation):
    organisation.put(
        record(
            "OpportunityContactRole", "00KWs00000A1b2CMAR", ContactId=CONTACT, OpportunityId=DEAL
        )
    )
    assert set(client.changed_since(NOON, None).refs) == {
        ref("contact", CONTACT),
        ref("deal", DEAL),
    }


def test_meetings_are_walked_by_their_end_too_as_far_as_now(client_of, organisation):
    """That one is over is told by nothing else."""
    organisation.extra = {"Event": {"EndDateTime": {}}}
    organisation.put(record("Event", "00UWs00000A1b2CMAR", WhoId=CONTACT))
    client = client_of(MET)
    since = NOON - timedelta(hours=1)
    page = client.changed_since(since, client.changed_since(since, None).next)
    assert ref("contact", CONTACT) in page.refs
    assert (
        "SELECT EndDateTime, Id, WhoId FROM Event WHERE EndDateTime >= 2026-03-21T11:00:00.000Z "
        "AND EndDateTime <= 2026-03-21T12:00:00.000Z ORDER BY EndDateTime, Id LIMIT 2000"
    ) in organisation.asked


def test_where_the_end_of_meetings_is_hidden_they_are_walked_by_their_stamp_alone(
    client_of, organisation
):
    client = client_of(MET)
    client.changed_since(NOON, client.changed_since(NOON, None).next)
    walked = [query for query in organisation.asked if " FROM Event " in query]
    assert [query.partition("ORDER BY ")[2] for query in walked] == ["SystemModstamp, Id LIMIT 2000"]  # fmt: skip


def test_what_was_done_is_walked_for_a_field_that_salesforce_computes_of_it(
    client_of, organisation
):
    client = client_of(ACTIVE)
    client.changed_since(NOON, client.changed_since(NOON, None).next)
    for name in ("Task", "Event"):
        assert [query for query in organisation.asked if f" FROM {name} " in query]


@pytest.fixture
def short_pages(monkeypatch):
    monkeypatch.setattr(changes, "PAGE", 2)


def test_the_next_page_begins_after_the_last_record_of_this_one(short_pages):
    walk = Walk("Contact", NOON)
    rows = [record("Contact", full(f"003Ws00000A1b{number:02}")) for number in range(10, 12)]
    following = walk.after(rows)
    query = following.query(["Id"], NOON).text
    assert (
        "WHERE (SystemModstamp > 2026-10-20T08:14:52.000Z OR "
        f"(SystemModstamp = 2026-10-20T08:14:52.000Z AND Id > '{rows[-1]['Id']}')) ORDER BY"
    ) in query


def test_meetings_of_one_instant_go_on_by_id_and_no_further_than_now(short_pages):
    rows = [record("Event", full(f"00UWs00000A1b{number:02}"), EndDateTime="2026-03-21T11:30:00.000+0000") for number in range(10, 12)]  # fmt: skip
    following = Walk("Event", NOON - timedelta(hours=1), by="EndDateTime").after(rows)
    assert (
        "WHERE (EndDateTime > 2026-03-21T11:30:00.000Z OR (EndDateTime = 2026-03-21T11:30:00.000Z "
        f"AND Id > '{rows[-1]['Id']}')) AND EndDateTime <= 2026-03-21T12:00:00.000Z ORDER BY"
    ) in following.query(["Id"], NOON).text


def test_a_position_travels_as_text(short_pages):
    walks = Walk("Contact", NOON, CONTACT), Walk("Event", NOON + timedelta(hours=1), "", "EndDateTime")  # fmt: skip
    position = Position(walks)
    assert Position.from_text(position.to_text()) == position
    assert json.loads(position.to_text())


def test_a_position_of_an_earlier_version_goes_on():
    kept = json.dumps([["Contact", "2026-03-21T12:00:00.000Z", CONTACT]])
    assert Position.from_text(kept) == Position((Walk("Contact", NOON, CONTACT),))


def test_an_answer_that_comes_in_pieces_is_one_page(client, organisation, double, connection):
    """Salesforce may send fewer rows than a query's limit, and say where the others are."""
    client.changed_since(NOON, None)
    first = {"totalSize": 2, "done": False, "records": [record("Contact", CONTACT)], "nextRecordsUrl": f"{ROOT}/query/01g-1"}  # fmt: skip
    organisation.failures = [(200, first)]
    rest = {"done": True, "records": [record("Contact", OTHER)]}
    double.add("GET", f"{connection.base_url}{ROOT}/query/01g-1", json=rest)
    page = client.changed_since(NOON, None)
    assert set(page.refs) == {ref("contact", CONTACT), ref("contact", OTHER)}


def test_walks_end_singly(short_pages):
    full_page = [record("Lead", LEAD), record("Lead", LEAD)]
    walks = [Walk(name, NOON) for name in ("A", "B", "C", "D", "E", "F")]
    following = Position(tuple(walks)).after([[], full_page, [], [], full_page[:1]])
    assert [one.object for one in following.walks] == ["B", "F"]
    assert Position(tuple(walks[:1])).after([[]]) is None

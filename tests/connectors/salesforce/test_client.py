from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core.connector import Update
from chalicelib.core.errors import CredentialsInvalid, CrmStumbled, CrmUnavailable, RateLimited
from chalicelib.core.model import Ref
from chalicelib.core.outputs import OUTPUTS
from chalicelib.core.policy import Attribute
from connectors.salesforce.schema import LIVES
from tests.connectors import cases
from tests.connectors.salesforce.organisation import ROOT, record
from tests.fakes.clock import NOON

CONTACT, OTHER = "003Ws00000A1b2CIAR", "003Ws00000A1b2DIAR"
LEAD = "00QWs00000Kp3QdMAJ"
ACCOUNT = "001Ws00000Qw1ErIAJ"
DEAL = "006Ws00000BxYzTIAV"

TITLE = Attribute("job_title", "text", "contact", {"salesforce": "Title"})
INDUSTRY = Attribute("industry", "choice", "account", {"salesforce": "Industry"})
PRIORITY = Attribute("ticket_priority", "choice", "ticket", {"salesforce": "Priority"})
CATEGORY = Attribute("category", "text", "line_item", {"salesforce": "ProductCode"})
CALLED = Attribute("called", "activity", "contact", {"salesforce": "Call.CompletedDateTime"}, "call.held")  # fmt: skip


def ref(kind, identity):
    return Ref("salesforce-main", kind, identity)


def contact(identity=CONTACT, **fields):
    return record("Contact", identity, **{"AccountId": None, "Account": None, **fields})


def role(deal, identity):
    return record("OpportunityContactRole", "00KWs00000A1b2CMAR", ContactId=identity, Opportunity=deal, OpportunityId=deal["Id"])  # fmt: skip


def deal(identity=DEAL, **fields):
    return record("Opportunity", identity, IsWon=True, IsClosed=True, Amount=10.0, CloseDate="2026-09-30", StageName="Won", **fields)  # fmt: skip


def test_two_hundred_contacts_with_accounts_and_deals_cost_one_call(client_of, organisation):
    organisation.extra = {"Contact": {"Title": {}}, "Account": {"Industry": {}}}
    organisation.hidden.add("Order")
    client = client_of(TITLE, INDUSTRY)
    client.fetch([ref("contact", CONTACT)], NOON)
    organisation.calls.clear()
    refs = [ref("contact", f"003Ws00000A{number:04}") for number in range(200)]
    client.fetch(refs, NOON)
    assert len(organisation.calls) == 1
    client.fetch([*refs, ref("contact", CONTACT)], NOON)
    assert len(organisation.calls) == 2, "queries of all people fill the calls together"


def test_a_record_that_a_rep_named_by_15_characters_is_the_one_of_18(client_of, organisation):
    organisation.extra = {"Contact": {"Referred__c": {}, "Code__c": {}}}
    organisation.put(contact(Referred__c=OTHER[:15], Code__c=OTHER[:15]))
    referrer = Attribute("by", "text", "contact", {"salesforce": "Referred__c"}, names_record=True)
    code = Attribute("code", "text", "contact", {"salesforce": "Code__c"})
    reading = client_of(referrer, code).fetch([ref("contact", CONTACT)], NOON)
    (state,) = [one for one in reading.facts[ref("contact", CONTACT)] if one.type == "contact"]
    assert (state.data["by"], state.data["code"]) == (OTHER, OTHER[:15])


def test_the_organisation_is_described_once_a_day(client, organisation):
    for at in (NOON, NOON + LIVES, NOON + LIVES + timedelta(seconds=1)):
        client.fetch([ref("contact", CONTACT)], at)
    described = [call for call in organisation.calls if call[0].endswith("/describe")]
    assert len(described) == 2


def test_what_was_there_and_is_hidden_now_is_left_out(client_of, organisation):
    organisation.extra = {"Contact": {"Title": {}}}
    organisation.put(contact(Title="Head of Sales"))
    client = client_of(TITLE)
    client.fetch([ref("contact", CONTACT)], NOON)
    organisation.hidden.add("Title")
    no_such = {"errorCode": "INVALID_FIELD", "message": "No such column 'Title'"}
    organisation.failures = [(400, [no_such])]
    reading = client.fetch([ref("contact", CONTACT)], NOON)
    assert "job_title" not in reading.facts[ref("contact", CONTACT)][0].data


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", RateLimited),
        (400, "QUERY_TIMEOUT", CrmUnavailable),
        (503, "SERVER_UNAVAILABLE", CrmUnavailable),
        (403, "INSUFFICIENT_ACCESS", CredentialsInvalid),
        (500, "UNKNOWN_EXCEPTION", CrmStumbled),
    ],
)
def test_a_query_that_fails_among_others_is_sorted_like_an_answer(
    client, organisation, status, code, error
):
    organisation.failures = [(status, [{"errorCode": code, "message": "so it is"}])]
    with pytest.raises(error, match="so it is"):
        client.fetch([ref("contact", CONTACT)], NOON)


def test_pages_of_an_answer_are_followed(client, organisation, double, connection):
    client.fetch([ref("contact", OTHER)], NOON)
    first = {"totalSize": 2, "done": False, "records": [contact()], "nextRecordsUrl": f"{ROOT}/query/01g-2000"}  # fmt: skip
    organisation.failures = [(200, first)]
    double.add("GET", f"{connection.base_url}{ROOT}/query/01g-2000", json={"done": True, "records": [contact(OTHER)]})  # fmt: skip
    reading = client.fetch([ref("contact", CONTACT), ref("contact", OTHER)], NOON)
    assert set(reading.facts) == {ref("contact", CONTACT), ref("contact", OTHER)}


@pytest.mark.parametrize("path", [".example/x", "@example/x", "https://example/x", ":1@example/x"])
def test_a_page_that_lies_elsewhere_is_not_asked_for(client, organisation, double, path):
    client.fetch([ref("contact", OTHER)], NOON)
    calls = len(double.calls)
    page = {"totalSize": 2, "done": False, "records": [contact()], "nextRecordsUrl": path}
    organisation.failures = [(200, page)]
    with pytest.raises(CrmStumbled):
        client.fetch([ref("contact", CONTACT)], NOON)
    assert len(double.calls) == calls + 1


def test_successors_who_are_not_there_are_looked_for_once(client, organisation):
    """One of each length of chain, so that each is still missing while the other is asked for."""
    purged, hidden, master = (full_of(f"003Ws00000A1b9{one}") for one in "XYZ")
    organisation.put(
        contact(IsDeleted=True, MasterRecordId=purged),
        contact(OTHER, IsDeleted=True, MasterRecordId=master),
        contact(master, IsDeleted=True, MasterRecordId=hidden),
    )
    reading = client.fetch([ref("contact", CONTACT), ref("contact", OTHER)], NOON)
    assert reading.gone == {ref("contact", CONTACT), ref("contact", OTHER)}
    asked = [query for query in organisation.asked if " FROM Contact " in query]
    assert [len([one for one in asked if named in one]) for named in (purged, hidden)] == [1, 1]


def test_an_id_that_begins_like_another_kinds_keeps_nothing_from_the_others(
    client_of, organisation
):
    """Whoever knows the address of Outbound Messages can say that a contact's id is a lead's."""
    responded = Attribute("responded", "activity", "contact", {"salesforce": "CampaignMember.FirstRespondedDate"}, "form.submitted")  # fmt: skip
    organisation.extra = {"CampaignMember": {"FirstRespondedDate": {}}}
    member = record("CampaignMember", "00vWs00000A1b2CIAR", LeadId=LEAD, ContactId=None, HasResponded=True, FirstRespondedDate="2026-01-01")  # fmt: skip
    organisation.put(record("Lead", LEAD), member)
    reading = client_of(responded).fetch([ref("lead", CONTACT), ref("lead", LEAD)], NOON)
    assert "activity" in [one.type for one in reading.facts[ref("lead", LEAD)]]


def test_persons_move_themselves_and_are_not_asked_for(client, organisation):
    persons = [ref("contact", CONTACT), ref("lead", LEAD)]
    assert client.subjects(persons) == {one: (one,) for one in persons}
    assert not organisation.calls


def test_a_deal_leads_to_the_contacts_with_a_role_in_it(client, organisation):
    organisation.put(role(deal(), CONTACT), role(deal(), OTHER), role(deal(), CONTACT))
    found = client.subjects([ref("deal", DEAL)])
    assert found == {ref("deal", DEAL): (ref("contact", CONTACT), ref("contact", OTHER))}


def test_a_deal_of_a_person_account_leads_to_the_contact_that_it_is(client, organisation):
    organisation.extra = {"Account": {"PersonContactId": {}}}
    account = record("Account", ACCOUNT, PersonContactId=CONTACT)
    organisation.put(deal(Account=account))
    assert client.subjects([ref("deal", DEAL)]) == {ref("deal", DEAL): (ref("contact", CONTACT),)}


def test_a_record_leads_to_nobody_under_a_policy_that_has_nothing_of_it(client, organisation):
    asked = [ref("account", ACCOUNT), ref("ticket", "500Ws00000A1b2CIAR")]
    assert client.subjects(asked) == dict.fromkeys(asked, ())


def test_accounts_cases_and_line_items_lead_to_their_contacts(client_of, organisation):
    ticket, item = "500Ws00000A1b2CIAR", "00kWs00000A1b2CIAR"
    organisation.put(
        contact(AccountId=ACCOUNT),
        contact(OTHER, AccountId=ACCOUNT),
        record("Case", ticket, ContactId=CONTACT),
        record("OpportunityLineItem", item, OpportunityId=DEAL),
        role(deal(), OTHER),
    )
    client = client_of(INDUSTRY, PRIORITY, CATEGORY)
    kinds = {"account": ACCOUNT, "ticket": ticket, "line_item": item}
    found = client.subjects([ref(kind, identity) for kind, identity in kinds.items()])
    assert found == {
        ref("account", ACCOUNT): (ref("contact", CONTACT), ref("contact", OTHER)),
        ref("ticket", ticket): (ref("contact", CONTACT),),
        ref("line_item", item): (ref("contact", OTHER),),
    }


def test_what_is_hidden_leads_nowhere(client_of, organisation):
    """Change Data Capture tells of objects also that the integration user may not see."""
    organisation.hidden |= {"Case", "OpportunityContactRole"}
    asked = [ref("ticket", "500Ws00000A1b2CIAR"), ref("deal", DEAL)]
    assert client_of(PRIORITY).subjects(asked) == dict.fromkeys(asked, ())
    assert not organisation.asked[len(organisation.calls[0]) :]


def test_an_organisation_has_the_currency_of_its_company(client, organisation, double, connection):
    organisation.put(record("Organization", "00DWs000004ExA1MAK", TimeZoneSidKey="Europe/Berlin"))
    organisation.tables["CurrencyType"] = [
        record("CurrencyType", "01L", IsoCode="USD", ConversionRate=1.1, IsCorporate=False),
        record("CurrencyType", "01L", IsoCode="CHF", ConversionRate=1.0, IsCorporate=True),
    ]
    path = f"{connection.base_url}{ROOT}/connect/organization"
    several = {"features": {"multiCurrency": True, "defaultCurrencyIsoCode": None}}
    double.add("GET", path, json=several)
    account = client.account()
    assert (account.id, account.currency, account.time_zone) == (
        "00DWs000004ExA1MAK", "CHF", "Europe/Berlin",
    )  # fmt: skip
    one = {"features": {"multiCurrency": False, "defaultCurrencyIsoCode": "EUR"}}
    double.replace("GET", path, json=one)
    assert client.account().currency == "EUR"


def test_an_organisation_that_tells_no_currency_is_not_connected(
    client, organisation, double, connection
):
    organisation.put(record("Organization", "00DWs000004ExA1MAK", TimeZoneSidKey="Europe/Berlin"))
    double.add("GET", f"{connection.base_url}{ROOT}/connect/organization", json={"features": {}})
    with pytest.raises(CrmStumbled, match="currency"):
        client.account()


def test_what_is_shown_is_what_was_written(client, organisation):
    organisation.extra = {"Contact": {"Emtiaz_Score__c": {}, "Emtiaz_Tags__c": {}}}
    organisation.put(contact(Emtiaz_Score__c=82.0, Emtiaz_Tags__c="segment:loyal;class:A"))
    outputs = [one for one in OUTPUTS if one.name in ("score", "tags", "class")]
    shown = client.shown([ref("contact", CONTACT), ref("contact", OTHER)], outputs)
    assert shown == {
        ref("contact", CONTACT): {"score": 82, "class": None, "tags": ("class:A", "segment:loyal")}
    }


def test_a_converted_lead_shows_nothing_any_more(client, organisation):
    """It can still be queried, and not be written; where it went is for a reading to find out."""
    organisation.put(record("Lead", LEAD, IsConverted=True, ConvertedContactId=CONTACT))
    assert client.shown([ref("lead", LEAD)], []) == {}
    organisation.tables["Lead"][0]["IsConverted"] = False
    assert client.shown([ref("lead", LEAD)], []) == {ref("lead", LEAD): {}}


@pytest.mark.parametrize(("looks", "places"), [(True, (0, 2, 1, 3)), (False, (0, 1, 2, 3))])
def test_contacts_of_an_account_are_written_beside_each_other_where_they_were_looked_at(
    client, organisation, looks, places
):
    """Each write of one locks its account; of others nothing tells which it is."""
    ids = [f"003Ws00000A1b{number:02}" for number in range(10, 14)]
    refs = [ref("contact", one) for one in map(full_of, ids)]
    organisation.put(*(contact(full_of(one), AccountId=f"00{index % 2}") for index, one in enumerate(ids)))  # fmt: skip
    if looks:
        client.shown(refs, [])
    client.write([Update(one, {"score": 1}) for one in refs])
    (body, _) = organisation.written[0]
    order = [one["id"] for one in body["records"]]
    assert order == [full_of(ids[index]) for index in places]


def full_of(short):
    from connectors.salesforce.ids import full

    return full(short)


def test_a_field_is_written_under_its_own_name_and_cleared_by_null(client, organisation):
    fields = {"score": 82, "rfm_segment": None, "tags": ("class:A", "segment:loyal"), "last_purchase": "2026-09-30T08:14:52.000Z"}  # fmt: skip
    assert client.write([Update(ref("lead", LEAD), fields)]) == {}
    body, headers = organisation.written[0]
    assert body == {
        "allOrNone": False,
        "records": [
            {
                "attributes": {"type": "Lead"},
                "id": LEAD,
                "Emtiaz_Score__c": 82,
                "Emtiaz_Rfm_Segment__c": None,
                "Emtiaz_Tags__c": "class:A;segment:loyal",
                "Emtiaz_Last_Purchase__c": "2026-09-30T08:14:52.000Z",
            }
        ],
    }
    assert headers["Sforce-Call-Options"] == "client=emtiaz"
    assert headers["Sforce-Duplicate-Rule-Header"] == "allowSave=true"
    assert headers["Sforce-Auto-Assign"] == "FALSE"


def test_each_kind_is_written_in_batches_of_its_own(client, organisation):
    refs = [ref("contact", f"003Ws00000A{number:04}") for number in range(201)]
    client.write([Update(one, {"score": 1}) for one in [*refs, ref("lead", LEAD), ref("account", ACCOUNT)]])  # fmt: skip
    written = [
        ({one["attributes"]["type"] for one in body["records"]}, len(body["records"]))
        for body, _ in organisation.written
    ]
    assert written == [({"Contact"}, 200), ({"Contact"}, 1), ({"Lead"}, 1), ({"Account"}, 1)]


OUTPUT_TYPES = {
    "score": {"type": "double"}, "class": {"type": "picklist"}, "tags": {"type": "multipicklist"},
    "why": {"type": "string"}, "last_purchase": {"type": "datetime"},
}  # fmt: skip
SOME = [one for one in OUTPUTS if one.name in OUTPUT_TYPES]


def fields_of_ours(**changed):
    from connectors.salesforce.owned import field_name

    types = {**OUTPUT_TYPES, **changed}
    return {field_name(name): told for name, told in types.items() if told}


def test_nothing_is_planned_where_all_fields_are_there(client, organisation):
    organisation.extra = {"Contact": fields_of_ours(), "Lead": fields_of_ours()}
    assert client.plan(SOME, "en") == ()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (None, "deploy the project"),
        ({"type": "string"}, "should be double or int"),
        ({"type": "double", "updateable": False}, "permission set"),
    ],
)
def test_what_is_missing_or_cannot_be_written_is_for_a_person(client, organisation, changed, told):
    organisation.extra = {"Contact": fields_of_ours(score=changed), "Lead": fields_of_ours()}
    [change] = client.plan(SOME, "en")
    assert (change.action, change.target) == ("conflict", "Contact.Emtiaz_Score__c")
    assert told in change.detail
    assert client.provision(SOME, "en") == ()


def test_a_picklist_that_takes_no_new_values_is_told_of(client, organisation):
    restricted = {"type": "multipicklist", "restrictedPicklist": True}
    organisation.extra = {"Contact": fields_of_ours(), "Lead": fields_of_ours(tags=restricted)}
    [change] = client.plan(SOME, "en")
    assert change.target == "Lead.Emtiaz_Tags__c"


def test_inputs_that_are_misspelt_or_hidden_are_told(client_of, organisation):
    """Scores are made without them, which nobody would notice."""
    organisation.extra = {"Contact": {"Title": {}}, "Task": {"CompletedDateTime": {}}, "Product2": {"Family": {}}}  # fmt: skip
    misspelt = Attribute("budget", "number", "contact", {"salesforce": "Budgt__c"})
    unknown = Attribute("met", "activity", "contact", {"salesforce": "Evnt.EndDateTime"}, "meeting.held")  # fmt: skip
    of_product = Attribute("sort", "text", "line_item", {"salesforce": "Product2.Sort__c"})
    elsewhere = Attribute("plan", "text", "contact", {"hubspot": "plan"})
    organisation.hidden.add("Case")
    client = client_of(TITLE, CALLED, PRIORITY, misspelt, unknown, of_product, elsewhere)
    assert [(one.action, one.target) for one in client.plan([], "en")] == [
        ("missing", "Case.Priority"), ("missing", "Contact.Budgt__c"),
        ("missing", "Contact.Evnt.EndDateTime"), ("missing", "Product2.Sort__c"),
    ]  # fmt: skip


def test_what_can_wait_does_while_calls_are_scarce(client, organisation, double, connection):
    """What people change is read all the same."""
    path = f"{connection.base_url}{ROOT}/connect/organization"
    usage = {"Sforce-Limit-Info": "api-usage=80001/100000"}
    told = {"features": {"defaultCurrencyIsoCode": "EUR"}}
    double.add("GET", path, json=told, headers=usage)
    organisation.put(record("Organization", "00DWs000004ExA1MAK", TimeZoneSidKey="UTC"))
    client.account()
    for ask in (lambda: client.list_subjects(None), lambda: client.changed_since(NOON, None)):
        with pytest.raises(RateLimited):
            ask()
    client.fetch([ref("contact", CONTACT)], NOON)


def test_what_a_person_did_yet_to_come_is_not_done(client_of, organisation):
    organisation.extra = {"Task": {"CompletedDateTime": {}}}
    later = "2026-03-21T12:00:01.000+0000"
    organisation.put(
        contact(),
        record(
            "Task", "00TWs00000A1b2CMAR", WhoId=CONTACT, TaskSubtype="Call", CompletedDateTime=later
        ),
    )
    client = client_of(CALLED)
    kinds = {NOON: [], NOON + timedelta(seconds=2): ["call.held"]}
    for at, expected in kinds.items():
        reading = client.fetch([ref("contact", CONTACT)], at)
        facts = reading.facts[ref("contact", CONTACT)]
        assert [one.data["kind"] for one in facts if one.type == "activity"] == expected


def test_a_zone_that_nobody_knows_reads_days_as_utc(client_of, organisation, connection):
    organisation.put(contact(), role(deal(), CONTACT))
    client = client_of()
    client._connection = replace(cases.connection_of("salesforce"), time_zone="Mars/Base")
    reading = client.fetch([ref("contact", CONTACT)], datetime(2026, 11, 1, tzinfo=UTC))
    [purchase] = [one for one in reading.facts[ref("contact", CONTACT)] if one.type == "deal"]
    assert purchase.data["closed_at"] == "2026-09-30T00:00:00.000Z"

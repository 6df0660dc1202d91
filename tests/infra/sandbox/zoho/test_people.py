"""The people of ``infra.sandbox.stand_in``, at work in Zoho, and what they see there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from inspect import getmembers, isfunction

import pytest
import requests

from chalicelib.core.policy import Attribute
from infra.sandbox import stand_in as contract
from infra.sandbox.stand_in import Deal, Person, Revision
from infra.sandbox.zoho import StandIn
from infra.sandbox.zoho.modules import CONTACTS, DEALS, PRODUCTS
from tests.infra.sandbox.zoho.conftest import Api


def test_nothing_of_the_contract_is_missing(zoho: StandIn) -> None:
    for protocol, whole in (
        (contract.StandIn, zoho),
        (contract.People, zoho.people),
        (contract.Faults, zoho.faults), (contract.Requests, zoho.requests),
    ):  # fmt: skip
        wanted = [name for name, _ in getmembers(protocol, isfunction) if name[0] != "_"]
        assert [name for name in wanted if not hasattr(whole, name)] == []
    assert "zoho" in contract.names()


def test_a_deal_is_changed_won_and_parted(zoho: StandIn, api: Api, ann: str) -> None:
    people = zoho.people
    made = people.add_deal(ann, Deal("10.00", "USD", name="First order"))
    people.set_amount(made, "12.50")
    people.win(made)
    (found,) = api.get(f"Deals/{made}").json()["data"]
    assert (found["Amount"], found["Stage"], found["Deal_Name"]) == (
        12.5, "Closed Won", "First order",
    )  # fmt: skip
    people.set_deal(made, Deal("20.00", "EUR", "lost", step="Closed Lost to Competition"))
    people.part(made, ann)

    (found,) = api.get(f"Deals/{made}").json()["data"]
    assert (found["Amount"], found["Currency"], found["Stage"], found["Contact_Name"]) == (
        20.0, "EUR", "Closed Lost to Competition", None,
    )  # fmt: skip
    people.delete_deal(made)
    assert api.get(f"Deals/{made}").status_code == 204


def test_records_are_kept_by_zohos_names_from_text(zoho: StandIn, api: Api, ann: str) -> None:
    people = zoho.people
    company = people.keep("account", {"Account_Name": "Acme", "Employees": "200"})
    people.join(ann, company)
    people.keep("contact", {"Email_Opt_Out": "true", "Title": ""}, ann)
    ticket = people.keep("ticket", {"Subject": "Broken", "Priority": "High"})

    (found,) = api.get(f"Contacts/{ann}").json()["data"]
    assert found["Account_Name"]["name"] == "Acme"
    assert (found["Email_Opt_Out"], found["Title"]) == (True, None)
    assert api.get(f"Accounts/{company}").json()["data"][0]["Employees"] == 200
    assert api.get(f"Cases/{ticket}").json()["data"][0]["Status"] == "New"


def test_what_people_did_stands_where_zoho_keeps_it(zoho: StandIn, api: Api) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    active = {"call.held": at, "meeting.held": at, "email.opened": at}
    person = zoho.people.load_person(Person("a@example.com", active=active))

    (call,) = api.get(f"Contacts/{person}/Calls", fields="Call_Start_Time").json()["data"]
    (meeting,) = api.get(f"Contacts/{person}/Events", fields="Start_DateTime").json()["data"]
    assert call["Call_Start_Time"] == meeting["Start_DateTime"] == "2026-03-01T15:30:00+03:30"


def test_the_products_of_a_deal_are_listed(zoho: StandIn, api: Api, deal: str) -> None:
    row = {"Product_Name": "Scanner", "Product_Category": "Hardware", "Unit_Price": 99.5}
    zoho.org.link_product(deal, zoho.org.load(PRODUCTS, row).id)

    (found,) = api.get(f"Deals/{deal}/Products", fields="Product_Category").json()["data"]
    assert found["Product_Category"] == "Hardware"


def test_our_fields_are_known_by_their_labels_in_either_language(
    zoho: StandIn, api: Api, ann: str
) -> None:
    labels = ("Emtiaz score", "بخش مشتری (امتیاز)", "Emtiaz last purchase sum")
    rows = [{"field_label": one, "data_type": "text"} for one in labels]
    assert api.post("settings/fields", {"fields": rows}, module="Contacts").ok
    names = [
        next(one.name for one in zoho.org.schema.fields(CONTACTS).values() if one.label == label)
        for label in labels
    ]
    api.write("Contacts", {"id": ann, **dict(zip(names, ("71", "loyal", "10"), strict=True))})
    zoho.people.keep("contact", {names[0]: "99"}, ann)

    assert zoho.people.shown(ann) == {
        "score": "99", "rfm_segment": "loyal", "last_purchase_amount": "10",
    }  # fmt: skip
    values = [(one.value, one.ours) for one in zoho.people.revisions(ann, "score")]
    assert values == [("71", True), ("99", False)]
    assert zoho.people.revisions(ann, "class") == []
    assert isinstance(zoho.people.revisions(ann, "score")[0], Revision)


@pytest.mark.parametrize(("type_", "kind"), [("number", "double"), ("text", "text")])
def test_a_field_that_a_policy_asks_for_is_made_once(zoho: StandIn, type_: str, kind: str) -> None:
    attribute = Attribute("birthday", type_, "contact", {"zoho": "Emtiaz_Extra"})  # type: ignore[arg-type]
    zoho.define(attribute)
    made = zoho.org.schema.get(CONTACTS, "Emtiaz_Extra")
    zoho.define(attribute)

    assert (made.type, made.custom) == (kind, True)
    assert zoho.org.schema.get(CONTACTS, "Emtiaz_Extra") is made


def test_a_standard_field_is_left_as_it_is(zoho: StandIn) -> None:
    zoho.define(Attribute("amount", "number", "deal", {"zoho": "Amount"}))

    assert zoho.org.schema.get(DEALS, "Amount").custom is False


def test_time_passes_at_will(zoho: StandIn) -> None:
    before = zoho.people.now()
    zoho.people.pass_time(timedelta(days=3))

    assert zoho.people.now() - before >= timedelta(days=3)


def test_the_pages_show_a_person_with_score_deals_and_history(
    zoho: StandIn, api: Api, ann: str, deal: str
) -> None:
    rows = [{"field_label": "Emtiaz score", "data_type": "integer"}]
    api.post("settings/fields", {"fields": rows}, module="Contacts")
    api.write("Contacts", {"id": ann, "Emtiaz_score": 71})
    api.post("Contacts/actions/add_tags", {"tags": [{"name": "class:A"}], "ids": [ann]})
    listing = requests.get(zoho.url, timeout=5).text
    page = requests.get(zoho.people.record_url(ann), timeout=5).text

    assert "Stand-in Zoho CRM" in page
    assert f'href="/crm/org5725767/tab/Contacts/{ann}"' in listing
    for text in ("Ann Lee", "Blue Harbour", '<strong data-field="score">71</strong>', "class:A",
                 "10.00 EUR", "Paid", "Emtiaz"):  # fmt: skip
        assert text in page


def test_a_page_has_a_version_that_moves_with_its_records(
    zoho: StandIn, ann: str, deal: str
) -> None:
    def version() -> str:
        state = f"{zoho.people.record_url(ann)}/state"
        return str(requests.get(state, timeout=5).json()["version"])

    first = version()
    assert version() == first
    zoho.people.set_amount(deal, "11.00")
    assert version() != first


def test_a_visitor_may_promote_somebody_by_hand(zoho: StandIn, ann: str) -> None:
    line = zoho.people.record_url(ann)
    assert line
    address = f"{zoho.url}/_control/records/Contacts/{ann}"
    assert address in zoho.promotion(ann)

    assert requests.patch(address, json={"Title": "Chief Executive Officer"}, timeout=5).ok
    assert zoho.org.get(CONTACTS, ann).values["Title"] == "Chief Executive Officer"

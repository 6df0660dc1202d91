from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta

import pytest

from infra.sandbox.stand_in import Deal, Person
from infra.sandbox.zoho import StandIn
from infra.sandbox.zoho.instants import spell
from infra.sandbox.zoho.modules import CONTACTS, DEALS, LEADS
from infra.sandbox.zoho.organisation import AT_WORK
from tests.infra.sandbox.zoho.conftest import Api, code, people


def test_a_record_is_spelled_with_links_and_the_zone_of_the_user(
    zoho: StandIn, api: Api, deal: str, ann: str
) -> None:
    (found,) = api.get(f"Deals/{deal}").json()["data"]

    assert found["Contact_Name"] == {"name": "Ann Lee", "id": ann}
    assert found["Owner"]["email"] == "p.boyle@example.com"
    assert (found["Amount"], found["Currency"], found["Exchange_Rate"]) == (10.0, "EUR", 0.8)
    modified = zoho.org.get(DEALS, deal).modified_at
    assert found["Modified_Time"] == spell(modified, "Asia/Tehran")
    assert (found["Stage"], found["Probability"]) == ("Closed Won", 100)


def test_without_fields_nothing_is_listed(api: Api, ann: str) -> None:
    assert code(api.get("Contacts")) == (400, "REQUIRED_PARAM_MISSING")
    too_many = ",".join(f"Field_{one}" for one in range(51))
    assert code(api.get("Contacts", fields=too_many)) == (400, "LIMIT_EXCEEDED")


def test_what_is_not_there_is_204_and_what_did_not_change_304(
    zoho: StandIn, api: Api, ann: str
) -> None:
    later = spell(zoho.org.now() + timedelta(hours=1), "UTC")

    assert api.get("Leads", fields="Email").status_code == 204
    assert api.get("Contacts/5725767000000999999").status_code == 204
    assert api.get("Contacts", later, fields="Email").status_code == 304
    assert api.get("Contacts", later, fields="Email").content == b""


def test_chosen_ids_are_limited_by_their_length(zoho: StandIn, api: Api) -> None:
    ids = people(zoho, 60)

    found = api.get("Contacts", fields="Email", ids=",".join(ids[:51])).json()["data"]
    assert {one["id"] for one in found} == set(ids[:51])
    assert code(api.get("Contacts", fields="Email", ids=",".join(ids))) == (400, "INVALID_DATA")


def test_pages_beyond_two_thousand_need_the_token(zoho: StandIn, api: Api) -> None:
    ids = people(zoho, 2_150)
    found: list[str] = []
    query = {"fields": "Email"}
    while True:
        page = api.get("Contacts", **query).json()
        found += [one["id"] for one in page["data"]]
        if not page["info"]["more_records"]:
            break
        query["page_token"] = page["info"]["next_page_token"]

    assert sorted(found) == ids
    limit = 400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED"
    assert code(api.get("Contacts", fields="Email", page=11)) == limit


def test_a_page_token_is_bound_to_its_parameters(zoho: StandIn, api: Api) -> None:
    people(zoho, 3)
    info = api.get("Contacts", fields="Email", per_page=2).json()["info"]
    asked = {"fields": "Email", "per_page": 2, "page_token": info["next_page_token"]}

    assert len(api.get("Contacts", **asked).json()["data"]) == 1
    changed = asked | {"fields": "Phone"}
    assert code(api.get("Contacts", **changed)) == (400, "TOKEN_BOUND_DATA_MISMATCH")
    beside = asked | {"page": 2}
    assert code(api.get("Contacts", **beside)) == (400, "AMBIGUITY_DURING_PROCESSING")


def test_converted_leads_leave_the_listing(zoho: StandIn, api: Api) -> None:
    lead = zoho.org.load(LEADS, {"Last_Name": "Roe", "Email": "r@example.com", "Company": "Acme"})
    made = zoho.org.convert(lead.id, {"Deals": {"Deal_Name": "New", "Stage": "Qualification"}},
                            AT_WORK)  # fmt: skip

    assert api.get("Leads", fields="Email").status_code == 204
    (found,) = api.get("Leads", fields="Converted_Contact", converted="both").json()["data"]
    assert found["Converted_Contact"]["id"] == made["Contacts"].id
    assert api.get(f"Leads/{lead.id}").json()["data"][0]["Converted__s"] is True
    (contact,) = api.get(f"Contacts/{made['Contacts'].id}").json()["data"]
    assert contact["Account_Name"]["name"] == "Acme"
    (deal,) = api.get(f"Contacts/{contact['id']}/Deals", fields="Stage").json()["data"]
    assert deal["id"] == made["Deals"].id


def test_the_deleted_are_listed_by_whether_they_can_come_back(zoho: StandIn, api: Api) -> None:
    first, second, third = people(zoho, 3)
    zoho.people.delete_person(first)
    zoho.people.erase_person(second)
    zoho.people.merge(third, zoho.people.add_person(Person("x@example.com")))

    def listed(kind: str) -> set[str]:
        return {one["id"] for one in api.get("Contacts/deleted", type=kind).json()["data"]}

    assert listed("recycle") == {first}
    assert second in listed("permanent")
    assert len(listed("all")) == 3
    assert {one["id"] for one in api.get("Contacts", fields="id").json()["data"]} == {third}


def test_the_bin_is_emptied_after_sixty_days(zoho: StandIn, ann: str) -> None:
    zoho.people.delete_person(ann)
    zoho.clock.advance(timedelta(days=61))

    gone = next(one.deletion for one in zoho.org.every(CONTACTS))
    assert gone
    assert gone.kind(zoho.org.now()) == "permanent"


def test_a_merge_fills_what_is_empty_and_moves_deals(zoho: StandIn, api: Api, deal: str) -> None:
    survivor = zoho.people.load_person(Person("s@example.com"))
    loser = zoho.org.get(CONTACTS, zoho.people.everybody()[0])
    zoho.people.merge(survivor, loser.id)

    (found,) = api.get(f"Contacts/{survivor}").json()["data"]
    assert (found["Email"], found["Secondary_Email"]) == ("s@example.com", "ann@example.com")
    assert found["Title"] == "Buyer"
    (moved,) = api.get(f"Contacts/{survivor}/Deals", fields="Stage").json()["data"]
    assert moved["id"] == deal


def test_nothing_leads_to_what_is_deleted(zoho: StandIn, api: Api, deal: str, ann: str) -> None:
    zoho.people.delete_person(ann)

    (found,) = api.get(f"Deals/{deal}").json()["data"]
    assert found["Contact_Name"] is None


def test_people_are_found_by_either_address(zoho: StandIn, api: Api, ann: str) -> None:
    zoho.org.update(CONTACTS, ann, {"Secondary_Email": "lee@example.com"}, AT_WORK)

    for address in ("ANN@example.com", "lee@example.com"):
        (found,) = api.get("Contacts/search", email=address).json()["data"]
        assert found["id"] == ann
    assert api.get("Contacts/search", email="nobody@example.com").status_code == 204


def test_a_bulk_job_is_polled_and_fetched_as_csv_in_a_zip(zoho: StandIn, api: Api) -> None:
    ids = people(zoho, 3)
    asked = {"query": {"module": {"api_name": "Contacts"}, "fields": ["id", "Email"], "page": 1}}
    made = api.post("/crm/bulk/v8/read", asked)
    job = made.json()["data"][0]["details"]["id"]

    assert made.json()["data"][0]["code"] == "ADDED_SUCCESSFULLY"
    states = []
    for _ in range(3):
        states.append(api.get(f"/crm/bulk/v8/read/{job}").json()["data"][0]["state"])
        zoho.clock.advance(timedelta(seconds=1))
    assert states == ["ADDED", "IN PROGRESS", "COMPLETED"]
    answer = api.get(f"/crm/bulk/v8/read/{job}/result")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read(f"{job}.csv").decode())))
    assert [one["Id"] for one in rows] == ids
    assert rows[0]["Email"] == "n0@example.com"


def test_ten_downloads_a_minute(zoho: StandIn, api: Api, ann: str) -> None:
    zoho.bulk.at_once = True
    asked = {"query": {"module": {"api_name": "Contacts"}, "fields": ["id"]}}
    job = api.post("/crm/bulk/v8/read", asked).json()["data"][0]["details"]["id"]

    statuses = [api.get(f"/crm/bulk/v8/read/{job}/result").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_the_organisation_says_what_it_is(zoho: StandIn, api: Api) -> None:
    (org,) = api.get("org").json()["org"]
    rates = {one["iso_code"]: one for one in api.get("org/currencies").json()["currencies"]}
    (user,) = api.get("users", type="CurrentUser").json()["users"]

    assert (org["iso_code"], org["time_zone"]) == ("USD", "Asia/Tehran")
    assert org["license_details"]["paid_type"] == "enterprise"
    assert (rates["USD"]["is_base"], float(rates["EUR"]["exchange_rate"])) == (True, 0.8)
    assert user["email"] == "robot@example.com"


def test_stages_are_told_by_their_forecast_not_by_their_label(api: Api) -> None:
    values = {one["actual_value"]: one for one in api.field("Deals", "Stage")["pick_list_values"]}

    won = values["Closed Won"]
    assert (won["display_value"], won["forecast_type"], won["probability"]) == (
        "Paid", "Closed Won", 100,
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/crm/v1/Contacts", "/crm/v8/settings/nothing/at/all"])
def test_a_wrong_path_is_an_invalid_pattern(api: Api, path: str) -> None:
    assert code(api.get(path)) == (404, "INVALID_URL_PATTERN")


def test_deals_are_counted_in_their_own_currency(zoho: StandIn, ann: str) -> None:
    made = zoho.people.add_deal(ann, Deal("100.00", "USD"))
    values = next(one for one in zoho.dump()["Deals"] if one["id"] == made)

    assert (values["Currency"], values["Exchange_Rate"], values["Expected_Revenue"]) == (
        "USD", 1.0, 20.0,
    )  # fmt: skip

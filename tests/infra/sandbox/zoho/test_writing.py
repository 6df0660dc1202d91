from __future__ import annotations

from typing import Any

import pytest

from infra.sandbox.zoho import StandIn, start
from infra.sandbox.zoho.modules import CONTACTS
from infra.sandbox.zoho.settings import Guesses
from tests.infra.sandbox.zoho.conftest import Api, code, people


def test_every_record_of_a_write_has_a_status_of_its_own(zoho: StandIn, api: Api, ann: str) -> None:
    answer = api.write("Contacts", {"id": ann, "Title": "CEO"}, {"id": "1", "Title": "CEO"})

    good, bad = answer.json()["data"]
    assert answer.status_code == 207
    assert (good["status"], good["details"]["id"]) == ("success", ann)
    assert good["details"]["Modified_By"]["name"] == "Emtiaz Robot"
    assert (bad["code"], bad["details"]["json_path"]) == ("INVALID_DATA", "$.data[1].id")
    assert api.get(f"Contacts/{ann}").json()["data"][0]["Title"] == "CEO"


def test_where_all_fail_it_is_400_and_mixed_may_be_200(zoho: StandIn, api: Api, ann: str) -> None:
    zoho.org.guesses = Guesses(mixed_status=200)
    good, bad = {"id": ann, "Title": "CEO"}, {"id": "1", "Title": "CEO"}

    assert api.write("Contacts", bad).status_code == 400
    assert api.write("Contacts", good, bad).status_code == 200
    assert api.write("Contacts", good).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Title", 5, {"expected_data_type": "text"}),
        ("Title", "x" * 101, {"maximum_length": 100}),
        ("Email", "nobody", {"expected_data_type": "email"}),
        ("Email_Opt_Out", "true", {"expected_data_type": "boolean"}),
        ("Lead_Source", "Dream", {"api_name": "Lead_Source"}),
        ("Date_of_Birth", "21.03.1990", {"expected_data_type": "date"}),
        ("Account_Name", {"id": "1"}, {"api_name": "Account_Name"}),
        ("Account_Name", {"id": True}, {"expected_data_type": "jsonobject"}),
        ("Owner", {"id": "1"}, {"api_name": "Owner"}),
        ("Currency", "XXX", {"api_name": "Currency"}),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    api: Api, ann: str, name: str, value: Any, expected: dict[str, Any]
) -> None:
    (found,) = api.write("Contacts", {"id": ann, name: value}).json()["data"]

    assert found["code"] == "INVALID_DATA"
    assert found["details"].items() >= expected.items()


@pytest.mark.parametrize("value", ["2026-03-01T12:00:00.500+00:00", "2026-03-01T12:00:00", 17])
def test_an_instant_has_a_zone_and_no_fractions(api: Api, ann: str, value: Any) -> None:
    row = {"field_label": "Seen", "data_type": "datetime"}
    assert api.post("settings/fields", {"fields": [row]}, module="Contacts").ok

    assert code(api.write("Contacts", {"id": ann, "Seen": value})) == (400, "INVALID_DATA")
    assert api.write("Contacts", {"id": ann, "Seen": "2026-03-01T12:00:00+00:00"}).ok
    (found,) = api.get(f"Contacts/{ann}").json()["data"]
    assert found["Seen"] == "2026-03-01T15:30:00+03:30"


def test_an_id_may_be_a_number_for_zohos_own_client_sends_them_so(api: Api, ann: str) -> None:
    assert api.write("Contacts", {"id": int(ann), "Title": "CEO"}).ok
    assert code(api.write("Contacts", {"id": True, "Title": "CEO"})) == (400, "INVALID_DATA")
    assert code(api.write("Contacts", {"Title": "CEO"})) == (400, "MANDATORY_NOT_FOUND")


def test_unknown_fields_are_passed_over_unless_one_guesses_otherwise(
    zoho: StandIn, api: Api, ann: str
) -> None:
    record = {"id": ann, "Nope": 1}

    assert api.write("Contacts", record).ok
    zoho.org.guesses = Guesses(unknown_fields_refused=True)
    assert code(api.write("Contacts", record)) == (400, "INVALID_DATA")


def test_a_hundred_records_are_the_most(zoho: StandIn, api: Api) -> None:
    rows = [{"id": one, "Title": "CEO"} for one in people(zoho, 101)]

    assert code(api.write("Contacts", *rows)) == (400, "INVALID_DATA")
    assert api.write("Contacts", *rows[:100]).status_code == 200


def test_what_a_write_asked_of_the_automation_is_kept(zoho: StandIn, api: Api, ann: str) -> None:
    api.write("Contacts", {"id": ann}, skip_feature_execution=[{"name": "cadences"}])
    api.put("Contacts", {"data": [{"id": ann}]})

    asked = [(one.trigger, one.skipped) for one in zoho.records.writings]
    assert asked == [((), ("cadences",)), (None, ())]
    assert code(api.put("Contacts", {"data": [{"id": ann}], "trigger": ["all"]})) == (
        400, "INVALID_DATA",
    )  # fmt: skip


def test_every_write_moves_the_dates_even_one_that_changes_nothing(
    zoho: StandIn, api: Api, ann: str
) -> None:
    zoho.org.get(CONTACTS, ann).modified_at = zoho.org.get(CONTACTS, ann).modified_at.replace(
        year=2020
    )
    api.write("Contacts", {"id": ann, "Title": "Buyer"})

    (found,) = api.get(f"Contacts/{ann}").json()["data"]
    assert found["Modified_By"]["name"] == "Emtiaz Robot"
    assert found["Last_Activity_Time"] == found["Modified_Time"] > "2021"


def test_a_task_names_the_module_that_it_is_about(api: Api, ann: str, deal: str) -> None:
    task = {"Subject": "Call", "What_Id": {"id": deal}, "Who_Id": {"id": ann}}

    assert code(api.post("Tasks", {"data": [task]})) == (400, "DEPENDENT_FIELD_MISSING")
    assert code(api.post("Tasks", {"data": [{"What_Id": {"id": deal}}]})) == (
        400, "MANDATORY_NOT_FOUND",
    )  # fmt: skip
    assert api.post("Tasks", {"data": [task | {"$se_module": "Deals"}]}).status_code == 201
    (found,) = api.get(f"Contacts/{ann}/Tasks", fields="Subject").json()["data"]
    assert found["Subject"] == "Call"


def test_a_note_is_made_on_its_record_or_beside_it(api: Api, ann: str) -> None:
    parent = {"module": {"api_name": "Contacts"}, "id": ann}
    note = {"Note_Title": "Gold", "Note_Content": "Now a gold customer"}

    assert api.post("Notes", {"data": [note | {"Parent_Id": parent}]}).status_code == 201
    assert api.post(f"Contacts/{ann}/Notes", {"data": [note]}).status_code == 201
    found = api.get(f"Contacts/{ann}/Notes", fields="Note_Title").json()["data"]
    assert len(found) == 2


def test_tags_are_added_beside_those_of_the_reps_and_taken_away(api: Api, ann: str) -> None:
    def tagged(action: str, *names: str, **more: Any) -> list[str]:
        body = {"tags": [{"name": one} for one in names], "ids": [ann], **more}
        (found,) = api.post(f"Contacts/actions/{action}", body).json()["data"]
        return [one["name"] for one in found["details"]["tags"]]

    assert tagged("add_tags", "VIP") == ["VIP"]
    assert tagged("add_tags", "class:A", "segment:new", over_write=False) == [
        "VIP", "class:A", "segment:new",
    ]  # fmt: skip
    assert tagged("remove_tags", "class:A", "never there") == ["VIP", "segment:new"]
    assert tagged("add_tags", "class:B", over_write=True) == ["class:B"]
    (found,) = api.get("Contacts", fields="Tag").json()["data"]
    assert [one["name"] for one in found["Tag"]] == ["class:B"]


def test_a_record_of_the_standard_edition_has_five_tags_and_a_module_twenty() -> None:
    with start(edition="standard") as zoho:
        ann = people(zoho, 1)[0]
        palette = zoho.org.palettes[CONTACTS]
        tags = [palette.make(f"tag {one}") for one in range(20)]

        left_out = palette.add(zoho.org.get(CONTACTS, ann), tags)
        assert [one.name for one in left_out] == [f"tag {one}" for one in range(5, 20)]
        with pytest.raises(Exception, match="tag limit"):
            palette.make("one more")


def test_a_name_of_26_characters_and_parameters_of_version_2_are_refused(
    api: Api, ann: str
) -> None:
    long = {"tags": [{"name": "x" * 26}], "ids": [ann]}

    assert code(api.post("Contacts/actions/add_tags", long)) == (400, "INVALID_DATA")
    answer = api.post("Contacts/actions/add_tags", {}, tag_names="A", ids=ann)
    assert code(answer) == (400, "INVALID_DATA")


def test_a_field_gets_the_name_that_zoho_gives_it(api: Api) -> None:
    rows = [
        {"field_label": "Emtiaz score", "data_type": "integer"},
        {"field_label": "امتیاز", "data_type": "double"},
        {"field_label": "دلیل امتیاز", "data_type": "textarea", "textarea": {"type": "small"}},
        {
            "field_label": "Emtiaz class", "data_type": "picklist",
            "pick_list_values": [{"display_value": "الف", "actual_value": "A"}],
        },
    ]  # fmt: skip
    answer = api.post("settings/fields", {"fields": rows}, module="Contacts")
    ids = [one["details"]["id"] for one in answer.json()["fields"]]
    found = {
        one["id"]: one for one in api.get("settings/fields", module="Contacts").json()["fields"]
    }

    assert answer.status_code == 201
    assert [found[one]["api_name"] for one in ids] == [
        "Emtiaz_score", "Field", "Field1", "Emtiaz_class",
    ]  # fmt: skip
    assert found[ids[2]]["length"] == 2_000
    assert found[ids[3]]["pick_list_values"][0]["actual_value"] == "A"
    assert all(found[one]["custom_field"] for one in ids)


def test_fields_are_five_a_call_have_short_labels_and_no_doubles(api: Api) -> None:
    def made(*labels: str) -> tuple[int, str]:
        rows = [{"field_label": one, "data_type": "integer"} for one in labels]
        return code(api.post("settings/fields", {"fields": rows}, module="Contacts"))

    assert made(*"abcdef") == (400, "INVALID_DATA")
    assert made("x" * 26) == (400, "INVALID_DATA")
    assert made("Email") == (400, "DUPLICATE_DATA")
    assert made("Score") == (201, "SUCCESS")
    assert made("SCORE") == (400, "DUPLICATE_DATA")


def test_the_standard_edition_has_ten_fields_of_ones_own() -> None:
    with start(edition="standard") as zoho:
        rows = [{"field_label": f"F{one}", "data_type": "integer"} for one in range(11)]
        create = zoho.org.schema.create
        entries = [one for row in rows for one in create(CONTACTS, [row])]

    assert [one["code"] for one in entries] == ["SUCCESS"] * 10 + ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize("reason", ["RECORD_LOCKED", "NOT_APPROVED"])
def test_a_record_that_is_held_back_is_not_written(
    zoho: StandIn, api: Api, ann: str, reason: str
) -> None:
    zoho.org.get(CONTACTS, ann).held_back = reason

    assert code(api.write("Contacts", {"id": ann, "Title": "CEO"})) == (400, reason)
    assert zoho.org.get(CONTACTS, ann).values["Title"] == "Buyer"


def test_the_values_of_a_pick_list_are_replaced_as_a_set(api: Api) -> None:
    values = [{"display_value": "A"}]
    row = {"field_label": "Klass", "data_type": "picklist", "pick_list_values": values}
    made = api.post("settings/fields", {"fields": [row]}, module="Contacts").json()
    field_id = made["fields"][0]["details"]["id"]
    body = {"fields": [{"pick_list_values": [*values, {"display_value": "B"}]}]}
    address = f"{api.url}/crm/v8/settings/fields/{field_id}?module=Contacts"

    assert api.session.patch(address, json=body, timeout=5).ok
    found = api.field("Contacts", "Klass")["pick_list_values"]
    assert [one["actual_value"] for one in found] == ["A", "B"]
    body = {"fields": [{"pick_list_values": [{"display_value": "B"}]}]}
    assert api.session.patch(address, json=body, timeout=5).ok
    assert len(api.field("Contacts", "Klass")["pick_list_values"]) == 1

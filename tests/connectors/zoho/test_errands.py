"""Tasks and notes: one call makes one, and what Zoho says of it is told on."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.core.connector import Errand
from chalicelib.core.errors import CrmStumbled, CrmUnavailable, RecordGone, WriteRefused
from connectors._http import Refused
from tests.connectors.zoho.api_double import V8, client, contact, error, lead, ref, rows, success

TASKS, NOTES = V8 + "/Tasks", V8 + "/Notes"
ERRAND = Errand("Call\nthem", "They are <waiting>", datetime(2026, 11, 1, 21, tzinfo=UTC))
MADE = {"data": [success("77")]}


@pytest.fixture
def zoho(api):
    for module in ("Contacts", "Leads", "Accounts"):
        api.answer("GET", f"{V8}/{module}", rows({"id": "1", "Owner": {"id": "5", "name": "P"}}))
    return api


@pytest.mark.parametrize(
    ("subject", "link"),
    [
        (contact(1), {"Who_Id": {"id": "1"}}),
        (lead(1), {"What_Id": {"id": "1"}, "$se_module": "Leads"}),
        (ref("account", 1), {"What_Id": {"id": "1"}, "$se_module": "Accounts"}),
    ],
)
def test_a_task_is_for_the_owner_and_due_on_the_organisations_day(zoho, subject, link):
    zoho.answer("POST", TASKS, MADE, 201)
    client().create_task(subject, ERRAND)
    [body] = zoho.calls_to(TASKS)
    task = {
        "Subject": "Call them",
        "Description": "They are <waiting>",
        "Due_Date": "2026-11-02",
        "Status": "Not Started",
        "Priority": "Normal",
        "Owner": {"id": "5"},
    }
    assert body == {"data": [task | link], "trigger": []}


def test_a_note_stands_on_its_record(api):
    api.answer("POST", NOTES, MADE, 201)
    client().create_note(lead(1), replace(ERRAND, title="x" * 130))
    [body] = api.calls_to(NOTES)
    assert body["data"] == [
        {
            "Note_Title": "x" * 120,
            "Note_Content": "They are <waiting>",
            "Parent_Id": {"module": {"api_name": "Leads"}, "id": "1"},
        }
    ]


def test_nothing_is_made_on_a_record_that_is_gone(api):
    api.answer("GET", V8 + "/Contacts", None, 204)
    with pytest.raises(RecordGone):
        client().create_task(contact(1), ERRAND)
    assert len(api.calls) == 1


@pytest.mark.parametrize("status", [200, 202, 207, 400])
@pytest.mark.parametrize(
    ("problem", "meaning"),
    [
        (
            error("INVALID_DATA", "the id given seems to be invalid", api_name="Parent_Id"),
            RecordGone,
        ),
        (error("INVALID_DATA", "too long", api_name="Note_Title"), WriteRefused),
        (error("NOT_APPROVED"), WriteRefused),
    ],
)
def test_a_refusal_is_told_whatever_its_status(api, status, problem, meaning):
    api.answer("POST", NOTES, {"data": [problem]}, status)
    with pytest.raises(meaning):
        client().create_note(contact(1), ERRAND)
    assert len(api.calls) == 1


def test_a_refusal_of_the_whole_call_stays_one(api):
    api.answer("POST", NOTES, error("INVALID_MODULE"), 400)
    with pytest.raises(Refused):
        client().create_note(contact(1), ERRAND)


@pytest.mark.parametrize(
    ("answer", "status", "meaning"),
    [({"data": []}, 200, CrmStumbled), ({}, 504, CrmUnavailable), ({}, 500, CrmStumbled)],
)
def test_what_may_have_been_made_is_never_made_again(api, answer, status, meaning):
    api.answer("POST", NOTES, answer, status)
    with pytest.raises(meaning):
        client().create_note(contact(1), ERRAND)
    assert len(api.calls) == 1

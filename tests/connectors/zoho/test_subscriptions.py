"""Channels: what Zoho is asked for, and what its answers are taken for."""

from datetime import timedelta

import pytest

from chalicelib.core.errors import Parked
from connectors.zoho.signature import address, path_token, token
from connectors.zoho.subscriptions import LIVES, channel_id
from tests.connectors.zoho.api_double import (
    NOW,
    SECRET,
    V8,
    WEBHOOK_SECRET,
    attribute,
    client,
    error,
)

WATCH = V8 + "/actions/watch"
INPUTS = ("Contact_Name", "Stage", "Pipeline", "Amount", "Closing_Date", "Currency")
FIELDS = {
    "Contacts": ("Title", "Email", "Modified_Time"),
    "Leads": ("Designation", "Email", "Converted__s", "Converted_Contact"),
    "Deals": (*INPUTS, "Modified_Time"),
}
TITLE, EMAIL = attribute("job_title", field="Title"), attribute("email", field="Email")


@pytest.fixture
def zoho(api):
    """An organisation that has the standard modules and no channel."""

    def fields(query):
        names = FIELDS.get(query["module"], ())
        described = [{"id": f"f-{one}", "api_name": one, "data_type": "text"} for one in names]
        return {"fields": [{"field_label": one["api_name"], **one} for one in described]}

    modules = [{"api_name": one, "id": f"m-{one}"} for one in FIELDS]
    api.answer("GET", V8 + "/settings/fields", fields)
    api.answer("GET", V8 + "/settings/modules", {"modules": modules})
    return api


def listed(api, *channels):
    if channels:
        api.answer("GET", WATCH, {"watch": [*channels], "info": {"more_records": False}})
    else:
        api.answer("GET", WATCH, None, 204)


def done(body, lives=None):
    return {
        "watch": [
            {
                "code": "SUCCESS",
                "status": "success",
                "details": {
                    "events": [
                        {"channel_expiry": lives or one["channel_expiry"], "channel_id": "1"}
                    ]
                },
            }
            for one in body["watch"]
        ]
    }


def held(module, left=timedelta(days=6, hours=12), **own):
    return {
        "channel_id": channel_id(SECRET.url, module),
        "events": [f"{module}.{one}" for one in ("create", "edit", "delete")],
        "channel_expiry": (NOW + left).isoformat(),
        "token": token(WEBHOOK_SECRET),
        "notify_url": address(SECRET),
    } | own


ALL_HELD = [held(module) for module in FIELDS]


def leaf(field):
    return {"field": {"api_name": field, "id": f"f-{field}"}}


def test_a_channel_is_asked_for_whole(zoho):
    listed(zoho)
    zoho.answer("POST", WATCH, done)
    client(TITLE, EMAIL).subscribe()
    [body] = [body["watch"] for method, _, body in zoho.calls if method == "POST"]
    assert body[0] == {
        "channel_id": channel_id(SECRET.url, "Contacts"),
        "events": ["Contacts.create", "Contacts.edit", "Contacts.delete"],
        "channel_expiry": "2026-11-08T07:55:00+00:00",
        "token": token(WEBHOOK_SECRET),
        "notify_url": f"{SECRET.url}/{path_token(WEBHOOK_SECRET)}",
        "notify_on_related_action": False,
        "notification_condition": [
            {
                "type": "field_selection",
                "module": {"api_name": "Contacts", "id": "m-Contacts"},
                "field_selection": {
                    "group_operator": "or",
                    "group": [leaf("Email"), leaf("Title")],
                },
            }
        ],
    }
    assert len(body) == 3
    assert all(len(one["token"]) <= 50 and len(one["notify_url"]) <= 255 for one in body)


def groups(selection):
    yield from [selection] if "group" in selection else []
    for inner in selection.get("group", ()):
        yield from groups(inner)


def test_no_group_of_a_condition_has_more_than_two_members(zoho):
    listed(zoho)
    zoho.answer("POST", WATCH, done)
    client().subscribe()
    [body] = [body["watch"] for method, _, body in zoho.calls if method == "POST"]
    [condition] = next(one for one in body if "Deals.edit" in one["events"])[
        "notification_condition"
    ]
    found = list(groups(condition["field_selection"]))
    assert [len(one["group"]) for one in found] == [2] * (len(INPUTS) - 1)


def test_more_than_ten_inputs_ring_without_a_condition(zoho, monkeypatch):
    many = [attribute(f"a{one}", field=f"Field_{one}") for one in range(11)]
    monkeypatch.setitem(FIELDS, "Contacts", tuple(f"Field_{one}" for one in range(11)))
    listed(zoho)
    zoho.answer("POST", WATCH, done)
    client(*many).subscribe()
    [body] = [body["watch"] for method, _, body in zoho.calls if method == "POST"]
    assert "notification_condition" not in body[0]
    assert "notification_condition" in body[1]


def test_channels_of_others_and_good_ones_of_ours_are_left_alone(zoho):
    listed(zoho, *ALL_HELD, {"channel_id": 7, "notify_url": "https://other.example"})
    assert client(TITLE, EMAIL).subscribe() == ()
    assert [method for method, _, _ in zoho.calls] == ["GET"]


@pytest.mark.parametrize(
    "own",
    [
        {"left": timedelta(days=5, hours=23)},
        {"left": timedelta(hours=-1)},
        {"channel_expiry": None},
        {"token": "another"},
        {"notify_url": "https://hooks.example.com/elsewhere"},
        {"events": ["Contacts.all"]},
        {"notification_condition": [{"field_selection": leaf("Title")}]},
        {"notification_condition": [{"field_selection": {"group": [leaf("Title"), leaf("x")]}}]},
    ],
)
def test_a_channel_that_is_not_as_it_should_be_is_defined_anew(zoho, own):
    listed(zoho, held("Contacts", **own), *ALL_HELD[1:])
    zoho.answer("PUT", WATCH, done)
    [change] = client(TITLE, EMAIL).subscribe()
    assert (change.action, change.target) == ("extend", "channel Contacts")
    [body] = [body["watch"] for method, _, body in zoho.calls if method == "PUT"]
    assert [one["channel_id"] for one in body] == [channel_id(SECRET.url, "Contacts")]


def test_a_condition_that_names_what_there_is_will_do(zoho):
    condition = [{"field_selection": {"group": [leaf("Title"), leaf("Email")]}}]
    listed(zoho, held("Contacts", notification_condition=condition), *ALL_HELD[1:])
    missing = attribute("size", field="Shoe_Size")
    assert client(TITLE, EMAIL, missing).subscribe() == ()


def test_one_that_ended_since_it_was_listed_is_opened_anew(zoho):
    listed(zoho, held("Contacts", left=timedelta(minutes=1)), *ALL_HELD[1:])
    zoho.answer("PUT", WATCH, {"watch": [error("NOT_SUBSCRIBED")]}, 400)
    zoho.answer("POST", WATCH, done)
    [change] = client(TITLE, EMAIL).subscribe()
    assert change.action == "create"


def test_one_that_was_there_though_not_listed_is_replaced(zoho):
    listed(zoho, *ALL_HELD[1:])
    zoho.answer("POST", WATCH, {"watch": [error("DUPLICATE_DATA")]}, 400)
    zoho.answer("PUT", WATCH, done)
    [change] = client(TITLE, EMAIL).subscribe()
    assert change.action == "extend"


def test_a_channel_that_zoho_made_shorter_is_a_conflict(zoho):
    listed(zoho, *ALL_HELD[1:])
    hour = (NOW + timedelta(hours=1)).isoformat()
    zoho.answer("POST", WATCH, lambda body: done(body, hour))
    [change] = client(TITLE, EMAIL).subscribe()
    assert (change.action, change.detail) == ("conflict", "until 2026-11-01T09:00+00:00")


def test_a_channel_that_is_refused_says_why_and_stops_no_other(zoho):
    listed(zoho, ALL_HELD[2])

    def answer(body):
        good = done(body)["watch"][1]
        return 207, {"watch": [error("LIMIT_REACHED", "too many channels"), good]}

    zoho.answer("POST", WATCH, answer)
    conflict, made = client(TITLE, EMAIL).subscribe()
    assert (conflict.action, conflict.target) == ("conflict", "channel Contacts")
    assert "too many channels" in conflict.detail
    assert (made.action, made.target) == ("create", "channel Leads")


def test_what_is_refused_as_a_whole_is_for_a_person(zoho):
    listed(zoho, *ALL_HELD[1:])
    zoho.answer("POST", WATCH, error("OAUTH_SCOPE_MISMATCH"), 401)
    with pytest.raises(Parked):
        client(TITLE, EMAIL).subscribe()


def test_a_module_that_the_organisation_has_not_got_has_no_channel(zoho, monkeypatch):
    monkeypatch.delitem(FIELDS, "Leads")
    listed(zoho, ALL_HELD[0], ALL_HELD[2])
    assert client(TITLE, EMAIL).subscribe() == ()


def test_only_what_is_there_is_closed(zoho):
    listed(zoho, ALL_HELD[0])
    zoho.answer("DELETE", WATCH, done({"watch": []}))
    client().unsubscribe()
    method, path, query = zoho.calls[-1]
    assert (method, path) == ("DELETE", WATCH)
    assert query == {"channel_ids": channel_id(SECRET.url, "Contacts")}


def test_ids_are_our_own_whoever_asks_and_fit_into_63_bits():
    ids = {
        channel_id(one, module) for one in (SECRET.url, "https://b.example") for module in FIELDS
    }
    assert len(ids) == 6
    assert all(0 < int(one) < 2**63 for one in ids)
    assert timedelta(days=7) > LIVES

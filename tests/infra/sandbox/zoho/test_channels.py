from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from infra.sandbox.stand_in import Deal
from infra.sandbox.zoho import StandIn
from infra.sandbox.zoho.instants import spell
from infra.sandbox.zoho.modules import ACCOUNTS, CONTACTS
from infra.sandbox.zoho.organisation import AT_WORK
from infra.sandbox.zoho.settings import Guesses
from infra.sandbox.zoho.workflows import Rule
from tests.infra.sandbox.conftest import Receiver
from tests.infra.sandbox.zoho.conftest import Api, Body, code, people, token

SECRET = "k3Vn0l9QmXb2Zt7RyA5wHs1DfUe8Jp4C"


def channel(zoho: StandIn, receiver: Receiver, **more: Any) -> Body:
    expiry = spell(zoho.org.now() + timedelta(days=7), "UTC")
    return {
        "channel_id": "7301000000001", "events": ["Contacts.all"], "token": SECRET,
        "notify_url": f"{receiver.url}?k=4f1c", "notify_on_related_action": False,
        "channel_expiry": expiry, **more,
    }  # fmt: skip


def watch(api: Api, body: Body) -> tuple[int, str]:
    return code(api.post("actions/watch", {"watch": [body]}))


def condition(api: Api, *names: str, **more: Any) -> Body:
    """Nested in pairs."""
    fields = [{"field": {n: api.field("Contacts", one)[n] for n in ("api_name", "id")}}
              for one in names]  # fmt: skip
    selection: Body = fields[-1]
    for one in reversed(fields[:-1]):
        selection = {"group_operator": "or", "group": [one, selection]}
    module = {"api_name": "Contacts", "id": CONTACTS.id}
    return {"type": "field_selection", "module": module, "field_selection": selection, **more}


def heard(zoho: StandIn, receiver: Receiver) -> list[Body]:
    assert zoho.flush(10)
    bodies = [json.loads(body) for _, body in receiver.requests]
    receiver.requests.clear()
    return bodies


def test_a_callback_names_records_and_changed_fields_and_is_not_signed(
    zoho: StandIn, api: Api, receiver: Receiver, ann: str
) -> None:
    assert watch(api, channel(zoho, receiver)) == (201, "SUCCESS")
    zoho.people.set_title(ann, "CEO")

    (body,) = heard(zoho, receiver)
    assert body == {
        "server_time": body["server_time"], "query_params": {"k": "4f1c"}, "module": "Contacts",
        "resource_uri": "https://www.zohoapis.com/crm/v2/Contacts", "ids": [ann],
        "affected_fields": [{ann: ["Title"]}], "operation": "update",
        "channel_id": "7301000000001", "token": SECRET,
    }  # fmt: skip


def test_insertion_deletion_restoration_and_merge(
    zoho: StandIn, api: Api, receiver: Receiver, ann: str
) -> None:
    watch(api, channel(zoho, receiver))
    first, second = people(zoho, 2)
    zoho.people.delete_person(first)
    assert [(one["operation"], one["ids"]) for one in heard(zoho, receiver)] == [
        ("delete", [first])
    ]
    zoho.people.restore_person(first)
    zoho.people.merge(ann, second)
    found = {one["operation"]: one for one in heard(zoho, receiver)}

    assert found.keys() == {"insert", "delete"}
    assert (found["insert"]["ids"], found["insert"]["affected_fields"]) == ([first], [])
    assert found["delete"]["ids"] == [second]


def test_many_records_come_in_one_callback(zoho: StandIn, api: Api, receiver: Receiver) -> None:
    watch(api, channel(zoho, receiver, return_affected_field_values=True))
    ids = people(zoho, 3)
    for one in ids:
        zoho.people.set_title(one, "CEO")

    bodies = heard(zoho, receiver)
    assert sorted(one for body in bodies for one in body["ids"]) == ids
    values = [one for body in bodies for one in body["affected_values"]]
    assert values[0] == {"record_id": values[0]["record_id"], "values": {"Title": "CEO"}}
    assert zoho.told() == 3


def test_our_own_writes_ring_unless_one_guesses_otherwise(
    zoho: StandIn, api: Api, receiver: Receiver, ann: str
) -> None:
    watch(api, channel(zoho, receiver))
    api.write("Contacts", {"id": ann, "Title": "CEO"})
    assert len(heard(zoho, receiver)) == 1
    zoho.org.guesses = Guesses(api_rings=False)
    api.write("Contacts", {"id": ann, "Title": "CTO"})

    assert heard(zoho, receiver) == []
    assert zoho.told() == 0


def test_a_condition_sifts_edits_by_field_and_lets_the_rest_through(
    zoho: StandIn, api: Api, receiver: Receiver, ann: str
) -> None:
    wanted = [condition(api, "Email", "Title", "Account_Name")]
    assert watch(api, channel(zoho, receiver, notification_condition=wanted)) == (201, "SUCCESS")
    zoho.people.set_country(ann, "Germany")
    assert heard(zoho, receiver) == []
    zoho.people.set_email(ann, "a@example.com")
    people_made = zoho.people.keep("contact", {"Last_Name": "Roe"})

    found = {one["operation"]: one["ids"] for one in heard(zoho, receiver)}
    assert found == {"update": [ann], "insert": [people_made]}


def test_what_a_condition_may_not_be(zoho: StandIn, api: Api, receiver: Receiver) -> None:
    def refused(one: Body) -> tuple[int, str]:
        return watch(api, channel(zoho, receiver, notification_condition=[one]))

    flat = condition(api, "Email")
    three = [condition(api, one)["field_selection"] for one in ("Email", "Title", "Phone")]
    flat["field_selection"] = {"group_operator": "or", "group": three}
    assert refused(flat) == (400, "INVALID_DATA")
    names = [
        "Email", "Title", "Phone", "Mobile", "Fax", "Department", "Lead_Source", "First_Name",
        "Last_Name", "Mailing_City", "Mailing_Country",
    ]  # fmt: skip
    assert refused(condition(api, *names)) == (400, "INVALID_DATA")
    assert refused(condition(api, *names[:10])) == (201, "SUCCESS")
    other = {"api_name": "Contacts", "id": ACCOUNTS.id}
    assert refused(condition(api, "Email", module=other)) == (400, "AMBIGUITY_DURING_PROCESSING")
    assert refused(condition(api, "Email", type="all")) == (400, "INVALID_DATA")


@pytest.mark.parametrize(
    ("member", "value", "expected"),
    [
        ("token", "x" * 51, "INVALID_DATA"),
        ("channel_id", "seven", "INVALID_DATA"),
        ("channel_id", str(2**63), "INVALID_DATA"),
        ("notify_url", "http://x/" + "y" * 250, "INVALID_DATA"),
        ("notify_url", "", "MANDATORY_NOT_FOUND"),
        ("events", ["Notes.create"], "NOT_SUPPORTED"),
        ("events", ["Contacts.update"], "NOT_SUPPORTED"),
        ("channel_expiry", "tomorrow", "INVALID_DATA"),
    ],
)
def test_what_a_channel_may_not_be(
    zoho: StandIn, api: Api, receiver: Receiver, member: str, value: Any, expected: str
) -> None:
    assert watch(api, channel(zoho, receiver, **{member: value})) == (400, expected)


@pytest.mark.parametrize("days", [None, 8])
def test_a_life_of_more_than_seven_days_becomes_an_hour_without_a_word(
    zoho: StandIn, api: Api, receiver: Receiver, days: int | None
) -> None:
    at = spell(zoho.org.now() + timedelta(days=days), "UTC") if days else None
    answer = api.post("actions/watch", {"watch": [channel(zoho, receiver, channel_expiry=at)]})

    (told,) = answer.json()["watch"][0]["details"]["events"]
    assert answer.status_code == 201
    life = datetime.fromisoformat(told["channel_expiry"]) - zoho.org.now()
    assert timedelta(minutes=59) < life <= timedelta(hours=1)


def test_a_channel_ends_in_silence_and_can_then_only_be_made_anew(
    zoho: StandIn, api: Api, receiver: Receiver, ann: str
) -> None:
    zoho.oauth.access_life = timedelta(days=9)
    api.session.headers["Authorization"] = f"Zoho-oauthtoken {token(zoho)}"
    body = channel(zoho, receiver)
    watch(api, body)
    assert len(api.get("actions/watch").json()["watch"]) == 1
    zoho.clock.advance(timedelta(days=7, seconds=1))
    zoho.people.set_title(ann, "CEO")

    assert heard(zoho, receiver) == []
    assert api.get("actions/watch").status_code == 204
    assert code(api.put("actions/watch", {"watch": [body]})) == (400, "NOT_SUBSCRIBED")
    again = body | {"channel_expiry": spell(zoho.org.now() + timedelta(days=7), "UTC")}
    assert watch(api, again) == (201, "SUCCESS")
    zoho.people.set_title(ann, "CTO")
    assert len(heard(zoho, receiver)) == 1


def test_put_replaces_the_whole_definition(zoho: StandIn, api: Api, receiver: Receiver) -> None:
    watch(api, channel(zoho, receiver, notification_condition=[condition(api, "Email")]))
    new = channel(zoho, receiver, events=["Contacts.edit"])
    assert code(api.put("actions/watch", {"watch": [new]})) == (200, "SUCCESS")

    (found,) = api.get("actions/watch", module="Contacts").json()["watch"]
    assert (found["events"], found["notification_condition"]) == (["Contacts.edit"], None)


def test_a_channel_is_given_up(zoho: StandIn, api: Api, receiver: Receiver, ann: str) -> None:
    body = channel(zoho, receiver)
    watch(api, body)

    assert code(api.delete("actions/watch", channel_ids=body["channel_id"])) == (200, "SUCCESS")
    zoho.people.set_title(ann, "CEO")
    assert heard(zoho, receiver) == []


def test_by_default_relatives_ring_too(
    zoho: StandIn, api: Api, receiver: Receiver, ann: str
) -> None:
    body = channel(zoho, receiver, notify_on_related_action=True)
    watch(api, body)
    zoho.people.add_deal(ann, Deal("10.00", "USD"))

    (found,) = heard(zoho, receiver)
    assert (found["ids"], found["operation"], found["affected_fields"]) == ([ann], "update", [])


def test_duplicates_and_lost_answers(zoho: StandIn, api: Api, receiver: Receiver, ann: str) -> None:
    watch(api, channel(zoho, receiver))
    receiver.statuses = [500]
    zoho.subscribe("", None, duplicate_share=1.0, retry_ms=1)  # type: ignore[arg-type]
    zoho.people.set_title(ann, "CEO")

    assert [one["ids"] for one in heard(zoho, receiver)] == [[ann]] * 3
    assert zoho.told() == 1


def test_a_workflow_sends_a_form_or_a_template(zoho: StandIn, receiver: Receiver, ann: str) -> None:
    raw = '{"module": "Contacts", "id": "${!Contacts.Id}", "name": "${!Contacts.Last_Name}"}'
    form = {"contact_id": "${!Contacts.id}", "secret": "s"}
    zoho.workflows.add(Rule("Contacts", receiver.url, raw=raw, headers={"X-Emtiaz-Token": "s"}))
    zoho.workflows.add(Rule("Contacts", receiver.url, form=form))
    zoho.people.set_title(ann, "CEO")
    assert zoho.flush(10)
    sent = {headers["content-type"]: (headers, body) for headers, body in receiver.requests}

    headers, body = sent["application/json"]
    assert headers["x-emtiaz-token"] == "s"
    assert json.loads(body) == {"module": "Contacts", "id": ann, "name": "Lee"}
    _, body = sent["application/x-www-form-urlencoded"]
    assert parse_qs(body.decode()) == {"contact_id": [ann], "secret": ["s"]}


def test_a_quote_in_a_name_breaks_the_template(zoho: StandIn, receiver: Receiver, ann: str) -> None:
    zoho.workflows.add(Rule("Contacts", receiver.url, raw='{"name": "${!Contacts.Last_Name}"}'))
    zoho.org.update(CONTACTS, ann, {"Last_Name": 'Lee "Ann"'}, AT_WORK)
    assert zoho.flush(10)

    with pytest.raises(json.JSONDecodeError):
        json.loads(receiver.requests[0][1])


def test_a_write_without_triggers_starts_no_workflow(
    zoho: StandIn, api: Api, receiver: Receiver, ann: str
) -> None:
    zoho.workflows.add(Rule("Contacts", receiver.url, form={"id": "${!Contacts.id}"}))
    api.write("Contacts", {"id": ann, "Title": "CEO"})
    assert zoho.flush(10)
    assert receiver.requests == []
    api.put("Contacts", {"data": [{"id": ann, "Title": "CTO"}]})
    assert zoho.flush(10)

    assert len(receiver.requests) == 1


def test_what_a_rule_may_not_be(zoho: StandIn) -> None:
    for rule in (
        Rule("Calls", "http://x", form={"id": "${!Calls.id}"}),
        Rule("Contacts", "http://x", raw="x" * 501),
        Rule("Contacts", "http://x", raw="${!Contacts.Nope}"),
        Rule("Contacts", "http://x", raw="${!Deals.id}"),
    ):
        with pytest.raises(Exception, match=r"."):
            zoho.workflows.add(rule)

"""One bad record fails alone, whatever status Zoho gives the batch."""

import pytest

from chalicelib.core.connector import Update
from chalicelib.core.errors import (
    ConfigurationError,
    CrmUnavailable,
    RateLimited,
    RecordBusy,
    RecordGone,
    WriteRefused,
)
from tests.connectors.zoho.api_double import (
    V8,
    all_written,
    client,
    contact,
    error,
    lead,
    rows,
    success,
)

CONTACTS, LEADS = V8 + "/Contacts", V8 + "/Leads"
GONE = error("INVALID_DATA", "the id given seems to be invalid", api_name="id")
TOO_LONG = error("INVALID_DATA", "too long", api_name="Emtiaz_reasons", maximum_length=255)
LOCKED = error("RECORD_LOCKED", "the record is locked")


def write(*ids, **fields):
    updates = [Update(contact(one), fields or {"score": 82}) for one in ids]
    return client().write(updates)


def test_a_batch_begins_no_automation_and_says_only_what_changed(api):
    api.answer("PUT", CONTACTS, all_written)
    assert write(1, score=82, why=None, updated="2026-11-01T08:00:00.000Z") == {}
    assert api.calls_to(CONTACTS) == [
        {
            "data": [
                {
                    "id": "1",
                    "Emtiaz_score": 82,
                    "Emtiaz_reasons": None,
                    "Emtiaz_updated": "2026-11-01T08:00:00+00:00",
                }
            ],
            "trigger": [],
            "skip_feature_execution": [{"name": "cadences"}],
        }
    ]


def test_a_hundred_records_go_at_once_and_each_kind_to_its_module(api):
    api.answer("PUT", CONTACTS, all_written)
    api.answer("PUT", LEADS, all_written)
    updates = [Update(contact(f"{one:03}"), {"score": one}) for one in range(101)]
    assert client().write([*updates, Update(lead(7), {"class": "A"})]) == {}
    assert [len(one["data"]) for one in api.calls_to(CONTACTS)] == [100, 1]
    assert [one["data"] for one in api.calls_to(LEADS)] == [[{"id": "7", "Emtiaz_class": "A"}]]


@pytest.mark.parametrize("status", [200, 207, 400])
def test_each_record_has_an_outcome_of_its_own(api, status):
    answer = {"data": [success("1"), GONE, TOO_LONG, LOCKED]}
    api.answer("PUT", CONTACTS, answer, status)
    refused = write(1, 2, 3, 4)
    assert {one.id: type(error) for one, error in refused.items()} == {
        "2": RecordGone,
        "3": WriteRefused,
        "4": WriteRefused,
    }
    assert str(refused[contact(3)]) == "INVALID_DATA too long at Emtiaz_reasons"
    assert len(api.calls) == 1


def test_a_record_that_is_left_out_is_not_taken_for_written(api):
    api.answer("PUT", CONTACTS, {"data": [success("2")]})
    assert list(write(1, 2)) == [contact(1)]


@pytest.mark.parametrize("status", [200, 207])
def test_outcomes_in_another_order_hide_no_failure(api, status):
    api.answer("PUT", CONTACTS, {"data": [TOO_LONG, success("1"), success("3")]}, status)
    assert list(write(1, 2, 3)) == [contact(2)]


def test_a_batch_that_is_refused_for_one_named_record_goes_on_without_it(api):
    def answer(body):
        ids = [one["id"] for one in body["data"]]
        if "3" in ids:
            path = f"$.data[{ids.index('3')}].Emtiaz_score"
            return 400, error("INVALID_DATA", "no", json_path=path)
        return all_written(body)

    api.answer("PUT", CONTACTS, answer)
    assert list(write(1, 2, 3, 4, 5)) == [contact(3)]
    assert [len(one["data"]) for one in api.calls_to(CONTACTS)] == [5, 4]


def test_a_batch_that_is_refused_for_no_named_record_is_halved(api):
    def answer(body):
        is_bad = any(one["id"] == "3" for one in body["data"])
        return (400, error("INVALID_REQUEST", "no")) if is_bad else all_written(body)

    api.answer("PUT", CONTACTS, answer)
    assert list(write(1, 2, 3, 4)) == [contact(3)]
    assert [len(one["data"]) for one in api.calls_to(CONTACTS)] == [4, 2, 2, 1, 1]


def test_a_record_for_which_there_was_no_time_may_be_written_again(api):
    api.answer("PUT", CONTACTS, {"data": [success("1"), error("TOO_MANY_REQUESTS")]}, 207)
    refused = write(1, 2)
    assert list(refused) == [contact(2)]
    assert isinstance(refused[contact(2)], RecordBusy)


@pytest.mark.parametrize("status", [207, 400])
def test_records_of_which_there_was_time_for_none_hold_up_all(api, status):
    api.answer("PUT", CONTACTS, {"data": [error("TOO_MANY_REQUESTS")] * 2}, status)
    with pytest.raises(RateLimited):
        write(1, 2)


def test_an_answer_that_was_lost_on_the_way_is_in_doubt(api):
    api.answer("PUT", CONTACTS, {}, 504)
    with pytest.raises(CrmUnavailable) as caught:
        write(1)
    assert caught.value.in_doubt


def test_a_field_that_is_not_known_stops_before_anything_is_written(api):
    updates = [Update(contact(1), {"score": 1, "class": "A"})]
    details = {"field.contact.score": "Emtiaz_score"}
    with pytest.raises(ConfigurationError, match="emtiaz provision --connection zoho-main"):
        client(details=details).write(updates)
    assert api.calls == []


def tagged(identity, *names):
    return {"id": identity, "Tag": [{"name": one, "id": "1", "color_code": None} for one in names]}


def tags_changed(body):
    return {"data": [success(one, tags=[]) for one in body["ids"]]}


ADD, REMOVE = CONTACTS + "/actions/add_tags", CONTACTS + "/actions/remove_tags"


def test_old_tags_go_before_new_ones_come_for_all_that_are_alike(api):
    api.answer("GET", CONTACTS, rows(tagged("1", "class:B", "VIP"), tagged("2", "class:B")))
    api.answer("POST", REMOVE, tags_changed)
    api.answer("POST", ADD, tags_changed)
    assert write(1, 2, tags=("class:A",)) == {}
    assert [(path, body) for _, path, body in api.calls[1:]] == [
        (REMOVE, {"tags": [{"name": "class:B"}], "ids": ["1", "2"]}),
        (ADD, {"tags": [{"name": "class:A"}], "over_write": False, "ids": ["1", "2"]}),
    ]


def test_nothing_is_asked_for_tags_that_are_there(api):
    api.answer("GET", CONTACTS, rows(tagged("1", "class:A", "segment:potential-loyalis")))
    assert write(1, tags=("class:A", "segment:potential-loyalist")) == {}
    assert len(api.calls) == 1


def test_a_record_that_is_gone_is_not_tagged(api):
    api.answer("PUT", CONTACTS, {"data": [GONE]}, 400)
    assert type(write(1, score=1, tags=("class:A",))[contact(1)]) is RecordGone
    assert len(api.calls) == 1
    api.answer("GET", CONTACTS, None, 204)
    assert type(write(1, tags=("class:A",))[contact(1)]) is RecordGone


@pytest.mark.parametrize("status", [200, 207, 400])
@pytest.mark.parametrize("answers", [False, True])
def test_an_organisation_that_is_full_of_tags_does_without_ours(api, status, answers):
    full = error("LICENSE_LIMIT_EXCEEDED", "tag limit exceeded")
    api.answer("GET", CONTACTS, rows(tagged("1"), tagged("2"), tagged("3")))
    api.answer("POST", ADD, {"data": [full, LOCKED, success("3")]} if answers else full, status)
    assert list(write(1, 2, 3, tags=("class:A",))) == ([contact(2)] if answers else [])


def test_a_record_that_cannot_be_tagged_is_refused(api):
    api.answer("GET", CONTACTS, rows(tagged("1"), tagged("2")))
    api.answer("POST", ADD, {"data": [success("1"), LOCKED]}, 207)
    assert list(write(1, 2, tags=("class:A",))) == [contact(2)]


def test_an_edition_without_tags_is_not_asked(api):
    details = {"edition": "free", "field.contact.score": "Emtiaz_score"}
    assert client(details=details).write([Update(contact(1), {"tags": ("class:A",)})]) == {}
    assert api.calls == []

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.core.connector import Update
from chalicelib.core.errors import CrmUnavailable, RateLimited, RecordBusy, RecordGone, WriteRefused
from tests.connectors.hubspot.api_double import (
    OBJECTS,
    UPDATE,
    account,
    all_written,
    client,
    contact,
    envelope,
)


def updates(*ids, **fields):
    return [Update(contact(one), fields or {"score": 50}) for one in ids]


def asked(api):
    return [[one["id"] for one in body["inputs"]] for body in api.calls_to(UPDATE)]


def test_values_are_sent_as_texts_under_our_prefix(api):
    api.answer("POST", UPDATE, all_written)
    fields = {
        "score": 82,
        "confidence": 0.00001,
        "class": None,
        "tags": ("class:A", "segment:loyal"),
        "why": "خرید دو هفته پیش (+۱۲)",
        "updated": "2026-11-01T08:00:00.000Z",
    }
    assert client().write([Update(contact(512), fields)]) == {}
    assert api.calls == [
        (
            "POST",
            UPDATE,
            {
                "inputs": [
                    {
                        "id": "512",
                        "objectWriteTraceId": "512",
                        "properties": {
                            "emtiaz_score": "82",
                            "emtiaz_confidence": "0.00001",
                            "emtiaz_class": "",
                            "emtiaz_tags": "class:A;segment:loyal",
                            "emtiaz_why": "خرید دو هفته پیش (+۱۲)",
                            "emtiaz_updated": "2026-11-01T08:00:00.000Z",
                        },
                    }
                ]
            },
        )
    ]


def test_no_tags_clear_the_property(api):
    api.answer("POST", UPDATE, all_written)
    client().write(updates(1, tags=()))
    assert api.calls_to(UPDATE)[0]["inputs"][0]["properties"] == {"emtiaz_tags": ""}


def test_batches_are_of_a_hundred_and_name_no_record_twice(api):
    api.answer("POST", UPDATE, all_written)
    assert client().write(updates(*range(150), *range(150), score=1)) == {}
    assert [len(ids) for ids in asked(api)] == [100, 50]
    assert len({one for ids in asked(api) for one in ids}) == 150


def test_two_updates_of_one_record_are_written_as_one(api):
    api.answer("POST", UPDATE, all_written)
    client().write([*updates(1, score=1, grade="A1"), *updates(1, score=2)])
    [body] = api.calls_to(UPDATE)
    assert body["inputs"][0]["properties"] == {"emtiaz_score": "2", "emtiaz_grade": "A1"}


def test_each_kind_of_record_goes_to_its_own_address(api):
    api.answer("POST", UPDATE, all_written)
    api.answer("POST", OBJECTS + "companies/batch/update", all_written)
    assert client().write([*updates(7), Update(account(7), {"score": 1})]) == {}
    assert len(api.calls) == 2


def test_a_batch_written_in_part_refuses_record_by_record(api):
    outcome = {
        "status": "COMPLETE",
        "results": [{"id": "1"}],
        "numErrors": 2,
        "correlationId": "c0ffee00-0000-4000-8000-000000000000",
        "errors": [
            {"category": "VALIDATION_ERROR", "message": "not an option", "context": {"ids": ["2"]}},
            {
                "category": "OBJECT_NOT_FOUND",
                "message": "gone",
                "context": {"objectWriteTraceId": ["3"]},
            },
        ],
    }
    api.answer("POST", UPDATE, outcome, status=207)
    refused = client().write(updates(1, 2, 3, 4))
    whence = " (correlation id c0ffee00-0000-4000-8000-000000000000)"
    assert {ref.id: (type(error), str(error)) for ref, error in refused.items()} == {
        "2": (WriteRefused, "not an option" + whence),
        "3": (RecordGone, "gone" + whence),
        "4": (WriteRefused, "HubSpot left the record out and did not say why" + whence),
    }
    assert refused[contact(2)].correlation_id.startswith("c0ffee")


SLOW = {"category": "RATE_LIMITS", "message": "slow down"}


def test_of_a_batch_that_hubspot_had_time_for_in_part_the_rest_may_be_written_again(api):
    slow = {**SLOW, "context": {"ids": ["2"]}}
    api.answer("POST", UPDATE, {"results": [{"id": "1"}], "errors": [slow]}, status=207)
    refused = client().write(updates(1, 2))
    assert {ref.id: (type(error), error.retry_after) for ref, error in refused.items()} == {
        "2": (RecordBusy, 10)
    }


@pytest.mark.parametrize("status", [207, 400])
def test_a_batch_that_hubspot_had_no_time_for_holds_up_all(api, status):
    slow = {**SLOW, "context": {"ids": ["1", "2"]}}
    answer = slow if status == 400 else {"results": [], "errors": [slow]}
    api.answer("POST", UPDATE, answer, status=status)
    with pytest.raises(RateLimited, match="slow down") as caught:
        client().write(updates(1, 2))
    assert caught.value.retry_after == 10


def refusing(guilty):
    """HubSpot refuses a batch as a whole if one of these is in it."""

    def answer(body):
        if any(one["id"] in guilty for one in body["inputs"]):
            return 400, envelope("a rule of the admin")
        return all_written(body)

    return answer


def test_the_guilty_record_of_a_refused_batch_is_found_by_halves(api):
    api.answer("POST", UPDATE, refusing({"3"}))
    refused = client().write(updates(*range(8)))
    assert {ref.id for ref in refused} == {"3"}
    assert asked(api) == [
        ["0", "1", "2", "3", "4", "5", "6", "7"],
        ["0", "1", "2", "3"],
        ["0", "1"],
        ["2", "3"],
        ["2"],
        ["3"],
        ["4", "5", "6", "7"],
    ]
    assert "a rule of the admin" in str(refused[contact(3)])
    assert refused[contact(3)].correlation_id == "c0ffee00-0000-4000-8000-000000000000"


@given(guilty=st.sets(st.integers(0, 40).map(str)), number=st.integers(1, 41))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_exactly_the_guilty_are_refused_and_all_others_are_written(api, guilty, number):
    api.mock.reset()
    written = set()

    def answer(body):
        reply = refusing(guilty)(body)
        if not isinstance(reply, tuple):
            written.update(one["id"] for one in body["inputs"])
        return reply

    api.answer("POST", UPDATE, answer)
    refused = {ref.id for ref in client().write(updates(*range(number)))}
    everyone = {str(one) for one in range(number)}
    assert refused == everyone & guilty
    assert written == everyone - guilty


def test_a_property_that_is_not_defined_is_not_searched_for_record_by_record(api):
    def answer(body):
        if any("emtiaz_grade" in one["properties"] for one in body["inputs"]):
            return 400, envelope(
                'Property "emtiaz_grade" does not exist',
                "PROPERTY_DOESNT_EXIST",
                propertyName=["emtiaz_grade"],
            )
        return all_written(body)

    api.answer("POST", UPDATE, answer)
    refused = client().write([*updates(1, 2, 3, grade="A1"), *updates(4, 5)])
    assert {ref.id for ref in refused} == {"1", "2", "3"}
    assert "emtiaz_grade" in str(refused[contact(1)])
    assert asked(api) == [["1", "2", "3", "4", "5"], ["4", "5"]]


def test_a_property_that_nobody_can_write_costs_one_call(api):
    body = envelope("no such", "PROPERTY_DOESNT_EXIST", propertyName=["emtiaz_score"])
    api.answer("POST", UPDATE, body, status=400)
    assert len(client().write(updates(*range(100)))) == 100
    assert len(api.calls) == 1


@pytest.mark.parametrize("status", [502, 504, 524])
def test_a_batch_whose_answer_was_lost_is_in_doubt_and_not_sent_again(api, status):
    api.answer("POST", UPDATE, {}, status=status)
    with pytest.raises(CrmUnavailable) as caught:
        client().write(updates(1))
    assert caught.value.in_doubt
    assert len(api.calls) == 1


def not_found(*ids):
    """A whole batch refused because these records are not there."""
    return {
        "status": "error",
        "message": "resource not found",
        "correlationId": "c0ffee00-0000-4000-8000-000000000000",
        "category": "OBJECT_NOT_FOUND",
        **({"context": {"ids": list(ids)}} if ids else {}),
    }


@pytest.mark.parametrize("status", [400, 404])
def test_a_lone_record_that_is_not_there_is_gone(api, status):
    api.answer("POST", UPDATE, not_found(), status=status)
    refused = client().write(updates(1))
    assert type(refused[contact(1)]) is RecordGone


def test_records_that_a_refused_batch_names_as_gone_are_not_searched_for(api):
    def answer(body):
        gone = [one["id"] for one in body["inputs"] if one["id"] in ("2", "5")]
        return (404, not_found(*gone)) if gone else all_written(body)

    api.answer("POST", UPDATE, answer)
    refused = client().write(updates(*range(8)))
    assert {ref.id: type(error) for ref, error in refused.items()} == {
        "2": RecordGone,
        "5": RecordGone,
    }
    assert asked(api) == [[*"01234567"], [*"013467"]]


def test_those_that_are_gone_without_a_name_are_found_by_halves(api):
    def answer(body):
        gone = any(one["id"] == "2" for one in body["inputs"])
        return (404, not_found()) if gone else all_written(body)

    api.answer("POST", UPDATE, answer)
    assert {*client().write(updates(1, 2, 3, 4))} == {contact(2)}


def test_a_record_for_which_its_survivor_answers_is_gone(api):
    api.answer("POST", UPDATE, {"results": [{"id": "1"}, {"id": "777"}]})
    refused = client().write(updates(1, 2))
    assert {ref: type(error) for ref, error in refused.items()} == {contact(2): RecordGone}
    assert "another record" in str(refused[contact(2)])


@pytest.mark.parametrize(
    "context",
    [
        {"propertyName": ["close_reason", "closedate"]},
        {"missingRequiredProperties": ["close_reason", "closedate"]},
        {"properties": "close_reason, closedate"},
    ],
)
def test_a_rule_of_the_admin_is_told_with_its_properties_and_correlation_id(api, context):
    body = envelope("Some required properties were not set", **context)
    api.answer("POST", UPDATE, body, status=400)
    text = str(client().write(updates(1))[contact(1)])
    for part in ("required properties were not set", "close_reason", "closedate", "c0ffee00"):
        assert text.count(part) == 1


def test_a_property_that_the_words_of_the_refusal_name_is_not_named_again(api):
    body = envelope("close_reason is required", propertyName=["close_reason"])
    api.answer("POST", UPDATE, body, status=400)
    assert str(client().write(updates(1))[contact(1)]).count("close_reason") == 1


def test_a_rule_of_the_admin_inside_a_batch_is_told_likewise(api):
    problem = {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": "Property values were not valid",
        "context": {"ids": ["2"]},
        "errors": [
            {"message": "required by a rule", "context": {"propertyName": ["close_reason"]}}
        ],
    }
    body = {"results": [{"id": "1"}], "numErrors": 1, "errors": [problem]}
    api.answer("POST", UPDATE, body, status=207)
    refused = client().write(updates(1, 2))
    assert {ref: (type(error), str(error)) for ref, error in refused.items()} == {
        contact(2): (
            WriteRefused,
            "Property values were not valid; required by a rule [close_reason]",
        )
    }


UNDESCRIBED = [
    {"message": None, "category": None, "errors": None, "context": None, "correlationId": None},
    {"message": "no", "errors": [{"message": None, "code": None, "context": None}]},
    {"message": "no", "errors": ["a text"], "context": {"ids": None}},
    {"message": {"en": "no"}, "category": "OBJECT_NOT_FOUND", "context": {"ids": 7}},
]
"""Errors whose members are not as HubSpot describes them."""


@pytest.mark.parametrize("error", UNDESCRIBED)
def test_an_error_that_is_not_as_described_is_a_refusal_all_the_same(api, error):
    api.answer("POST", UPDATE, error, 400)
    both = [Update(contact(one), {"score": 1}) for one in (1, 2)]
    assert set(client().write(both)) == {contact(1), contact(2)}


@pytest.mark.parametrize("error", UNDESCRIBED)
def test_an_error_within_a_batch_may_be_so_as_well(api, error):
    api.answer("POST", UPDATE, {"results": [{"id": "1"}], "errors": [error]}, 207)
    both = [Update(contact(one), {"score": 1}) for one in (1, 2)]
    assert set(client().write(both)) == {contact(2)}


def test_null_is_no_error(api):
    api.answer("POST", UPDATE, {"results": [{"id": "1"}], "errors": None})
    assert client().write([Update(contact(1), {"score": 1})]) == {}

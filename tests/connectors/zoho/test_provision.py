"""Fields of ours: found by what is remembered or by their label, made five at a time."""

from dataclasses import replace

import pytest

from chalicelib.core.connector import Change
from chalicelib.core.errors import WriteRefused
from chalicelib.core.outputs import OUTPUTS
from connectors.zoho.provision import definition, label
from tests.connectors.zoho.api_double import V8, client, error

FIELDS = V8 + "/settings/fields"
BY_NAME = {one.name: one for one in OUTPUTS}
SCORE, CLASS, WHY = BY_NAME["score"], BY_NAME["class"], BY_NAME["why"]


def field(name, label_, kind, **more):
    return {"id": f"f-{name}", "api_name": name, "field_label": label_, "data_type": kind, **more}


def organisation(api, *contact_fields):
    """Without leads."""

    def answer(query):
        if query["module"] == "Leads":
            return 400, error("INVALID_MODULE")
        return {"fields": [field("Email", "Email", "email"), *contact_fields]}

    api.answer("GET", FIELDS, answer)


def plan(*outputs, details=None, language="en"):
    return client(details=details or {}).plan(outputs, language)


def test_labels_fit_and_no_two_are_alike_in_either_language():
    for language in ("en", "fa"):
        labels = [label(one, language).lower() for one in OUTPUTS]
        assert all(len(one) <= 25 for one in labels)
        whole = [one.label.in_language(language).lower() for one in OUTPUTS]
        assert [one for one, cut in zip(whole, labels, strict=True) if one not in cut] == []
        assert len(set(labels)) == len(labels)
    assert all("امتیاز" in label(one, "fa") for one in OUTPUTS)
    assert all(label(one, "en").startswith("Emtiaz") for one in OUTPUTS)


@pytest.mark.parametrize(
    ("output", "own"),
    [
        ("score", {"data_type": "integer", "length": 9}),
        ("confidence", {"data_type": "double", "length": 16, "decimal_place": 2}),
        ("why", {"data_type": "textarea", "textarea": {"type": "small"}}),
        ("updated", {"data_type": "datetime"}),
    ],
)
def test_each_type_of_output_has_its_type_of_field(output, own):
    made = dict(definition(BY_NAME[output], "en"))
    assert made.pop("field_label").startswith("Emtiaz")
    assert len(made.pop("tooltip")["value"]) <= 255
    assert made == own


def test_a_choice_keeps_its_value_in_every_language():
    values = definition(BY_NAME["temperature"], "fa")["pick_list_values"]
    assert values[0] == {"actual_value": "hot", "display_value": "داغ"}


def test_a_field_is_known_by_the_name_that_is_remembered_whatever_its_label(api):
    organisation(api, field("Emtiaz_score7", "Punkte", "integer", custom_field=True))
    assert plan(SCORE, details={"field.contact.score": "Emtiaz_score7"}) == ()


@pytest.mark.parametrize("label_", ["Emtiaz score", "emtiaz SCORE", "امتیاز"])
def test_a_field_that_nobody_remembers_is_known_by_its_label(api, label_):
    organisation(api, field("Field1", label_, "integer", custom_field=True))
    assert plan(SCORE) == ()
    found = client(details={"user": "7"}).details([SCORE, BY_NAME["tags"]], "en", ("contact",))
    assert found == {"user": "7", "field.contact.score": "Field1"}


def test_a_field_that_is_remembered_and_gone_is_made_anew(api):
    organisation(api)
    [change] = plan(SCORE, details={"field.contact.score": "Emtiaz_score"})
    assert change == Change("create", "contact Emtiaz score", "integer")


def test_a_field_of_another_type_is_for_a_person(api):
    organisation(api, field("Emtiaz_class", "Emtiaz class", "text", custom_field=True))
    assert plan(CLASS) == (
        Change("conflict", "contact Emtiaz_class", "is text, should be picklist"),
    )


def test_fields_of_zoho_itself_are_never_taken_for_ours(api):
    organisation(api, field("Score", "Emtiaz score", "integer", custom_field=False))
    assert [one.action for one in plan(SCORE)] == ["create"]


def test_five_fields_are_made_at_a_time(api):
    organisation(api)
    outputs = [one for one in OUTPUTS if one.type != "tags"][:7]

    def made(body):
        assert body["fields"][0]["field_label"]
        return 201, {"fields": [{"status": "success", "code": "SUCCESS"} for _ in body["fields"]]}

    api.answer("POST", FIELDS, made)
    client(details={}).provision(outputs, "en")
    posts = [body["fields"] for method, _, body in api.calls if method == "POST"]
    assert [len(one) for one in posts] == [5, 2]


@pytest.mark.parametrize("status", [200, 207, 400])
def test_a_field_that_is_refused_stops_with_the_reason(api, status):
    organisation(api)
    outcome = error("LIMIT_EXCEEDED", "custom field limit exceeded")
    api.answer("POST", FIELDS, {"fields": [outcome]}, status)
    with pytest.raises(WriteRefused, match="custom field limit"):
        client(details={}).provision([SCORE], "en")


def test_missing_choices_are_added_to_those_that_an_admin_has_made(api):
    held = [{"id": "1", "actual_value": "A", "display_value": "Top"},
            {"id": "2", "actual_value": "Z", "display_value": "Ours"}]  # fmt: skip
    organisation(
        api,
        field("Emtiaz_class", "Emtiaz class", "picklist", custom_field=True, pick_list_values=held),
    )
    api.answer("PATCH", FIELDS + "/f-Emtiaz_class", {"fields": [{"status": "success"}]})
    [change] = client(details={}).provision([CLASS], "en")
    assert (change.action, change.target, change.detail) == (
        "extend",
        "contact Emtiaz_class",
        "B, C",
    )
    [body] = api.calls_to(FIELDS + "/f-Emtiaz_class")
    [sent] = body["fields"]
    added = [{"actual_value": one, "display_value": one} for one in "BC"]
    assert sent == {"id": "f-Emtiaz_class", "pick_list_values": [*held, *added]}


def test_outputs_of_other_kinds_make_no_field(api):
    organisation(api)
    assert plan(replace(WHY, kinds=("account",))) == ()

import json

import pytest

from chalicelib.core import outputs
from chalicelib.core.connector import Change
from chalicelib.core.errors import WriteRefused
from chalicelib.core.model import Text
from chalicelib.core.outputs import Choice, Output, OutputType, Trigger
from chalicelib.pipeline.places import placed
from connectors.hubspot import CONNECTOR
from tests.connectors.hubspot.api_double import CONNECTION, PROPERTIES, client

OUTPUTS = placed(outputs.OUTPUTS, CONNECTOR)
SCORE = next(one for one in OUTPUTS if one.name == "score")
CLASS = next(one for one in OUTPUTS if one.name == "class")
TAGS = next(one for one in OUTPUTS if one.name == "tags")


class Portal:
    """Properties and groups of contacts, kept between calls as HubSpot keeps them."""

    def __init__(self, api, properties=(), groups=("contactinformation",)):
        self.properties = {one["name"]: one for one in properties}
        self.groups = list(groups)
        self.problems = []
        api.mock.add_callback("GET", self.url(), self.list_properties)
        api.mock.add_callback("GET", self.url("/groups"), self.list_groups)
        api.answer("POST", PROPERTIES + "/groups", self.create_group, status=201)
        api.answer("POST", PROPERTIES + "/batch/create", self.create_properties, status=201)
        for name in self.properties:
            api.answer(
                "PATCH", f"{PROPERTIES}/{name}", lambda body, name=name: self.patch(name, body)
            )

    def url(self, path=""):
        return CONNECTION.base_url + PROPERTIES + path

    def list_properties(self, _request):
        return 200, {}, json.dumps({"results": list(self.properties.values())})

    def list_groups(self, _request):
        return 200, {}, json.dumps({"results": [{"name": one} for one in self.groups]})

    def create_group(self, body):
        self.groups.append(body["name"])
        return body

    def create_properties(self, body):
        if self.problems:
            return 207, {"results": [], "errors": self.problems}
        assert all(one["groupName"] in self.groups for one in body["inputs"])
        self.properties |= {one["name"]: {"options": [], **one} for one in body["inputs"]}
        return {"status": "COMPLETE", "results": body["inputs"]}

    def patch(self, name, body):
        self.properties[name] |= body
        return self.properties[name]


def changing(api):
    return [call for call in api.calls if call[0] != "GET"]


def test_everything_is_missing_from_a_fresh_account_and_one_batch_makes_it(api):
    Portal(api)
    made = client().provision(OUTPUTS, "en")
    assert [change.target for change in made] == [
        "group emtiaz",
        *(f"emtiaz_{one.name}" for one in OUTPUTS),
    ]
    assert {change.action for change in made} == {"create"}
    assert [path for _, path, _ in changing(api)] == [
        PROPERTIES + "/groups",
        PROPERTIES + "/batch/create",
    ]


def test_provisioning_twice_changes_nothing_the_second_time(api):
    Portal(api)
    assert client().provision(OUTPUTS, "en")
    before = len(changing(api))
    assert client().provision(OUTPUTS, "en") == ()
    assert client().provision(OUTPUTS, "fa") == ()
    assert len(changing(api)) == before


def test_a_plan_names_what_provisioning_then_does_and_changes_nothing(api):
    Portal(api)
    planned = client().plan(OUTPUTS, "en")
    assert changing(api) == []
    assert client().provision(OUTPUTS, "en") == planned
    assert client().plan(OUTPUTS, "en") == ()


@pytest.mark.parametrize(
    ("language", "group", "label", "description", "first", "last"),
    [
        ("en", "Emtiaz", "Emtiaz class", "Customer class, A is best.", "A", "Class A"),
        ("fa", "امتیاز", "کلاس مشتری", "کلاس مشتری؛ A بهترین است.", "A", "کلاس A"),
    ],
)
def test_labels_speak_the_policys_language(api, language, group, label, description, first, last):
    Portal(api)
    client().provision([CLASS, TAGS], language)
    (_, _, group_body), (_, _, batch) = changing(api)
    assert group_body == {"name": "emtiaz", "label": group, "displayOrder": -1}
    of_class, of_tags = batch["inputs"]
    assert of_class == {
        "name": "emtiaz_class",
        "label": label,
        "description": description,
        "groupName": "emtiaz",
        "type": "enumeration",
        "fieldType": "select",
        "formField": False,
        "options": [
            {"label": first, "value": "A", "displayOrder": 0, "hidden": False},
            {"label": "B", "value": "B", "displayOrder": 1, "hidden": False},
            {"label": "C", "value": "C", "displayOrder": 2, "hidden": False},
        ],
    }
    assert of_tags["fieldType"] == "checkbox"
    assert last in {option["label"] for option in of_tags["options"]}


@pytest.mark.parametrize("language", ["en", "fa"])
def test_no_two_options_of_a_property_share_a_label_or_hold_a_separator(api, language):
    Portal(api)
    client().provision(OUTPUTS, language)
    [batch] = api.calls_to(PROPERTIES + "/batch/create")
    for one in batch["inputs"]:
        labels = [option["label"] for option in one.get("options", ())]
        assert len(set(labels)) == len(labels)
        assert not any(";" in option["value"] for option in one.get("options", ()))


def test_outputs_of_other_kinds_of_record_are_left_out(api):
    Portal(api)
    of_accounts = Output(
        "seats", OutputType.NUMBER, Trigger.ANY, Text("Seats", "صندلی"), Text("", ""),
        read=lambda _card, _language: 1, kinds=("account",),
    )  # fmt: skip
    assert [one.target for one in client().plan([of_accounts], "en")] == ["group emtiaz"]


def held(name, kind, field, *options):
    return {
        "name": name,
        "type": kind,
        "fieldType": field,
        "label": "As the admin calls it",
        "groupName": "contactinformation",
        "options": [
            {
                "label": f"Our {one}",
                "value": one,
                "displayOrder": at,
                "hidden": False,
                "readOnly": False,
            }
            for at, one in enumerate(options)
        ],
    }


def test_missing_options_are_added_behind_all_that_are_there(api):
    Portal(api, [held("emtiaz_class", "enumeration", "radio", "B", "VIP")], ["emtiaz"])
    assert client().provision([CLASS], "en") == (Change("extend", "emtiaz_class", "A, C"),)
    [(method, path, body)] = changing(api)
    assert (method, path) == ("PATCH", PROPERTIES + "/emtiaz_class")
    assert [(one["value"], one["label"], one["displayOrder"]) for one in body["options"]] == [
        ("B", "Our B", 0),
        ("VIP", "Our VIP", 1),
        ("A", "A", 2),
        ("C", "C", 3),
    ]


@pytest.mark.parametrize(
    ("output", "existing", "detail"),
    [
        (
            SCORE,
            held("emtiaz_score", "string", "text"),
            "is string/text, should be number/number",
        ),
        (
            TAGS,
            held("emtiaz_tags", "enumeration", "select", "class:A"),
            "is enumeration/select, should be enumeration/checkbox",
        ),
        (
            CLASS,
            held("emtiaz_class", "enumeration", "checkbox", "A"),
            "is enumeration/checkbox, should be enumeration/select",
        ),
    ],
)
def test_a_property_of_another_type_is_a_conflict_and_never_touched(api, output, existing, detail):
    Portal(api, [existing], ["emtiaz"])
    conflict = Change("conflict", existing["name"], detail)
    assert client().plan([output], "en") == (conflict,)
    assert client().provision([output], "en") == ()
    assert changing(api) == []


def test_labels_groups_and_fields_that_show_the_same_are_the_admins(api):
    why = next(one for one in OUTPUTS if one.name == "why")
    Portal(api, [held("emtiaz_why", "string", "text")], ["emtiaz"])
    assert client().plan([why], "en") == ()


def test_a_property_that_hubspot_leaves_out_is_said(api):
    portal = Portal(api)
    portal.problems = [{"message": "You have reached the limit of 10 properties"}]
    with pytest.raises(WriteRefused, match="limit of 10"):
        client().provision([SCORE], "en")


def test_choices_are_all_offered(api):
    Portal(api)
    made = Output(
        "mood", OutputType.CHOICE, Trigger.ANY, Text("Mood", "حال"), Text("", ""),
        read=lambda _card, _language: "good", choices=(Choice("good", Text("Good", "خوب")),),
    )  # fmt: skip
    client().provision([made], "fa")
    [batch] = api.calls_to(PROPERTIES + "/batch/create")
    assert batch["inputs"][0]["options"] == [
        {"label": "خوب", "value": "good", "displayOrder": 0, "hidden": False}
    ]

"""What chances are told by, and how a field is told."""

import pytest

from chalicelib.core.model import Text
from chalicelib.localization.numbers import persian
from chalicelib.policy import compile_policy
from chalicelib.scoring.features import are_fair, names_of, told
from tests.scoring.examples import starter

LEADS = {"leads": {"target": {"count": "purchase", "at_least": 1}}}
LABELS = {"size": Text("Size", "اندازه")}


def names_with(field):
    """``field`` is what a CRM calls an attribute, whose own name says nothing."""
    page = starter(prediction=LEADS)
    page["attributes"]["thing"] = {"type": "text", "of": "contact", "hubspot": field}
    return names_of(compile_policy(page))


@pytest.mark.parametrize(
    "field",
    ["firstname", "lastname", "salutation", "mobilephone", "assigned_user_id", "UF_CRM_EMAIL2",
     "mailingstreet", "MailingStreet", "Phone1"],
)  # fmt: skip
def test_no_chance_hangs_on_who_somebody_is_however_a_crm_writes_it(field):
    assert "thing" not in names_with(field)


@pytest.mark.parametrize("field", ["emtiaz_score", "Emtiaz_Churn_Risk", "Emtiaz_Score__c"])
def test_what_was_written_into_the_crm_tells_no_chance(field):
    assert "thing" not in names_with(field)


def test_what_somebody_does_for_a_living_tells_a_chance():
    assert "thing" in names_with("occupation")
    assert are_fair(("lead_source", "LeadSource", "number_of_employees"))


@pytest.mark.parametrize(
    ("value", "en", "fa"),
    [(25_000_000.0, "25,000,000", persian("25,000,000")), (2.5, "2.5", persian("2.5")),
     (250_000_000, "250,000,000", persian("250,000,000")), (True, "yes", "بله"),
     (False, "no", "خیر"), ("web", "web", "web")],
)  # fmt: skip
def test_a_value_is_told_as_people_write_it(value, en, fa):
    assert told("size", {"size": value}, LABELS) == Text(f"Size: {en}", f"اندازه: {fa}")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, " "])
def test_a_value_that_says_nothing_is_not_known(value):
    assert told("size", {"size": value}, LABELS).en == "Size is not known"

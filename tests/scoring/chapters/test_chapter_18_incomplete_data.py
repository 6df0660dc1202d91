"""Chapter 18, as far as it speaks of one customer."""

import pytest

from tests.scoring.chapters.test_chapter_01_lead_score import card
from tests.scoring.examples import NOW, contact, row, starter, won

TEXT = {"en": "x", "fa": "x"}


def page_of(*rules, **labels):
    page = starter()
    page["lead"]["groups"][0]["rules"] = [
        {"id": f"rule_{index}", "when": when, "points": points, "text": TEXT}
        for index, (when, points) in enumerate(rules)
    ]
    for name, label in labels.items():
        page["attributes"][name]["label"] = label
    return page


SIZE = {"attribute": "account.employees", "at_least": 20}
TITLE = {"attribute": "job_title", "has_word": ["ceo"]}
COUNTRY = {"attribute": "country", "in": ["Iran"]}


def test_18_completeness_is_the_share_of_needed_fields_by_weight():
    page = page_of((SIZE, 12), (TITLE, -15), (COUNTRY, 3))
    assert card(page).completeness == 0
    assert card(page, contact(job_title="CEO")).completeness == pytest.approx(15 / 30)
    everything = [contact(job_title="x", country="y"), row("account", "7", {"employees": 1})]
    assert card(page, *everything).completeness == 1


def test_18_the_card_lists_what_is_unknown_by_weight_with_the_policys_labels():
    label = {"en": "Company size", "fa": "اندازهٔ شرکت"}
    page = page_of((SIZE, 12), (COUNTRY, 3), employees=label)
    size, country = card(page).unknown
    assert (size.points, size.text.en) == (12, "Company size unknown")
    assert size.text.fa == "اندازهٔ شرکت نامعلوم است"
    assert country.text.en == "Country unknown"  # an attribute without a label goes by its name


def test_18_the_points_of_a_rule_are_shared_among_what_it_misses():
    page = page_of(({"all": [SIZE, TITLE, COUNTRY]}, 12))
    assert {gap.id: gap.points for gap in card(page).unknown} == {
        "account.employees": 4, "job_title": 4, "country": 4,
    }  # fmt: skip
    known = card(page, contact(job_title="CEO"))
    assert {gap.id: gap.points for gap in known.unknown} == {"account.employees": 6, "country": 6}


def test_18_what_cannot_change_the_verdict_any_more_is_not_asked():
    page = page_of(({"all": [SIZE, TITLE]}, 12))
    assert card(page, contact(job_title="Clerk")).unknown == ()


def test_18_a_value_of_the_wrong_type_is_as_good_as_missing():
    page = page_of((SIZE, 12))
    found = card(page, row("account", "7", {"employees": "many"}))
    assert [gap.id for gap in found.unknown] == ["account.employees"]


def test_18_what_somebody_did_is_no_field_that_could_be_filled_in():
    page = page_of((TITLE, 15))
    assert card(page, contact(job_title="CEO"), won("1", NOW)).completeness == 1

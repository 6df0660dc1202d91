"""A scoring model is one file; nothing else is edited."""

import sys
import textwrap

import pytest

from chalicelib.core.errors import ConfigurationError
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from chalicelib.scoring import models, score_card
from tests.scoring.examples import FITTED, NOW, SUBJECT, activity, ago, fact_set, starter

LOYAL_VISITOR = '''
    """How many days in a row somebody was here."""

    from dataclasses import dataclass

    from chalicelib.core.model import Text
    from chalicelib.core.policy import Measure, Term

    SCHEMA = {
        "required": ["points_per_day"],
        "properties": {"points_per_day": {"type": "number"}},
    }


    @dataclass(frozen=True)
    class Model:
        points_per_day: float

        @classmethod
        def from_page(cls, parameters, context):
            return cls(parameters["points_per_day"])

        @property
        def maximum(self):
            return 7 * self.points_per_day

        def measure(self, profile, fitted):
            visits = profile.activities.get("page.viewed", ())
            points = self.points_per_day * min(7, len(visits))
            return Measure((Term("days", points, Text("Came often", "بارها آمد")),), 1, 1)
'''


@pytest.fixture
def dropped_in(tmp_path, monkeypatch):
    (tmp_path / "visits.py").write_text(textwrap.dedent(LOYAL_VISITOR), encoding="utf-8")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    yield
    sys.modules.pop("chalicelib.scoring.models.visits", None)


def page_with_visits(**parameters):
    page = starter()
    page["lead"]["groups"].append({"id": "visits", "model": "visits", **parameters})
    return page


def test_the_file_is_found_by_its_name(dropped_in):
    assert {"engagement", "fit", "rfm", "visits"} <= set(models.names())
    assert list(models.names()) == sorted(models.names())


def test_a_policy_may_use_it_at_once(dropped_in):
    page = page_with_visits(points_per_day=4)
    validate(page)
    visits = [activity("page.viewed", ago(days=40 + days)) for days in range(3)]
    card = score_card(SUBJECT, fact_set(visits), compile_policy(page), FITTED, NOW)
    assert {line.id: line.points for line in card.lead.contributions}["visits.days"] == 12


def test_its_parameters_are_validated_by_its_own_schema(dropped_in):
    with pytest.raises(PolicyInvalid) as caught:
        validate(page_with_visits(point_per_day=4))
    assert [str(problem) for problem in caught.value.problems] == [
        "/lead/groups/2: point_per_day is unknown here, did you mean points_per_day?",
    ]


def test_without_the_file_the_policy_says_which_models_there_are():
    with pytest.raises(PolicyInvalid, match="write one of: behaviour, engagement, fit, loyalty"):
        validate(page_with_visits(points_per_day=4))
    with pytest.raises(ConfigurationError, match="there are behaviour, engagement, fit, loyalty"):
        models.load("os")

"""``quiet`` foresees what ``publish`` will say; if they differ, cards wake too late or too often."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, publish
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.card import card_of, levels_of
from chalicelib.scoring.quiet import quiet
from tests.scoring.examples import FITTED, NOW, SUBJECT, fact_rows, fact_set, pages


def with_points(assessment, factor):
    """The same terms at other sums, as decay would leave them."""

    def scaled(reading):
        terms = [replace(term, points=term.points * factor) for term in reading.measure.terms]
        return replace(reading, measure=replace(reading.measure, terms=tuple(terms)))

    return replace(
        assessment,
        lead=tuple(map(scaled, assessment.lead)),
        components=tuple(map(scaled, assessment.components)),
    )


@settings(max_examples=300)
@given(pages, fact_rows, st.floats(0, 2))
def test_levels_are_quiet_exactly_when_publish_is_silent(page, rows, factor):
    policy = compile_policy(page)
    before = assess(SUBJECT, fact_set(rows), policy, FITTED, NOW)
    shown = publish(card_of(before), Written({}, certain=True), policy)
    after = with_points(before, factor)
    calm = quiet(policy, "contact", shown, customer=bool(before.known_components))
    silent = publish(card_of(after), Written(shown, certain=True), policy) is None
    assert (calm.margin(levels_of(after)) > 0) == silent

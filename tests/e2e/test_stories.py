"""On the packaged artefact: stories of shipped policies, told by a CRM and shown in its records."""

import pytest

from chalicelib.policy import compile_policy
from infra import stories
from infra.cli.policy_page import read_page, shipped_page
from infra.sandbox.rehearsal import rehearsal
from infra.sandbox.stand_in import starter
from tests.e2e.theatre import Theatre

pytestmark = pytest.mark.e2e

ACTED = ("online_shop", "sports_club", "b2b_funnel")
"""What HubSpot tells is enough for these."""

FIELDS = {
    "score": "score",
    "lead_score": "lead_score",
    "class": "class",
    "grade": "grade",
    "temperature": "temperature",
    "stage": "stage_segment",
    "next_action": "next_action",
    "campaign": "campaign",
    "service_level": "service_level",
}
"""Where the record shows what a story expects."""

ADVICE = {"next_action": "text", "campaign": "campaign", "service_level": "service_level"}


@pytest.fixture
def deployed():
    """Each story has an installation of its own, whose time it moves as it likes."""
    with rehearsal("hubspot") as running:
        running.deploy()
        yield running


@pytest.mark.parametrize("name", ACTED)
def test_the_record_shows_what_the_story_expects_at_each_of_its_instants(deployed, name):
    story, policy = stories.load(name), compile_policy(read_page(shipped_page(name)))
    crm = deployed.crm
    with starter(crm)(currency=policy.currency) as stand_in:
        own = deployed.beside(crm, stand_in, f"{crm}-{name.replace('_', '-')}")
        theatre = Theatre(own, story, policy)
        theatre.open()
        for number, step in enumerate(story.steps, start=1):
            theatre.perform(step)
            assert (number, seen(theatre, step)) == (number, wanted(step, policy))


def wanted(step, policy):
    """Of what is expected, what a record can show, in the policy's language."""
    fields = {
        name: _text(name, step.expected[name], policy) for name in FIELDS if name in step.expected
    }
    fields["tags"] = sorted(step.expected.get("tags", ()))
    fields["not_tags"] = []
    if "reasons" in step.expected:
        fields["why"] = " · ".join(reason[policy.language] for reason in step.expected["reasons"])
    return fields


def seen(theatre, step):
    shown = theatre.shown()
    fields = {name: shown.get(FIELDS[name], "") for name in FIELDS if name in step.expected}
    tags = set(shown.get("tags", "").split(";"))
    fields["tags"] = sorted(tags.intersection(step.expected.get("tags", ())))
    fields["not_tags"] = sorted(tags.intersection(step.expected.get("not_tags", ())))
    if "reasons" in step.expected:
        fields["why"] = shown["why"].translate(dict.fromkeys(range(0x2066, 0x206A)))
    return fields


def _text(name, expected, policy):
    if expected is None:
        return ""
    if name not in ADVICE:
        return str(expected)
    told = next(getattr(one, ADVICE[name]) for one in policy.actions if one.id == expected)
    return getattr(told, "text", told).in_language(policy.language)

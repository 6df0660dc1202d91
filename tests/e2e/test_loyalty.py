"""On the packaged artefact: a year in a loyalty club, as a CRM's record shows it."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.core.facts import parse_instant
from chalicelib.policy import compile_policy
from infra import stories
from infra.cli.policy_page import read_page, shipped_page
from infra.sandbox.rehearsal import rehearsal
from infra.sandbox.stand_in import names, starter
from tests.e2e.equality import oracle_of
from tests.e2e.theatre import Theatre

pytestmark = pytest.mark.e2e

NAME = "customer_club"
TEHRAN = ZoneInfo("Asia/Tehran")
MISSION = "سه خرید در ۳۰ روز: {} از ۳"
DIGITS = "۰۱۲۳"


@pytest.fixture(scope="module", params=names())
def play(request):
    """The theatre after each step, with what the record showed then."""
    crm, story = request.param, stories.load(NAME)
    policy = compile_policy(read_page(shipped_page(NAME)))
    with rehearsal(crm) as running, starter(crm)(currency=policy.currency) as stand_in:
        running.deploy()
        club = running.beside(crm, stand_in, f"{crm}-customer-club")
        theatre = Theatre(club, story, policy)
        theatre.open()
        yield theatre, [shown(theatre, step) for step in story.steps]


def shown(theatre, step):
    theatre.perform(step)
    return theatre.shown()


def steps(play):
    theatre, records = play
    return zip(theatre.story.steps, records, strict=True)


def test_the_record_shows_points_and_tier_at_each_instant(play):
    for step, record in steps(play):
        expected = step.expected
        assert record["tier"] == expected["tier"], step.at
        assert record["points"] == str(expected["loyalty_points"]), step.at
        assert f"tier:{expected['tier']}" in record["tags"].split(";"), step.at
        if "expiring_points" in expected:
            assert record.get("points_expiring", "") == str(expected["expiring_points"] or ""), (
                step.at
            )


def test_the_record_shows_the_progress_of_the_mission(play):
    for step, record in steps(play):
        if "missions" in step.expected:
            done = int(step.expected["missions"]["three_purchases"][0])
            assert plain(record["missions"]) == MISSION.format(DIGITS[done])


def plain(text):
    return text.translate(dict.fromkeys(range(0x2066, 0x206A)))


def closed(theatre, at):
    """When the CRM says that a deal was closed, as the story dates it."""
    return oracle_of(theatre.rehearsal.crm).closed_at(at, "Asia/Tehran")


def instant(theatre, record, name):
    """As the story dates it."""
    return parse_instant(record[name]) - theatre.shift


def test_the_record_shows_when_points_expire_and_until_when_the_tier_is_valid(play):
    theatre, records = play
    first, second = (parse_instant(f"2026-01-{day}T09:00:00Z") for day in ("06", "10"))
    second = closed(theatre, second)
    # Points live to the end of the 365th local day, a tier for 365 times 24 hours.
    last_day = (first + timedelta(days=365)).astimezone(TEHRAN).date()
    dies = datetime.combine(last_day + timedelta(days=1), time.min, TEHRAN)
    for record in records[1:6]:
        assert instant(theatre, record, "points_expire_at") == dies
    for record in records[2:6]:
        assert instant(theatre, record, "tier_valid_until") == second + timedelta(days=365)
    assert records[0].get("tier_valid_until") is records[7].get("tier_valid_until") is None


def test_the_record_shows_what_is_missing_for_the_next_tier_and_to_keep_this_one(play):
    _, records = play
    assert plain(records[1]["tier_progress"]) == "۲۰۰ امتیاز تا نقره‌ای"
    assert plain(records[2]["tier_progress"]).endswith("۵۰۰ امتیاز تا طلایی")
    assert plain(records[6]["tier_progress"]).startswith("برای ماندن در سطح نقره‌ای: ۵۰۰ امتیاز تا ")


def test_a_refund_takes_back_what_its_order_had_earned(play):
    _, records = play
    assert [record["points"] for record in records[3:5]] == ["640", "500"]


def test_grace_keeps_the_tier_and_shows_until_when(play):
    theatre, records = play
    bought = closed(theatre, parse_instant("2026-01-10T09:00:00Z"))
    ends = bought + timedelta(days=365 + 30)
    assert records[6]["tier"] == "silver"
    assert instant(theatre, records[6], "tier_valid_until") == ends


def test_a_downgrade_swaps_the_tags_in_one_update(play):
    """Where tags are set apart from fields, there are none between two tiers, and never two."""
    theatre, _ = play
    at_once = oracle_of(theatre.rehearsal.crm).TAGS_WITH_FIELDS
    tags = [(one.at, tiers_of(one.value)) for one in revisions(theatre, "tags")]
    assert all(len(tiers) <= 1 for _, tiers in tags)
    if at_once:
        assert all(tiers for _, tiers in tags)
    held = [(at, min(tiers)) for at, tiers in tags if tiers]
    swaps = [now for now, before in zip(held[1:], held, strict=False) if now[1] != before[1]]
    assert [tag for _, tag in swaps] == ["tier:silver", "tier:bronze"]
    tiers = [(one.at, f"tier:{one.value}") for one in revisions(theatre, "tier")][1:]
    assert [tag for _, tag in tiers] == [tag for _, tag in swaps]
    if at_once:
        assert tiers == swaps


def revisions(theatre, output):
    return theatre.people.revisions(theatre.person, output)


def tiers_of(tags):
    return {tag for tag in tags.split(";") if tag.startswith("tier:")}

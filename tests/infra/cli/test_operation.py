"""What an admin does with an installation, on fakes."""

from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from chalicelib.core.connector import Change, Connection
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable, WriteRefused
from chalicelib.pipeline.park import park
from chalicelib.pipeline.reconcile import reconcile
from infra.cli import backfill
from infra.deploy import NotDeployed
from tests.fakes.clock import NOON
from tests.fakes.crm import ForgetfulCrm

TOY = ("--connection", "toy-main")


@pytest.fixture
def scored(installation):
    fakes = installation.fakes
    ref = fakes.contact(512, deals=[(fakes.clock.now(), 120)])
    fakes.deliver("contact:512")
    fakes.run()
    return ref


@pytest.fixture
def parked(installation):
    fakes = installation.fakes
    items = []
    for number, reason in enumerate(("the CRM refuses\x1b[2J", "the record is locked"), 1):
        refs = [f"toy-main:contact:{number}"]
        message = {"connection": "toy-main", "refs": refs, "reason": "read"}
        items.append(park(message, reason, fakes.services, fakes.clock.now()))
        fakes.clock.advance(seconds=1)
    return items


def test_a_stage_that_is_not_deployed_is_unreachable(emtiaz, monkeypatch):
    def find(stage):
        raise NotDeployed(f"stage {stage} is not deployed; run: emtiaz deploy --stage {stage}")

    monkeypatch.setattr("infra.cli.installation.Installation.find", find)
    outcome = emtiaz("status", "--stage", "nowhere")
    assert outcome.code == 3
    assert outcome.err == "stage nowhere is not deployed; run: emtiaz deploy --stage nowhere\n"
    assert outcome.out == ""


def test_status_counts_queues_cards_and_parked_deliveries(emtiaz, installation, scored, parked):
    installation.dead.messages.append({"connection": "toy-main"})
    status = emtiaz("status", "--json").json
    assert status["queues"]["intake"] == 0
    assert status["queues"]["intake dead letters"] == 1
    (connection,) = status["connections"]
    assert connection == {
        "connection": "toy-main",
        "account": "424242",
        "webhooks": "https://emtiaz.example/v1/hooks/toy-main",
        "cards": 1,
        "rescored": "1 of 1",
        "parked": 2,
        "unsubscribed": "",
        "paused": "",
        "untrained": "",
    }


def test_status_in_lines_says_the_same(emtiaz, installation, scored):
    cells = emtiaz("status").cells
    assert ["intake", "0"] in cells
    assert [
        "toy-main",
        "424242",
        "https://emtiaz.example/v1/hooks/toy-main",
        "1",
        "1 of 1",
        "0",
        "",
        "",
        "",
    ] in cells


def test_status_says_why_and_until_when_a_crm_is_left_alone(emtiaz, installation):
    reason = "the account has withdrawn its grant; run emtiaz connect again"
    installation.fakes.settings.pause("toy-main", NOON, reason)
    assert f"until 2026-03-21T12:00:00.000Z: {reason}" in emtiaz("status").out


def test_status_says_what_keeps_a_connection_from_being_scored(emtiaz, installation):
    live = installation.fakes.settings.live("toy-main")
    installation.fakes.settings.put_connection(replace(live.connection, id="toy-2"))
    (row,) = (one for one in emtiaz("status").cells if one[0] == "toy-2")
    assert row[-1] == "toy-2 has no policy"


def test_explain_shows_lines_that_sum_to_the_score(emtiaz, scored):
    outcome = emtiaz("explain", scored)
    rows = [row for row in outcome.cells if len(row) == 3]
    customer = rows[: [row[1] for row in rows].index("customer score")]
    total = rows[len(customer)]
    assert outcome.code == 0
    assert customer
    assert sum(int(points) for points, _, _ in customer) == int(total[0])
    assert f"score {total[0]} is what the CRM shows" in outcome.out


def test_explain_as_json_is_the_stored_card(emtiaz, installation, scored):
    card = installation.fakes.card(scored)
    told = emtiaz("explain", scored, "--json").json
    published = told.pop("published")
    assert told == card.body
    assert published["version"] == published["written_version"] == card.version


def test_explain_speaks_persian_too(emtiaz, scored):
    english, persian = (
        emtiaz("explain", scored).out,
        emtiaz("explain", scored, "--language", "fa").out,
    )
    assert english != persian
    assert any("\u0600" <= sign <= "\u06ff" for sign in persian)


def test_a_record_without_a_card_is_a_finding(emtiaz, installation):
    outcome = emtiaz("explain", "toy-main:contact:404")
    assert outcome.code == 1
    assert "never scored" in outcome.err


def test_what_is_no_ref_is_wrong_usage(emtiaz, installation):
    outcome = emtiaz("explain", "512")
    assert outcome.code == 2
    assert "connection:kind:id" in outcome.err


def test_provision_shows_the_difference_and_a_dry_run_leaves_it(emtiaz, installation):
    outcome = emtiaz("provision", *TOY, "--dry-run", "--json")
    assert {change["action"] for change in outcome.json} == {"create"}
    assert "score" in [change["target"] for change in outcome.json]
    assert installation.fakes.crm.provisioned == set()


def test_provision_asks_and_nobody_there_means_no(emtiaz, installation):
    outcome = emtiaz("provision", *TOY)
    assert outcome.code == 4
    assert "--yes" in outcome.err
    assert installation.fakes.crm.provisioned == set()


def test_provisioning_twice_changes_nothing_the_second_time(emtiaz, installation):
    assert emtiaz("provision", *TOY, "--yes").code == 0
    assert "score" in installation.fakes.crm.provisioned
    again = emtiaz("provision", *TOY)
    assert (again.code, again.out) == (0, "")
    assert "all fields are there" in again.err


def with_topics(installation, tmp_path):
    page = installation.fakes.settings.live("toy-main").policy
    path = tmp_path / "policy.yaml"
    path.write_text(
        yaml.safe_dump({**page, "publish": {**page["publish"], "topics": True}}), "utf-8"
    )
    return "--policy", path


def test_a_crm_without_topics_says_what_to_leave_out(emtiaz, installation, tmp_path):
    outcome = emtiaz("provision", *TOY, *with_topics(installation, tmp_path), "--yes")
    assert outcome.code == 1
    told = [cells for cells in outcome.cells if cells[0] == "conflict"]
    assert told == [
        ["conflict", "topics", "toy has no topics: leave publish.topics out of the policy"]
    ]
    assert "score" in installation.fakes.crm.provisioned
    assert "topics" not in installation.fakes.crm.provisioned


def test_a_crm_with_topics_is_asked_for_them(emtiaz, installation, tmp_path):
    installation.fakes.takes_topics = True
    assert emtiaz("provision", *TOY, *with_topics(installation, tmp_path), "--yes").code == 0
    assert "topics" in installation.fakes.crm.provisioned


def test_a_field_in_the_way_is_a_finding(emtiaz, installation, monkeypatch):
    conflict = Change("conflict", "score", "is text, not a number")
    monkeypatch.setattr(installation.fakes.crm, "plan", lambda *_: (conflict,))
    outcome = emtiaz("provision", *TOY, "--yes")
    assert outcome.code == 1
    assert outcome.cells[0] == ["conflict", "score", "is text, not a number"]
    assert "done" not in outcome.err


def test_an_input_that_is_missing_is_told_and_keeps_nothing_from_being_made(
    emtiaz, installation, monkeypatch
):
    crm = installation.fakes.crm
    missing, plan = Change("missing", "contact.budgt", "is not there"), crm.plan
    monkeypatch.setattr(crm, "plan", lambda *wanted: (*plan(*wanted), missing))
    outcome = emtiaz("provision", *TOY, "--yes")
    assert outcome.code == 0
    assert ["missing", "contact.budgt", "is not there"] in outcome.cells
    assert "mend its name" in outcome.err
    assert "score" in crm.provisioned
    again = emtiaz("provision", *TOY)
    assert (again.code, "Make these" in again.err) == (0, False)


@pytest.mark.parametrize(
    ("error", "code"),
    [(CrmUnavailable("the CRM is down"), 3), (CredentialsInvalid("the token has expired"), 4)],
)
def test_trouble_with_the_crm_is_one_sentence_and_a_number(emtiaz, installation, error, code):
    def fail(*_):
        raise error

    installation.fakes.crm.plan = fail
    outcome = emtiaz("provision", *TOY)
    assert (outcome.code, outcome.err) == (code, f"{error}\n")


def test_backfill_scores_everybody_and_tells_how_many(emtiaz, installation, monkeypatch):
    fakes = installation.fakes
    refs = [fakes.contact(number, deals=[(fakes.clock.now(), number)]) for number in range(1, 8)]
    monkeypatch.setattr(backfill.time, "sleep", lambda _seconds: fakes.run())
    outcome = emtiaz("backfill", *TOY, "--json")
    assert outcome.code == 0
    assert outcome.json["records"] == 7
    assert set(fakes.crm.fields) == set(refs)
    assert "reading the list of records: 7 of 7" in outcome.err.splitlines()


@pytest.mark.parametrize(("strays", "told"), [(1234, True), (0, False), (None, False)])
def test_a_backfill_tells_of_won_deals_that_count_for_nobody(
    emtiaz, installation, monkeypatch, strays, told
):
    crm = installation.fakes.crm
    monkeypatch.setattr(crm, "stray_deals", lambda: strays, raising=False)
    outcome = emtiaz("backfill", *TOY)
    assert ("1,234 won deals name no contact" in outcome.err) == told
    assert emtiaz("backfill", *TOY, "--json").json.get("stray_deals") == strays


def test_a_dry_run_of_backfill_only_counts(emtiaz, installation):
    fakes = installation.fakes
    fakes.contact(1)
    outcome = emtiaz("backfill", *TOY, "--dry-run")
    assert outcome.err == "1 records would be scored\n"
    assert emtiaz("backfill", *TOY, "--dry-run", "--json").json["records"] == 1
    assert fakes.intake.messages == []


def test_parked_deliveries_are_listed_with_their_reasons(emtiaz, installation, parked):
    listed = emtiaz("parked", "list", *TOY, "--json").json
    assert [(row["id"], row["reason"]) for row in listed] == [
        (item.id, item.reason) for item in parked
    ]


def test_what_a_crm_said_cannot_steer_the_terminal(emtiaz, installation, parked):
    assert "\x1b" not in emtiaz("parked", "list", *TOY).out


def test_parked_deliveries_can_be_replayed_one_by_one(emtiaz, installation, parked):
    first, second = parked
    assert (
        emtiaz("parked", "replay", second.id, *TOY, "--dry-run").err == "1 would be queued again\n"
    )
    assert installation.fakes.intake.messages == []
    assert emtiaz("parked", "replay", second.id, *TOY).err == "1 queued again\n"
    assert len(installation.fakes.intake.messages) == 1
    assert [item.id for item in installation.fakes.settings.parked("toy-main")] == [first.id]


def test_an_error_that_nobody_expected_keeps_its_traceback(installation, monkeypatch):
    from infra import cli

    def bug(_connection):
        raise AssertionError

    monkeypatch.setattr(installation.fakes.settings, "parked", bug)
    with pytest.raises(AssertionError):
        cli.main(["parked", "list", *TOY])


def test_the_only_connection_need_not_be_named(emtiaz, installation, parked):
    assert emtiaz("parked", "list").out == emtiaz("parked", "list", *TOY).out != ""
    assert emtiaz("parked", "list", "--stage", "test").code == 0


def test_of_several_connections_one_has_to_be_named(emtiaz, installation):
    second = Connection("toy-b", "toy", "2", "https://toy.example", "1", "USD", "UTC")
    installation.fakes.settings.put_connection(second)
    outcome = emtiaz("parked", "list")
    assert outcome.code == 2
    assert "--connection: toy-b, toy-main" in " ".join(outcome.err.split())
    assert emtiaz("parked", "list", "--connection", "toy-b").code == 0


def test_without_a_connection_the_next_step_is_told(emtiaz, installation):
    installation.fakes.settings.connections = lambda: ()
    outcome = emtiaz("provision")
    assert (outcome.code, outcome.err) == (
        1,
        "nothing is connected yet; next: emtiaz connect CRM\n",
    )


def test_help_looks_for_no_connection(emtiaz):
    outcome = emtiaz("provision", "--help")
    assert "the only one that is connected" in " ".join(outcome.out.replace("│", "").split())


@pytest.fixture
def forgetful(installation):
    """A CRM that rings for some days only, and chooses names."""
    installation.fakes.crm = ForgetfulCrm()
    return installation.fakes.crm


def details(installation):
    return installation.fakes.settings.live("toy-main").connection.details


def test_provisioning_keeps_what_the_crm_called_the_fields(emtiaz, installation, forgetful):
    settings = installation.fakes.settings
    held = replace(settings.live("toy-main").connection, details={"user": "7"})
    settings.put_connection(held)
    assert emtiaz("provision", "--yes").code == 0
    assert details(installation)["field.contact.score"] == "Toy_score"
    assert details(installation)["user"] == "7"


def test_provisioning_has_the_crm_ring_and_says_so(emtiaz, installation, forgetful):
    forgetful.lapsed = ["contacts"]
    outcome = emtiaz("provision", "--yes")
    assert forgetful.is_subscribed
    assert "create contacts: rings again" in outcome.err


def test_a_dry_run_of_provision_subscribes_to_nothing(emtiaz, installation, forgetful):
    assert emtiaz("provision", "--dry-run").code == 0
    assert not forgetful.is_subscribed
    assert details(installation) == {}


def test_provisioning_ends_with_a_finding_if_the_crm_does_not_ring(emtiaz, installation, forgetful):
    forgetful.broken = {"contacts": "the edition has no notifications"}
    outcome = emtiaz("provision", "--yes")
    assert outcome.code == 1
    assert "conflict contacts: the edition has no notifications" in outcome.err


def test_unsubscribing_lasts_until_the_fields_are_provisioned_again(
    emtiaz, installation, forgetful
):
    fakes = installation.fakes
    emtiaz("provision", "--yes")
    assert emtiaz("unsubscribe", "--yes").code == 0
    now = fakes.clock.now()
    reconcile(fakes.services, now, now + timedelta(minutes=1))
    assert not forgetful.is_subscribed
    emtiaz("provision", "--yes")
    assert forgetful.is_subscribed


def test_a_crm_that_rings_by_its_app_is_silenced_there(emtiaz, installation):
    outcome = emtiaz("unsubscribe", "--yes")
    assert outcome.code == 1
    assert "stand in the app" in outcome.err


def test_an_edition_without_room_for_the_fields_is_told_of_the_minimal_profile(
    emtiaz, installation, forgetful
):
    settings = installation.fakes.settings
    held = settings.live("toy-main").connection
    settings.put_connection(replace(held, details={"edition": "standard"}))
    forgetful.fail_next("provision", WriteRefused("LIMIT_EXCEEDED"))
    outcome = emtiaz("provision", "--yes")
    assert outcome.code == 4
    assert (
        "the edition standard takes no more fields, say publish: {profile: minimal}" in outcome.err
    )
    assert outcome.err.endswith("LIMIT_EXCEEDED\n")


def test_a_person_is_forgotten_for_good(emtiaz, installation, scored):
    fakes = installation.fakes
    record = fakes.crm.facts[scored]
    assert emtiaz("erase", scored, "--dry-run").err == f"{scored} has a card\n"
    assert not fakes.intake.messages
    assert emtiaz("erase", scored, "--yes").code == 0
    fakes.run()
    assert fakes.store.erased == {scored}
    fakes.crm.put(scored, *record)
    fakes.deliver("contact:512")
    fakes.run()
    assert scored not in fakes.store.subjects


def test_nobody_is_forgotten_without_being_asked_for(emtiaz, installation, scored):
    assert emtiaz("erase", scored).code == 4
    assert not installation.fakes.intake.messages
    unknown = emtiaz("erase", "toy-nowhere:contact:1", "--yes")
    assert (unknown.code, "toy-nowhere" in unknown.err) == (1, True)

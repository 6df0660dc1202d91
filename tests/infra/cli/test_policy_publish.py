"""An admin changes the policy that is in force, on fakes."""

import json
from datetime import timedelta

import pytest
import yaml

from chalicelib.core.connector import Change
from chalicelib.core.errors import WriteRefused
from chalicelib.pipeline.effect import needs_provision, unread
from chalicelib.policy import compile_policy, version_of
from infra.cli import policy_publish
from infra.cli.score import read_facts, read_models
from tests.pipeline.conftest import CONNECTION, SHIPPED

TOY = ("--connection", CONNECTION)
PEOPLE = 60
DAY = timedelta(days=1)


@pytest.fixture
def shipped():
    return yaml.safe_load(SHIPPED.read_text("utf-8"))


@pytest.fixture
def fakes(installation, monkeypatch):
    """Sixty people are scored and written; whoever waits for the queues delivers them."""
    fakes = installation.fakes
    for number in range(PEOPLE):
        deals = [(fakes.clock.now() - number * DAY, 10 + number)] if number % 3 else []
        ref = fakes.contact(number, job="CEO" if number % 2 else "Intern", deals=deals)
        fakes.deliver(f"contact:{ref.id}")
    fakes.run()
    fakes.crm.calls.clear()
    monkeypatch.setattr(policy_publish.time, "sleep", lambda _seconds: fakes.run())
    return fakes


@pytest.fixture
def page_of(tmp_path, shipped):
    def page_of(**changes):
        path = tmp_path / f"policy-{len(list(tmp_path.iterdir()))}.yaml"
        page = json.loads(json.dumps(shipped)) | changes
        path.write_text(yaml.safe_dump(page, allow_unicode=True), "utf-8")
        return path

    return page_of


@pytest.fixture
def friendlier(page_of, shipped):
    """Ten points more for the first rule of fit: scores move, and no class does."""
    lead = json.loads(json.dumps(shipped["lead"]))
    lead["groups"][0]["rules"][0]["points"] += 10
    return page_of(lead=lead)


@pytest.fixture
def upside_down(page_of, shipped):
    """Everybody who bought at all is in class A."""
    customer = json.loads(json.dumps(shipped["customer"]))
    customer["classes"] = {**customer["classes"], "A": 1, "B": 0}
    return page_of(customer=customer)


def written_version(path):
    return version_of(yaml.safe_load(path.read_text("utf-8")))


def in_force(fakes):
    return version_of(fakes.settings.live(CONNECTION).policy)


def test_published_and_waited_for_everybody_is_scored_and_written(emtiaz, fakes, friendlier):
    told = emtiaz("policy", "publish", friendlier, *TOY, "--wait", "--json").json
    version = written_version(friendlier)
    assert (told["version"], told["published"], told["scored"]) == (version, True, PEOPLE)
    assert in_force(fakes) == version
    assert {one.card.body["policy"] for one in fakes.store.subjects.values()} == {version}
    assert {name for name, _ in fakes.crm.calls} == {"write"}
    assert len(fakes.writes()) == told["effect"]["crm_writes"]["records"] > 0


def test_without_waiting_it_is_begun_and_goes_on_by_itself(emtiaz, fakes, friendlier):
    outcome = emtiaz("policy", "publish", friendlier, *TOY)
    assert outcome.code == 0
    assert f"{PEOPLE} cards are queued" in outcome.err
    assert emtiaz("status", "--json").json["connections"][0]["rescored"] == f"0 of {PEOPLE}"
    fakes.run()
    assert emtiaz("status", "--json").json["connections"][0]["rescored"] == f"{PEOPLE} of {PEOPLE}"


def test_a_dry_run_shows_the_effect_and_changes_nothing(emtiaz, fakes, friendlier):
    before = in_force(fakes)
    outcome = emtiaz("policy", "publish", friendlier, *TOY, "--dry-run")
    assert f"{before} → {written_version(friendlier)} on {PEOPLE} cards" in outcome.out
    assert "records would be written to the CRM" in outcome.out
    assert in_force(fakes) == before
    assert fakes.intake.messages == []


def test_days_and_sums_of_elsewhere_are_told(emtiaz, fakes, page_of):
    there = page_of(time_zone="Asia/Tehran", currency="USD")
    outcome = emtiaz("policy", "publish", there, *TOY, "--dry-run")
    assert "time_zone is Asia/Tehran in the policy, and UTC in the account" in outcome.err
    assert "currency is" not in outcome.err


def test_a_surprising_effect_is_refused(emtiaz, fakes, upside_down):
    before = in_force(fakes)
    outcome = emtiaz("policy", "publish", upside_down, *TOY)
    assert outcome.code == 4
    assert "of the customers would change class, and nothing was published" in outcome.err
    assert in_force(fakes) == before


def test_unless_it_is_meant(emtiaz, fakes, upside_down):
    assert emtiaz("policy", "publish", upside_down, *TOY, "--yes").code == 0
    assert in_force(fakes) == written_version(upside_down)


def test_what_is_no_policy_is_always_refused(emtiaz, fakes, page_of):
    before = in_force(fakes)
    outcome = emtiaz("policy", "publish", page_of(language="de"), *TOY, "--yes")
    assert outcome.code == 1
    assert in_force(fakes) == before


def test_what_is_in_force_is_not_published_again(emtiaz, fakes, page_of):
    outcome = emtiaz("policy", "publish", page_of(), *TOY)
    assert "in force already" in outcome.err
    assert len(emtiaz("policy", "history", *TOY).cells) == 1


def test_a_publisher_who_was_overtaken_is_refused(emtiaz, fakes, friendlier, monkeypatch):
    other = {**fakes.settings.live(CONNECTION).policy, "name": "Somebody else's"}

    def overtaken(*_arguments, **_options):
        fakes.settings.publish_policy(CONNECTION, version_of(other), other, fakes.clock.now())
        return []

    monkeypatch.setattr(policy_publish, "effect", overtaken)
    outcome = emtiaz("policy", "publish", friendlier, *TOY)
    assert outcome.code == 3
    assert "in force by now" in outcome.err
    assert in_force(fakes) == version_of(other)


def test_attributes_that_were_never_read_are_named_and_the_backfill_offered(
    emtiaz, fakes, page_of, shipped
):
    known = shipped["attributes"]
    attributes = {**known, "budget": {**known["job_title"], "hubspot": "budget"}}
    path = page_of(attributes=attributes)
    outcome = emtiaz("policy", "publish", path, *TOY)
    assert "not among what is stored: budget" in outcome.err
    assert "--backfill" in outcome.err


def test_an_input_that_the_crm_does_not_show_is_told_and_published_all_the_same(
    emtiaz, fakes, page_of, shipped, monkeypatch
):
    known = shipped["attributes"]
    path = page_of(attributes={**known, "budget": {**known["job_title"], "hubspot": "budgt"}})
    monkeypatch.setattr(fakes.crm, "plan", lambda *_: (Change("missing", "budgt", "is not there"),))
    outcome = emtiaz("policy", "publish", path, *TOY, "--json")
    assert outcome.json["hidden"] == ["budgt"]
    assert "nobody gets points by it: budgt" in outcome.err
    assert in_force(fakes) == written_version(path)


@pytest.fixture
def segmented(page_of):
    """A segment of its own, which is a tag that the CRM has to know before."""
    text = {"en": "Has gone quiet", "fa": "کم‌پیدا شده است"}
    when = {"last": "purchase", "longer_ago_days": 60}
    return page_of(segments=[{"id": "gone_quiet", "when": when, "text": text}])


def test_what_the_crm_has_no_place_for_is_not_published(emtiaz, fakes, segmented):
    before = in_force(fakes)
    outcome = emtiaz("policy", "publish", segmented, *TOY, "--json")
    assert (outcome.code, outcome.json["published"]) == (4, False)
    assert "run emtiaz provision --policy FILE before" in outcome.err
    assert in_force(fakes) == before
    dry = emtiaz("policy", "publish", segmented, *TOY, "--dry-run", "--json")
    assert (dry.code, dry.json["needs_provision"]) == (0, True)


def test_until_its_fields_are_made(emtiaz, fakes, segmented):
    assert emtiaz("provision", "--policy", segmented, *TOY, "--yes").code == 0
    assert emtiaz("policy", "publish", segmented, *TOY).code == 0
    assert in_force(fakes) == written_version(segmented)


def test_whoever_waits_hears_of_records_that_are_parked(emtiaz, fakes, friendlier):
    fakes.crm.refusals |= dict.fromkeys(fakes.store.subjects, WriteRefused("a rule of the CRM"))
    outcome = emtiaz("policy", "publish", friendlier, *TOY, "--wait")
    parked = len(fakes.settings.parked(CONNECTION))
    assert parked > 0
    assert f"{parked} are parked, and wait for a person" in outcome.err


def test_with_a_backfill_everybody_is_read_anew(emtiaz, fakes, friendlier):
    told = emtiaz("policy", "publish", friendlier, *TOY, "--backfill", "--json").json
    assert told["scored"] == PEOPLE
    assert len({ref for batch in fakes.crm.called("fetch_history") for ref in batch}) == PEOPLE


def test_the_history_tells_who_when_and_why(emtiaz, fakes, friendlier):
    emtiaz("policy", "publish", friendlier, *TOY, "--note", "more for CEOs")
    newest, first = emtiaz("policy", "history", *TOY, "--json").json
    assert newest["version"] == written_version(friendlier)
    assert newest["replaced"] == first["version"]
    assert newest["by"] == "arn:aws:iam::123456789012:user/ada"
    assert newest["note"] == "more for CEOs"
    assert (newest["in_force"], first["in_force"]) == (True, False)
    assert emtiaz("policy", "history", *TOY).cells[0][0] == "in force"


def test_a_rollback_publishes_the_version_before(emtiaz, fakes, friendlier):
    before = in_force(fakes)
    emtiaz("policy", "publish", friendlier, *TOY, "--wait")
    outcome = emtiaz("policy", "rollback", *TOY, "--wait", "--json")
    assert outcome.json["version"] == before == in_force(fakes)
    assert {one.card.body["policy"] for one in fakes.store.subjects.values()} == {before}
    newest = emtiaz("policy", "history", *TOY, "--json").json[0]
    assert newest["note"] == f"rollback to {before}"


def test_a_rollback_to_a_named_version_finds_only_what_was_in_force(emtiaz, fakes, friendlier):
    first = in_force(fakes)
    emtiaz("policy", "publish", friendlier, *TOY)
    assert emtiaz("policy", "rollback", "0123456789ab", *TOY).code == 1
    assert emtiaz("policy", "rollback", first, *TOY).code == 0
    assert in_force(fakes) == first


def test_there_is_nothing_before_the_first_version(emtiaz, fakes):
    outcome = emtiaz("policy", "rollback", *TOY)
    assert outcome.code == 1
    assert "no earlier version" in outcome.err


def test_a_wait_that_was_stopped_goes_on_when_repeated(emtiaz, fakes, friendlier):
    emtiaz("policy", "publish", friendlier, *TOY)
    lost = fakes.intake.take()
    fakes.intake.send(lost[:4])
    outcome = emtiaz("policy", "publish", friendlier, *TOY, "--wait")
    assert outcome.code == 0
    scored = [one.card.body["policy"] == in_force(fakes) for one in fakes.store.subjects.values()]
    assert 0 < sum(scored) < PEOPLE  # the lost messages are found by the next walk
    fakes.clock.advance(minutes=6)
    emtiaz("policy", "publish", friendlier, *TOY, "--wait")
    fakes.run()
    assert all(one.card.body["policy"] == in_force(fakes) for one in fakes.store.subjects.values())


def test_an_export_holds_what_is_known_of_everybody(emtiaz, installation, fakes, tmp_path):
    facts, models = tmp_path / "facts.jsonl", tmp_path / "models.json"
    told = emtiaz("export", *TOY, "--facts", facts, "--models", models, "--json").json
    found = read_facts(facts)
    assert told["subjects"] == len(found) == PEOPLE
    assert told["facts"] == sum(len(list(one)) for one in found.values())
    assert all(fakes.store.load(ref).facts == one for ref, one in found.items())
    assert read_models(models) == fakes.settings.live(CONNECTION).models
    assert facts.stat().st_mode & 0o077 == 0


def test_whoever_is_in_the_bin_is_not_exported(emtiaz, fakes, tmp_path):
    ref = next(iter(fakes.store.subjects))
    fakes.clock.advance(seconds=1)
    fakes.crm.delete(ref)
    fakes.deliver(f"contact:{ref.id}", what="deleted", at=fakes.clock.now())
    fakes.run()
    facts = tmp_path / "facts.jsonl"
    assert emtiaz("export", *TOY, "--facts", facts, "--json").json["subjects"] == PEOPLE - 1


def test_scores_of_an_export_are_those_of_the_stored_cards(emtiaz, fakes, tmp_path):
    facts, policy = tmp_path / "facts.jsonl", tmp_path / "policy.yaml"
    emtiaz("export", *TOY, "--facts", facts)
    policy.write_text(yaml.safe_dump(dict(fakes.settings.live(CONNECTION).policy)), "utf-8")
    at = fakes.clock.now().isoformat()
    lines = emtiaz("score", "--facts", facts, "--policy", policy, "--at", at, "--json").out
    scores = {card["subject"]: card["score"] for card in map(json.loads, lines.splitlines())}
    assert scores == {str(ref): one.card.body["score"] for ref, one in fakes.store.subjects.items()}


def test_what_surprises_is_told_to_scripts_too(emtiaz, fakes, upside_down):
    outcome = emtiaz("policy", "publish", upside_down, *TOY, "--json")
    assert outcome.code == 4
    assert outcome.json["effect"]["surprising"]
    assert not outcome.json["published"]


def test_a_tag_that_is_new_can_be_made_before_its_policy_is_published(
    emtiaz, fakes, page_of, monkeypatch
):
    text = {"en": "All", "fa": "همه"}
    path = page_of(
        segments=[{"id": "of_note", "text": text, "when": {"first": "purchase", "within_days": 30}}]
    )
    assert "provision --policy" in emtiaz("policy", "publish", path, *TOY, "--dry-run").err
    wanted = []
    monkeypatch.setattr(fakes.crm, "plan", lambda outputs, *_: wanted.extend(outputs) or ())
    assert emtiaz("provision", *TOY, "--policy", path).code == 0
    (tags,) = (one for one in wanted if one.name == "tags")
    assert "segment:of-note" in [choice.value for choice in tags.choices]


def test_a_policy_that_scores_companies_needs_their_fields(fakes, page_of, shipped):
    live = fakes.settings.live(CONNECTION)
    page = json.loads(json.dumps(shipped))
    page["lead"]["groups"].append({"id": "people", "model": "roll_up", "method": "noisy_or"})
    assert needs_provision(live, compile_policy(page))
    assert not needs_provision(live, compile_policy(live.policy))


def test_an_export_that_was_left_half_done_opens_the_next_to_nobody(emtiaz, fakes, tmp_path):
    facts = tmp_path / "facts.jsonl"
    left = tmp_path / "facts.jsonl.part"
    left.touch(mode=0o644)
    assert emtiaz("export", *TOY, "--facts", facts).code == 0
    assert facts.stat().st_mode & 0o077 == 0


def test_another_label_is_nothing_to_be_read_or_made(fakes, page_of, shipped):
    text = {"en": "All", "fa": "همه"}
    segment = {"id": "of_note", "text": text, "when": {"first": "purchase", "within_days": 30}}
    before = {**shipped, "segments": [segment]}
    fakes.settings.publish_policy(CONNECTION, version_of(before), before, fakes.clock.now())
    page = json.loads(json.dumps(before))
    page["segments"][0]["text"]["en"] = "Everybody"
    page["attributes"]["job_title"] |= {"zoho": "Title", "label": {"en": "Post", "fa": "سمت"}}
    live = fakes.settings.live(CONNECTION)
    assert unread(live, compile_policy(page)) == ()
    assert not needs_provision(live, compile_policy(page))


def test_a_rollback_goes_behind_what_was_published_over_itself(emtiaz, fakes, friendlier):
    before = in_force(fakes)
    emtiaz("policy", "publish", friendlier, *TOY)
    page = fakes.settings.live(CONNECTION).policy
    fakes.settings.publish_policy(CONNECTION, version_of(page), page, fakes.clock.now())
    assert emtiaz("policy", "rollback", *TOY).code == 0
    assert in_force(fakes) == before

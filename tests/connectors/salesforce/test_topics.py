"""Tags as topics of Salesforce's records, with the stand-in over real HTTP."""

from datetime import timedelta
from functools import partial

import pytest

import connectors
from chalicelib.adapters.clock import SystemClock
from chalicelib.core.connector import Connection, Update
from chalicelib.core.errors import (
    CrmUnavailable,
    RecordBusy,
    RecordGone,
    WrittenInPart,
)
from chalicelib.core.model import Ref
from chalicelib.core.outputs import OUTPUTS
from chalicelib.pipeline.local_access import local_access
from chalicelib.pipeline.messages import Envelope, Reason, refs_messages
from chalicelib.pipeline.process import process
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.write_back import write_back
from chalicelib.policy import version_of
from connectors.salesforce import batch_write, topics
from connectors.salesforce.api import SalesforceApi
from connectors.salesforce.topics import LONGEST, topic_name
from infra.sandbox.salesforce import acting
from infra.sandbox.salesforce.records import PERSON, SALESFORCE
from infra.sandbox.salesforce.settings import Settings
from infra.sandbox.salesforce.topics import names_of
from infra.sandbox.stand_in import Deal, Person
from tests.connectors.salesforce.test_against_stand_in import ADDRESS, connected
from tests.fakes.points import LOYALTY
from tests.fakes.queue import InMemoryQueue
from tests.fakes.secrets import InMemorySecrets
from tests.fakes.settings import InMemorySettingsStore
from tests.fakes.store import InMemorySubjectStore
from tests.scoring.examples import starter

OUTPUT = [one for one in OUTPUTS if one.name == "topics"]
GOLD, BASIC, CLASS = "tier:gold", "tier:basic", "class:A"


@pytest.fixture
def salesforce():
    with acting.start() as running:
        yield running


@pytest.fixture
def client(salesforce):
    return connected(salesforce)[0]


@pytest.fixture
def ann(salesforce):
    return salesforce.people.load_person(Person("ann@example.com", "", ("Ann", "Lee")))


def ref(identity, kind="contact"):
    return Ref("salesforce-main", kind, identity)


def tag(client, person, *tags, score=7):
    return client.write([Update(ref(person), {"score": score, "topics": tags})])


def ours(*tags):
    return sorted(f"Emtiaz: {one}" for one in tags)


def calls(salesforce, ask):
    salesforce.requests.reset()
    ask()
    return sum(salesforce.requests.counts().values())


def test_a_record_gets_a_topic_for_each_tag(salesforce, client, ann):
    assert tag(client, ann, GOLD, CLASS) == {}
    assert salesforce.people.topics(ann) == ours(GOLD, CLASS)
    assert salesforce.people.shown(ann)["score"] == "7"
    assert client.shown([ref(ann)], OUTPUT) == {ref(ann): {"topics": (CLASS, GOLD)}}


def test_another_tier_takes_the_place_of_the_old_one_and_nobody_elses(salesforce, client, ann):
    salesforce.people.add_topic(ann, "VIP")
    salesforce.people.add_topic(ann, "tier:basic")
    tag(client, ann, BASIC, CLASS)
    tag(client, ann, GOLD, CLASS)
    assert salesforce.people.topics(ann) == sorted([*ours(GOLD, CLASS), "VIP", "tier:basic"])
    tag(client, ann)
    assert salesforce.people.topics(ann) == ["VIP", "tier:basic"]


def test_no_tags_any_more_leaves_what_people_added(salesforce, client, ann):
    salesforce.people.add_topic(ann, "VIP")
    tag(client, ann, GOLD)
    client.write([Update(ref(ann), {"topics": None})])
    assert salesforce.people.topics(ann) == ["VIP"]
    assert client.shown([ref(ann)], OUTPUT) == {ref(ann): {"topics": None}}


def test_topics_that_stay_are_not_made_anew(salesforce, client, ann):
    tag(client, ann, BASIC, CLASS)
    before = {one.id for one in salesforce.org.living("TopicAssignment")}
    tag(client, ann, GOLD, CLASS)
    assert len(before & {one.id for one in salesforce.org.living("TopicAssignment")}) == 1


def test_a_topic_of_one_name_is_shared_by_all_records(salesforce, client, ann):
    lead = salesforce.people.keep("lead", {"LastName": "Berg"})
    client.write(
        [Update(ref(ann), {"topics": (GOLD,)}), Update(ref(lead, "lead"), {"topics": (GOLD,)})]
    )
    assert salesforce.people.topics(lead) == salesforce.people.topics(ann) == ours(GOLD)
    assert len(list(salesforce.org.living("Topic"))) == 1


def test_a_write_without_topics_takes_no_call_more(salesforce, client, ann):
    client.write([Update(ref(ann), {"score": 1})])
    write = partial(client.write, [Update(ref(ann), {"score": 2, "tags": (GOLD,)})])
    assert calls(salesforce, write) == 1


def test_two_hundred_records_take_a_call_for_each_step(salesforce, client):
    """Fields, a look, new assignments, old ones; topics that are known already are not asked for."""
    people = [salesforce.people.load_person(Person(f"{n}@example.com")) for n in range(200)]

    def write(tier):
        found = client.write([Update(ref(one), {"score": 1, "topics": (tier,)}) for one in people])
        assert found == {}

    write(BASIC)
    write(GOLD)
    assert calls(salesforce, partial(write, BASIC)) == 4
    assert all(salesforce.people.topics(one) == ours(BASIC) for one in people)
    assert calls(salesforce, partial(write, BASIC)) == 2


def test_of_many_topics_of_ours_none_is_overlooked(salesforce, client, monkeypatch):
    """As many as one answer may hold at most are asked for again, of fewer records."""
    people = [salesforce.people.load_person(Person(f"{n}@example.com")) for n in range(8)]
    tags = [f"segment:s{n}" for n in range(6)]
    for one in people:
        tag(client, one, *tags)
    monkeypatch.setattr(topics, "MOST_ROWS", 10)
    shown = client.shown([ref(one) for one in people], OUTPUT)
    assert shown == {ref(one): {"topics": tuple(tags)} for one in people}
    for one in people:
        tag(client, one, GOLD)
    assert all(salesforce.people.topics(one) == ours(GOLD) for one in people)


def test_what_died_between_adding_and_removing_is_mended_by_the_next_write(
    salesforce, client, ann, monkeypatch
):
    tag(client, ann, BASIC)

    def dies(_api, _ids):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("connectors.salesforce.api.SalesforceApi.delete_rows", dies)
        with pytest.raises(KeyboardInterrupt):
            tag(client, ann, GOLD)
    assert client.shown([ref(ann)], OUTPUT)[ref(ann)] == {"topics": (BASIC, GOLD)}
    tag(client, ann, GOLD)
    assert salesforce.people.topics(ann) == ours(GOLD)


@pytest.mark.parametrize("route", ["POST", "DELETE"])
def test_a_write_whose_answer_is_lost_is_in_doubt_and_read_back(
    salesforce, ann, route, monkeypatch
):
    client = connected(salesforce)[0]
    tag(client, ann, BASIC)
    send = (
        f"connectors.salesforce.api.SalesforceApi.{'create' if route == 'POST' else 'delete'}_rows"
    )

    def lost(_api, _rows):
        raise CrmUnavailable("no answer", in_doubt=True)

    with monkeypatch.context() as patched:
        patched.setattr(send, lost)
        with pytest.raises(CrmUnavailable) as error:
            tag(client, ann, GOLD)
    assert error.value.in_doubt
    shown = client.shown([ref(ann)], OUTPUT)[ref(ann)]["topics"]
    assert shown == ((BASIC,) if route == "POST" else (BASIC, GOLD))


def test_a_deleted_record_is_answered_for_alone(salesforce, client, ann):
    gone = salesforce.people.load_person(Person("gone@example.com"))
    salesforce.people.delete_person(gone)
    updates = [Update(ref(one), {"score": 1, "topics": (GOLD,)}) for one in (ann, gone)]
    assert {one: type(why) for one, why in client.write(updates).items()} == {ref(gone): RecordGone}
    only_topics = [Update(ref(one), {"topics": (CLASS,)}) for one in (ann, gone)]
    assert {one: type(why) for one, why in client.write(only_topics).items()} == {
        ref(gone): RecordGone
    }
    assert salesforce.people.topics(ann) == ours(CLASS)


def test_a_record_whose_fields_were_refused_gets_no_topics(salesforce, client, ann):
    salesforce.org.rules.submit(ann)
    assert isinstance(tag(client, ann, GOLD)[ref(ann)], RecordBusy)
    assert salesforce.people.topics(ann) == []


def left_out(client, *people):
    found = client.write([Update(ref(one), {"score": 9, "topics": (GOLD,)}) for one in people])
    assert {type(why) for why in found.values()} <= {WrittenInPart}
    return {one.id: why.left_out for one, why in found.items()}


def targets(client):
    return [one.target for one in client.plan(OUTPUT, "en", ("contact",))]


def test_where_topics_are_off_all_else_is_written_and_they_are_once_they_are_on(
    salesforce, client, ann
):
    salesforce.org.schema.topics.objects.discard("Contact")
    lead = salesforce.people.keep("lead", {"LastName": "Berg"})
    updates = [
        Update(ref(ann), {"score": 9, "topics": (GOLD,)}),
        Update(ref(lead, "lead"), {"topics": (GOLD,)}),
    ]
    found = client.write(updates)
    assert {one: why.left_out for one, why in found.items()} == {
        ref(ann): {"topics": "Contact: topics"}
    }
    assert salesforce.people.shown(ann)["score"] == "9"
    assert salesforce.people.topics(lead) == ours(GOLD)
    assert "Contact: topics" in targets(client), "so that it is known when they are on"
    assert calls(salesforce, partial(left_out, client, ann)) == 1, "as is known for a while"
    salesforce.org.schema.topics.objects.add("Contact")
    assert connected(salesforce)[0].write(updates) == {}
    assert salesforce.people.topics(ann) == ours(GOLD)


@pytest.mark.parametrize(
    ("right", "target"), [("assigns", "TopicAssignment"), ("creates", "Topic")]
)
def test_a_right_that_is_missing_is_told_of(salesforce, client, ann, right, target):
    setattr(salesforce.org.schema.topics, right, False)
    assert left_out(client, ann) == {ann: {"topics": target}}
    assert targets(client) == [target]
    assert salesforce.people.topics(ann) == []


def test_a_refusal_of_which_no_description_tells_is_for_a_person(
    salesforce, client, ann, monkeypatch
):
    salesforce.org.schema.topics.objects.discard("Contact")
    monkeypatch.setattr(topics, "conflicts", lambda _api, _objects: iter(()))
    assert "Topics for Objects" in str(tag(client, ann, GOLD)[ref(ann)])


def test_what_fields_and_topics_lack_is_told_together(salesforce, client, ann):
    salesforce.org.schema.topics.objects.discard("Contact")
    salesforce.org.schema.grant("Contact", "Emtiaz_Class__c", "none")
    fields = {"score": 9, "class": "A", "topics": (GOLD,)}
    (found,) = client.write([Update(ref(ann), fields)]).values()
    assert found.left_out == {"class": "Contact.Emtiaz_Class__c", "topics": "Contact: topics"}
    assert salesforce.people.shown(ann)["score"] == "9"


def test_topics_are_written_though_a_field_is_missing(salesforce, client, ann):
    salesforce.org.schema.grant("Contact", "Emtiaz_Class__c", "none")
    (found,) = client.write([Update(ref(ann), {"class": "A", "topics": (GOLD,)})]).values()
    assert found.left_out == {"class": "Contact.Emtiaz_Class__c"}
    assert salesforce.people.topics(ann) == ours(GOLD)


def test_without_the_right_to_create_topics_that_are_there_are_assigned(salesforce, client, ann):
    other = salesforce.people.load_person(Person("other@example.com"))
    salesforce.people.add_topic(other, "Emtiaz: tier:gold")
    salesforce.org.schema.topics.creates = False
    assert tag(client, ann, GOLD) == {}
    assert salesforce.people.topics(ann) == ours(GOLD)


def test_a_topic_that_somebody_deleted_is_made_anew(salesforce, client, ann):
    tag(client, ann, GOLD, CLASS)
    with salesforce.org.transaction(SALESFORCE) as work:
        for topic in list(salesforce.org.living("Topic")):
            work.delete("Topic", topic.id)
    assert salesforce.people.topics(ann) == []
    assert tag(client, ann, GOLD, CLASS) == {}
    assert salesforce.people.topics(ann) == ours(GOLD, CLASS)


def test_a_topic_that_another_worker_made_meanwhile_is_taken(salesforce, client, ann, monkeypatch):
    look = topics.Topics._look

    def overtaken(self, records, names):
        held = look(self, records, names)
        salesforce.people.add_topic(ann, "Emtiaz: tier:gold")
        return held

    monkeypatch.setattr(topics.Topics, "_look", overtaken)
    assert tag(client, ann, GOLD) == {}
    assert salesforce.people.topics(ann) == ours(GOLD)


def test_names_are_one_in_whatever_capitals(salesforce, client, ann):
    salesforce.people.add_topic(ann, "emtiaz: Tier:GOLD")
    assert tag(client, ann, GOLD) == {}
    assert salesforce.people.topics(ann) == ["emtiaz: Tier:GOLD"]
    tag(client, ann, CLASS)
    assert salesforce.people.topics(ann) == ours(CLASS)


def test_what_is_locked_is_sent_again(salesforce, client, ann, monkeypatch):
    waited = []
    monkeypatch.setattr("connectors.salesforce.batch_write.sleep", waited.append)
    create, refusals = client._api.create_rows, [2]

    def locked(rows):
        if rows[0]["attributes"]["type"] == "TopicAssignment" and refusals[0]:
            refusals[0] -= 1
            error = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}
            return [{"success": False, "errors": [error]} for _ in rows]
        return create(rows)

    monkeypatch.setattr(client._api, "create_rows", locked)
    assert tag(client, ann, GOLD) == {}
    assert len(waited) == 2
    refusals[0] = 99
    assert isinstance(tag(client, ann, BASIC)[ref(ann)], RecordBusy)


def test_where_no_topics_are_seen_at_all_nobody_shows_any(salesforce, client, ann, monkeypatch):
    def refused(_self, _queries):
        from connectors._http import Refused

        raise Refused("no", 400, [{"errorCode": "INVALID_TYPE", "message": "not supported"}])

    tag(client, ann, GOLD)
    monkeypatch.setattr("connectors.salesforce.topics._assignments", lambda _ids: None)
    monkeypatch.setattr("connectors.salesforce.api.SalesforceApi.queries", refused)
    assert client._topics.shown([ann]) == {}


def test_a_person_account_shows_topics_on_its_account():
    settings = Settings(person_accounts=True)
    with acting.ActingStandIn.start(settings=settings) as salesforce:
        client = connected(salesforce)[0]
        with salesforce.org.transaction(PERSON) as work:
            account = work.create("Account", {"LastName": "Lee", "FirstName": "Ann"})
        person = account.text("PersonContactId")
        assert tag(client, person, GOLD) == {}
        assert names_of(salesforce.org, account.id) == ours(GOLD)
        assert client.shown([ref(person)], OUTPUT) == {ref(person): {"topics": (GOLD,)}}


def test_the_plan_says_what_to_switch_on(salesforce, client):
    assert client.plan(OUTPUT, "en", ("contact",)) == ()
    access = salesforce.org.schema.topics
    access.objects.discard("Lead")
    access.assigns = access.creates = False
    found = client.plan(OUTPUT, "en", ("contact",))
    assert {one.action for one in found} == {"conflict"}
    assert [one.target for one in found] == ["TopicAssignment", "Topic", "Lead: topics"]
    told = " ".join(one.detail for one in found)
    assert "Topics for Objects" in told
    assert "Assign Topics" in told
    assert "Create Topics" in told


def test_a_plan_without_topics_asks_nothing_of_them(salesforce, client):
    salesforce.org.schema.topics.objects.clear()
    score = [one for one in OUTPUTS if one.name == "score"]
    assert client.plan(score, "en", ("contact",)) == ()


def test_names_fit_into_salesforces_field_and_hold_nothing_that_ends_one():
    assert len(topic_name("product:" + "x" * 200)) == LONGEST
    assert not set(topic_name("product:a, b] c")) & set(",]")


class Installation:
    """Emtiaz with one organisation, whose policy has a programme and asks for topics."""

    def __init__(self, salesforce):
        self.people, secret = salesforce.people, salesforce.granted(ADDRESS)
        self.services = Services(
            load_connector=connectors.load,
            store=InMemorySubjectStore(),
            settings=InMemorySettingsStore(),
            secrets=InMemorySecrets({"salesforce-main": secret}),
            intake=InMemoryQueue(),
            write_back=InMemoryQueue(),
            announce=InMemoryQueue(),
            clock=SystemClock(),
            open_access=lambda _connection: local_access(secret, SystemClock()),
        )
        self.services.settings.put_connection(
            Connection(
                "salesforce-main", "salesforce", salesforce.org.settings.org_id, salesforce.url,
                "v66.0", "USD", "UTC",
            )
        )  # fmt: skip

    def publish(self, **asked):
        page = starter(loyalty=LOYALTY, publish={"step": 5, "profile": "full", **asked})
        now = self.services.clock.now()
        self.services.settings.publish_policy("salesforce-main", version_of(page), page, now)

    def changed(self, person):
        """Somebody's record changed: read, scored and written."""
        refs = refs_messages("salesforce-main", [ref(person)], Reason.READ)
        self.services.intake.send(refs)
        assert not process(self._batch(self.services.intake), self.services, self._now())
        deadline = self._now() + timedelta(minutes=1)
        assert not write_back(self._batch(self.services.write_back), self.services, deadline)

    def _now(self):
        return self.services.clock.now()

    def _batch(self, queue):
        return [Envelope(str(n), f"receipt-{n}", 1, body) for n, body in enumerate(queue.take())]


def tiers(people, person):
    return [one for one in people.topics(person) if "tier:" in one]


def test_a_customer_who_rises_to_another_tier_has_its_topic_in_place_of_the_old_one(
    salesforce, ann
):
    installation, people = Installation(salesforce), salesforce.people
    installation.publish(topics=True)
    people.add_topic(ann, "tier:old guard")
    closed = people.now() - timedelta(days=3)
    deal = people.load_deal(ann, Deal("500", "USD", "won", closed))
    installation.changed(ann)
    assert tiers(people, ann) == ["Emtiaz: tier:basic", "tier:old guard"]
    people.set_amount(deal, "2000")
    installation.changed(ann)
    assert tiers(people, ann) == ["Emtiaz: tier:gold", "tier:old guard"]
    assert set(people.shown(ann)["tags"].split(";")) == set(people.shown(ann)["topics"].split(";"))


def test_a_policy_that_asks_for_none_any_more_takes_ours_away(salesforce, ann):
    installation, people = Installation(salesforce), salesforce.people
    people.add_topic(ann, "VIP")
    people.load_deal(ann, Deal("500", "USD", "won", people.now() - timedelta(days=3)))
    installation.publish(topics=True)
    installation.changed(ann)
    assert len(people.topics(ann)) > 1
    installation.publish()
    installation.changed(ann)
    assert people.topics(ann) == ["VIP"]


def test_a_policy_that_never_asked_has_no_record_looked_at(salesforce, ann):
    installation = Installation(salesforce)
    installation.publish()
    salesforce.people.load_deal(ann, Deal("500", "USD", "won", salesforce.people.now()))
    installation.changed(ann)
    salesforce.requests.reset()
    salesforce.people.set_title(ann, "CEO")
    installation.changed(ann)
    counts = salesforce.requests.counts()
    assert sum(count for route, count in counts.items() if "sobjects" in route) == 1
    assert salesforce.people.topics(ann) == []


def test_no_request_is_begun_for_topics_once_a_write_has_taken_long(
    salesforce, client, ann, monkeypatch
):
    clock = [0.0]
    monkeypatch.setattr(batch_write, "monotonic", lambda: clock[0])
    update = SalesforceApi.update

    def slow(self, rows):
        clock[0] += 110.0
        return update(self, rows)

    monkeypatch.setattr(SalesforceApi, "update", slow)
    for name in ("queries", "describe", "create_rows", "delete_rows"):
        monkeypatch.setattr(SalesforceApi, name, not_to_be_asked)
    (error,) = tag(client, ann, GOLD).values()
    assert isinstance(error, RecordBusy)


def not_to_be_asked(*_arguments):
    raise AssertionError("a request that is begun too late")

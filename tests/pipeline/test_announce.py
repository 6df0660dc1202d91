"""From a bell to the receiver: at least once, or at most once, and what becomes of failures."""

import json
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.core.announcements import Announcement, Mailing
from chalicelib.core.connector import WebhookEndpoint
from chalicelib.core.errors import (
    CrmStumbled,
    CrmUnavailable,
    InDoubt,
    Parked,
    RateLimited,
    Retryable,
)
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref, Text
from chalicelib.core.outgoing import Answer, Unreachable
from chalicelib.pipeline.announce import HOPELESS_AFTER, announce
from chalicelib.pipeline.bells import bells
from chalicelib.pipeline.park import replay
from chalicelib.pipeline.ways import Ways, webhook_body
from tests.adapters.test_subject_store_contract import save
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, envelope

ANNA = Ref(CONNECTION, "contact", "1")
ONE = Announcement(
    id="ann_1",
    subject=ANNA,
    rule="risen",
    kind="tier_up",
    at=NOON,
    data={"tier": "gold"},
    rep=Text("Customer 1 reached Gold", "مشتری ۱ به سطح طلایی رسید"),
    customer=Text("You have reached Gold.", "شما به سطح طلایی رسیدید."),
    to=("webhook",),
    mailing=Mailing("mail", "no_mail"),
)
SHOP = WebhookEndpoint("shop", "https://shop.example/hooks", ("whsec_c2VjcmV0",))
CHAT = WebhookEndpoint("chat", "https://chat.example/hooks", ("whsec_c2VjcmV0",))


@dataclass
class FakeWebhooks:
    """``answers`` are statuses or errors by receiver, taken in order; then all is well."""

    answers: dict = field(default_factory=dict)
    sent: list = field(default_factory=list)

    def send(self, endpoint, id_, body, at):
        self.sent.append((endpoint.id, id_, body, at))
        waiting = self.answers.get(endpoint.id, [])
        answer = waiting.pop(0) if waiting else 204
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Answer) else Answer(answer)


@dataclass
class FakeBus:
    error: Exception | None = None
    events: list = field(default_factory=list)

    def put(self, kind, detail):
        if self.error:
            raise self.error
        self.events.append((kind, detail))


@dataclass
class FakeMailer:
    error: Exception | None = None
    mails: list = field(default_factory=list)

    def send(self, address, subject, text):
        if self.error:
            raise self.error
        self.mails.append((address, text))


@dataclass
class Office:
    """An installation with an announcement in its outbox, and a bell that rings for it."""

    installation: object
    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    bus: FakeBus = field(default_factory=FakeBus)
    mailer: FakeMailer | None = field(default_factory=FakeMailer)
    endpoints: tuple = (SHOP, CHAT)

    def put(self, **changes):
        one = replace(ONE, **changes)
        held = self.installation.secrets.secrets
        held[CONNECTION] = replace(held[CONNECTION], outgoing=self.endpoints)
        record = Fact(ANNA, "contact", "1", NOON, {"mail": "anna@example.com"}, NOON)
        told = replace(save(ANNA, 0, record), announcements=(one,))
        self.installation.store.save(told)
        (self.bell,) = bells([one], NOON)

    def ring(self, *, receives=1, deadline=None, bell=None):
        ways = Ways(
            self.installation.store, self.webhooks, self.bus, self.mailer,
            self.installation.clock.now,
        )  # fmt: skip
        services = self.installation.services
        deadline = deadline or services.clock.now().replace(year=2100)
        return announce([envelope(bell or self.bell, receives=receives)], services, ways, deadline)

    @property
    def parked(self):
        return [item.reason for item in self.installation.settings.parked(CONNECTION)]

    def replay(self):
        replay(CONNECTION, self.installation.services)
        (self.bell,) = self.installation.bell.take()

    @property
    def done(self):
        return self.installation.store.outgoing(ANNA, ONE.id).done


@pytest.fixture
def office(installation):
    return Office(installation)


def test_every_receiver_gets_the_announcement_under_its_id(office):
    office.put()
    assert office.ring() == ()
    assert [(one, id_) for one, id_, _, _ in office.webhooks.sent] == [
        ("shop", "ann_1"),
        ("chat", "ann_1"),
    ]
    told = json.loads(office.webhooks.sent[0][2])
    assert (told["type"], told["timestamp"]) == ("tier_up", "2026-03-21T12:00:00.000Z")
    assert told["data"]["text"]["customer"]["en"] == "You have reached Gold."
    assert told["data"]["sms_parts"] == {"en": 1, "fa": 1}
    assert told["data"]["subject"] == "toy-main:contact:1"
    assert office.done == {"webhook", "webhook:shop", "webhook:chat"}


def test_what_is_done_is_not_done_again(office):
    office.put()
    assert (office.ring(), office.ring(receives=2)) == ((), ())
    assert len(office.webhooks.sent) == 2


def test_the_same_announcement_is_the_same_bytes_in_every_attempt():
    assert webhook_body(ONE) == webhook_body(Announcement.from_json(ONE.to_json()))


def test_a_receiver_that_fails_is_tried_again_and_keeps_no_other_waiting(office):
    office.put()
    office.webhooks.answers = {"shop": [500, Unreachable("no answer")]}
    for receives, wait in ((1, 2), (2, 4)):
        (failure,) = office.ring(receives=receives)
        assert failure.wait_seconds == wait
    assert office.ring(receives=3) == ()
    assert [one for one, _, _, _ in office.webhooks.sent] == ["shop", "chat", "shop", "shop"]


def test_a_receiver_may_ask_for_patience(office):
    office.put()
    office.webhooks.answers = {"chat": [Answer(429, b"", 120.0)]}
    (failure,) = office.ring()
    assert failure.wait_seconds == 120


@pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500, 503])
def test_any_refusal_is_tried_for_a_day_and_then_parked(office, status):
    office.put()
    office.webhooks.answers = {"shop": [status] * 3}
    assert office.ring()
    office.installation.clock.advance(hours=23)
    assert office.ring(receives=90)
    office.installation.clock.advance(hours=1)
    assert office.ring(receives=94) == ()
    assert office.parked == [f"given up after a day: shop answered {status}"]


def test_what_was_parked_is_tried_for_another_day(office):
    office.put()
    office.endpoints = (SHOP,)
    office.webhooks.answers = {"shop": [500] * 2}
    office.installation.clock.advance(days=1)
    office.ring(receives=94)
    office.replay()
    assert office.parked == []
    assert office.ring()
    assert office.ring(receives=2) == ()
    assert "webhook" in office.done


@pytest.mark.parametrize("refusal", [410, Unreachable("leads inside", hopeless=True)])
def test_a_receiver_that_never_will_is_parked_at_once(office, refusal):
    office.endpoints = (SHOP,)
    office.put()
    office.webhooks.answers = {"shop": [refusal]}
    assert office.ring() == ()
    assert len(office.parked) == 1


def test_while_one_receiver_may_still_take_it_nothing_is_parked(office):
    office.put()
    office.webhooks.answers = {"shop": [410], "chat": [500]}
    assert office.ring()
    assert office.parked == []


def test_a_bell_before_the_save_waits_for_it_and_one_for_nothing_goes_away(office):
    (bell,) = bells([ONE], NOON)
    (failure,) = office.ring(bell=bell)
    assert failure.wait_seconds == 2
    office.put()
    assert office.ring(bell=bell, receives=2) == ()
    assert len(office.webhooks.sent) == 2
    office.installation.clock.advance(minutes=11)
    (nothing,) = bells([replace(ONE, id="ann_2")], NOON)
    assert office.ring(bell=nothing) == ()
    assert office.parked == []


def test_nothing_is_begun_after_the_deadline(office):
    office.put()
    (failure,) = office.ring(deadline=NOON)
    assert failure.wait_seconds <= 1
    assert office.webhooks.sent == []


def test_a_damaged_bell_is_parked(office):
    office.put()
    for damage in ({"way": "pigeon"}, {"refs": []}, {"rung_at": "noon"}):
        assert office.ring(bell={**office.bell, **damage}) == ()
    assert len(office.parked) == 3


def test_a_bell_that_fails_in_a_way_that_nobody_foresaw_is_parked_after_some_tries(office):
    office.put()
    office.webhooks.answers = {"shop": [TypeError("what?")] * 2}
    assert office.ring(receives=HOPELESS_AFTER)
    assert office.ring(receives=HOPELESS_AFTER + 1) == ()
    assert office.parked == ["TypeError: what?"]


def test_programs_get_an_event(office):
    office.put(to=("event_bridge",))
    assert office.ring() == ()
    ((kind, detail),) = office.bus.events
    assert (kind, detail["id"], detail["data"]) == ("tier_up", "ann_1", {"tier": "gold"})
    office.ring(receives=2)
    assert len(office.bus.events) == 1


def test_an_event_that_was_not_taken_is_sent_again(office):
    office.put(to=("event_bridge",))
    office.bus.error = Retryable("busy")
    assert office.ring()
    office.bus.error = None
    assert office.ring(receives=2) == ()
    assert len(office.bus.events) == 1


ERRANDS = ["crm_task", "crm_note"]


@pytest.mark.parametrize("way", ERRANDS)
def test_a_rep_is_told_once_in_the_language_of_the_policy(office, way):
    office.put(to=(way,), language="fa")
    assert (office.ring(), office.ring(receives=2)) == ((), ())
    ((kind, subject, errand),) = office.installation.crm.errands
    assert (kind, subject) == (way, ANNA)
    assert errand.title == ONE.rep.fa
    assert ONE.customer.fa in errand.body


@pytest.mark.parametrize("way", ERRANDS)
@pytest.mark.parametrize("error", [RateLimited("busy"), CrmUnavailable("down")])
def test_a_task_that_certainly_was_not_made_is_made_later(office, way, error):
    office.put(to=(way,))
    office.installation.crm.fail_next(way, error)
    assert office.ring()
    office.installation.clock.advance(minutes=1)
    assert office.ring(receives=2) == ()
    assert len(office.installation.crm.errands) == 1
    assert office.parked == []


@pytest.mark.parametrize("way", ERRANDS)
@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("error", [CrmUnavailable("lost", in_doubt=True), CrmStumbled("500")])
def test_a_task_that_may_have_been_made_is_not_made_again_but_by_a_person(
    office, way, error, applied
):
    office.put(to=(way,))
    office.installation.crm.fail_next(way, error, applied=applied)
    assert office.ring() == ()
    assert office.parked == [f"in doubt: {error}"]
    assert office.ring(receives=2) == ()
    assert len(office.installation.crm.errands) == applied
    office.installation.clock.advance(minutes=5)
    office.replay()
    assert office.ring() == ()
    assert len(office.installation.crm.errands) == applied + 1
    assert way in office.done


def test_a_worker_that_dies_between_claim_and_task_leaves_a_doubt(office):
    office.put(to=("crm_task",))
    assert office.installation.store.claim(ANNA, ONE.id, "crm_task")
    assert office.ring(receives=2) == ()
    assert office.parked == ["in doubt: it was begun before, and may have been made"]
    assert office.installation.crm.errands == []


def test_a_task_that_the_crm_refuses_is_parked_and_may_be_tried_again(office):
    office.put(to=("crm_task",))
    office.installation.crm.fail_next("crm_task", Parked("no such contact"))
    assert office.ring() == ()
    assert office.parked == ["no such contact"]
    office.replay()
    assert office.ring() == ()
    assert len(office.installation.crm.errands) == 1


def mail(office, **told):
    office.put(to=("email",))
    record = Fact(ANNA, "contact", "1", NOON, told, NOON)
    office.installation.store.save(replace(save(ANNA, 1, record)))
    office.ring()
    return office.mailer.mails if office.mailer else []


def test_a_customer_gets_one_mail(office):
    assert mail(office, mail="ben@example.com") == [("ben@example.com", "You have reached Gold.")]
    office.ring(receives=2)
    assert len(office.mailer.mails) == 1


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"mail": ""},
        {"mail": None},
        {"mail": "none"},
        {"mail": "a@example.com", "no_mail": True},
    ],
)
def test_nobody_gets_mail_who_has_no_address_or_wants_none(office, told):
    assert mail(office, **{"mail": None, **told}) == []
    assert office.done == {"email"}


def test_mail_is_off_unless_the_installation_has_a_sender(office):
    office.mailer = None
    assert mail(office, mail="ben@example.com") == []
    assert office.done == {"email"}


def test_a_mail_that_may_have_been_sent_is_parked(office):
    office.mailer.error = InDoubt("in doubt: no answer")
    mail(office, mail="ben@example.com")
    assert office.parked == ["in doubt: no answer"]
    office.mailer.error = None
    office.ring(receives=2)
    assert office.mailer.mails == []


def test_nothing_of_the_parked_is_kept_of_who_asked_to_be_forgotten(office):
    office.endpoints = (SHOP,)
    office.put()
    office.webhooks.answers = {"shop": [410]}
    office.ring()
    assert len(office.parked) == 1
    office.installation.intake.send(
        [{"connection": CONNECTION, "refs": [str(ANNA)], "reason": "erase"}]
    )
    assert office.installation.process() == ()
    assert office.parked == []
    assert office.installation.store.outgoing(ANNA, ONE.id) is None

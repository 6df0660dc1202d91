"""Receivers that fail half the time, workers that die, deliveries that come twice."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from chalicelib.core.errors import CrmStumbled, CrmUnavailable, RateLimited, Retryable
from chalicelib.core.model import Ref
from chalicelib.core.outgoing import Answer, Unreachable
from chalicelib.pipeline.announce import announce
from chalicelib.pipeline.bells import bells
from chalicelib.pipeline.messages import Envelope
from chalicelib.pipeline.ways import Ways
from tests.adapters.test_subject_store_contract import save
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation
from tests.pipeline.test_announce import CHAT, ONE, SHOP, FakeBus, FakeMailer

PEOPLE = 40


class Dead(BaseException):
    """Nothing in the worker catches it, as nothing catches a SIGKILL."""


@dataclass
class Unkind:
    """Half of what it is sent fails: unheard, heard but not answered, or refused."""

    dice: Random
    got: list = field(default_factory=list)

    def send(self, endpoint, id_, _body, _at):
        if self.dice.random() < 0.5:
            if self.dice.random() < 0.5:
                self.got.append((endpoint.id, id_))
            if self.dice.random() < 0.5:
                return Answer(self.dice.choice([429, 500, 503, 307]))
            raise Unreachable("broke off")
        self.got.append((endpoint.id, id_))
        return Answer(204)


class DyingStore:
    """Before or after a tenth of its changes the worker dies."""

    def __init__(self, store, dice):
        self.store, self.dice = store, dice

    def __getattr__(self, name):
        act = getattr(self.store, name)

        def risky(*given):
            deadly = self.dice.random()
            if deadly < 0.05:
                raise Dead
            done = act(*given)
            if deadly > 0.95:
                raise Dead
            return done

        return risky


def put(installation, way):
    held = installation.secrets.secrets
    held[CONNECTION] = replace(held[CONNECTION], outgoing=(SHOP, CHAT))
    messages = []
    for number in range(PEOPLE):
        ref = Ref(CONNECTION, "contact", str(number))
        one = replace(ONE, id=f"ann_{number}", subject=ref, to=(way,))
        installation.store.save(replace(save(ref, 0), announcements=(one,)))
        messages += bells([one], NOON)
    return messages


def stormed(installation, way, dice):
    """Until every bell is answered; SQS brings back what was not, and some of what was."""
    webhooks = Unkind(dice)
    outbox = DyingStore(installation.store, dice)
    ways = Ways(outbox, webhooks, FakeBus(), FakeMailer(), installation.clock.now)
    waiting = [(body, 1) for body in put(installation, way)]
    deadline = NOON.replace(year=2100)
    while waiting:
        body, receives = waiting.pop(dice.randrange(len(waiting)))
        envelope = Envelope("1", "receipt", receives, body)
        try:
            back = announce([envelope], installation.services, ways, deadline)
        except Dead:
            back = (envelope,)
        if back or dice.random() < 0.1:
            assert receives < 100
            waiting.append((body, receives + 1))
        installation.clock.advance(seconds=1)
    return webhooks


@pytest.mark.parametrize("seed", range(5))
def test_every_receiver_gets_everything_and_by_its_ids_once(seed):
    installation = Installation()
    webhooks = stormed(installation, "webhook", Random(seed))
    wanted = {(one.id, f"ann_{number}") for one in (SHOP, CHAT) for number in range(PEOPLE)}
    assert set(webhooks.got) == wanted
    assert len(webhooks.got) > len(wanted)
    assert installation.settings.parked(CONNECTION) == ()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("way", ["crm_task", "crm_note"])
def test_no_rep_gets_a_task_twice_and_what_is_missing_waits_parked(seed, way):
    installation, dice = Installation(), Random(seed)
    crm, create = installation.crm, f"create_{way.removeprefix('crm_')}"
    make = getattr(crm, create)

    def unkind(subject, errand):
        error = dice.choice([
            None, None, RateLimited("busy"), CrmUnavailable("down"), CrmStumbled("500"),
            CrmUnavailable("lost", in_doubt=True), Retryable("hurried"),
        ])  # fmt: skip
        doubtful = isinstance(error, CrmStumbled) or getattr(error, "in_doubt", False)
        if error is None or (doubtful and dice.random() < 0.5):
            make(subject, errand)
        if error:
            raise error

    setattr(crm, create, unkind)
    stormed(installation, way, dice)
    made = [subject for _, subject, _ in crm.errands]
    assert len(made) == len(set(made)), "somebody has it twice"
    parked = {Ref.parse(one.message["refs"][0]) for one in installation.settings.parked(CONNECTION)}
    everybody = {Ref(CONNECTION, "contact", str(number)) for number in range(PEOPLE)}
    assert everybody - set(made) <= parked, "somebody is neither told nor parked"

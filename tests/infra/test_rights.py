"""The written policies are enough for everything that the functions do.

Left alone, the local cloud allows everything. Told to, it holds each function to its role.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest

from chalicelib.adapters.secrets import SecretsManagerSecrets
from chalicelib.core.connector import OAuthGrant
from chalicelib.core.model import Ref
from chalicelib.pipeline import rescore, train
from chalicelib.pipeline.backfill import backfill
from chalicelib.pipeline.rescore import Walk
from chalicelib.policy import version_of
from infra import deploy
from infra.package import Package
from infra.sandbox.hubspot.oauth import TokenPolicy
from infra.sandbox.hubspot.records import CONTACTS, Actor
from infra.sandbox.rehearsal import STAGE, rehearsal

pytestmark = [pytest.mark.e2e, pytest.mark.local_cloud]

CONNECTION = "hubspot-main"
REP = Actor.user(77)
PATIENCE_SECONDS = 30

# On AWS the right to send covers sending in batches; MiniStack asks for one that AWS has not.
MINISTACK_NEEDS = ('"sqs:SendMessage"', '["sqs:SendMessage", "sqs:SendMessageBatch"]')


@pytest.fixture
def strict(package, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTH", "true")
    with rehearsal("hubspot") as stage:
        deploy_strictly(package, tmp_path)
        yield stage


def deploy_strictly(package, folder):
    template = folder / "template.json"
    template.write_text(package.template.read_text().replace(*MINISTACK_NEEDS))
    list(deploy.carry_out(deploy.plan(Package(template, package.code), STAGE, deploy.SANDBOX)))


def refusals(stage):
    """What the functions were refused, whoever called them: each writes it to its own log."""
    logs = boto3.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/emtiaz/{STAGE}/")["logGroups"]
    assert groups
    pages = logs.get_paginator("filter_log_events")
    return [
        f"{group['logGroupName']}: {event['message']}"
        for group in groups
        for page in pages.paginate(logGroupName=group["logGroupName"])
        for event in page["events"]
        if "not authorized" in event["message"]
    ]


def test_the_functions_need_no_right_that_they_do_not_have(strict):
    portal = strict.stand_in.portal
    contact = portal.create(CONTACTS, {"email": "ada@example.com", "jobtitle": "CEO"}, REP)
    strict.connect()
    use_a_grant(strict)
    for _ in backfill(CONNECTION, strict.services, wait=lambda: work_goes_on(strict)):
        pass
    strict.subscribe()
    before = contact_score(portal, contact.id)
    portal.update(CONTACTS, contact.id, {"jobtitle": "intern"}, REP)
    wait_until(lambda: contact_score(portal, contact.id) != before)
    move_out(strict, contact.id)
    strict.invoke("sweep")
    strict.invoke("reconcile")
    change_the_policy(strict)
    strict.invoke("rescore")
    strict.invoke("train")
    assert refusals(strict) == []
    kept = SecretsManagerSecrets(STAGE).get(CONNECTION).oauth
    assert (kept.refresh_token,) == strict.stand_in.oauth.refresh_tokens()


def use_a_grant(stage):
    """From now on tokens are short-lived, and every renewal changes what has to be kept."""
    oauth, secrets = stage.stand_in.oauth, stage.services.secrets
    oauth.policy = TokenPolicy(expires_in=2, rotation="strict")
    made = oauth.install()
    grant = OAuthGrant(oauth.app.client_id, oauth.app.client_secret, made["refresh_token"])
    secrets.replace(CONNECTION, replace(secrets.get(CONNECTION), token="", oauth=grant))


def move_out(stage, identity):
    """A merge and an erasure: nobody is left of the two."""
    portal = stage.stand_in.portal
    other = portal.create(CONTACTS, {"email": "ada@example.org", "jobtitle": "CEO"}, REP)
    refs = [Ref(CONNECTION, "contact", one) for one in (identity, other.id)]
    wait_until(lambda: len(cards_of(stage, refs)) == 2)
    survivor = portal.merge(CONTACTS, identity, [other.id], REP, new_id=False)
    wait_until(lambda: any(card.stub for card in cards_of(stage, refs)))
    portal.erase(survivor.id, REP)
    wait_until(lambda: not cards_of(stage, refs))


def change_the_policy(stage):
    """So that there is something to rescore, and to learn once that is done."""
    settings = stage.services.settings
    page = {**settings.live(CONNECTION).policy, "name": "Another"}
    settings.publish_policy(CONNECTION, version_of(page), page, datetime.now(UTC))
    walk = replace(Walk.begun(settings.live(CONNECTION)), number=2)
    settings.set_checkpoint(CONNECTION, rescore.CHECKPOINT, walk.to_json())
    settings.set_checkpoint(CONNECTION, train.CHECKPOINT, None)


def cards_of(stage, refs):
    return stage.services.store.cards(refs)


def work_goes_on(stage):
    assert refusals(stage) == []
    time.sleep(0.2)


def contact_score(portal, identity):
    return portal.get(CONTACTS, identity).value("emtiaz_score")


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)

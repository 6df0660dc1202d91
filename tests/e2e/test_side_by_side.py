"""Several connections in one installation, two of each CRM: none reaches into another.

All are as alike as can be: the same addresses everywhere, and the same ids in accounts of one CRM.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module

import boto3
import pytest

import connectors
from chalicelib.core.connector import Request, Update
from chalicelib.core.errors import EmtiazError, Rejected
from chalicelib.pipeline.local_access import local_access
from chalicelib.pipeline.messages import Envelope, Reason, refs_messages
from chalicelib.pipeline.points_api import PointsRequest, answer_points
from chalicelib.pipeline.process import process
from chalicelib.pipeline.receive import receive
from chalicelib.pipeline.receive_events import receive_events
from chalicelib.pipeline.services import Edge, Services
from infra.bench.traffic import nobody_else_works, received
from infra.cli.policy_page import SHIPPED, read_page
from infra.sandbox.rehearsal import Rehearsal, rehearsal
from infra.sandbox.stand_in import Deal, Person, names, starter
from tests.e2e.conftest import settled, waited_for
from tests.e2e.equality import assert_oracle_equality
from tests.fakes.events import encoded, order, signed
from tests.fakes.points import LOYALTY

pytestmark = pytest.mark.e2e

PEOPLE = 8
CALLS = 10_000
SEED = 20260321
ACCOUNTS = {1: "main", 2: "second"}
TITLES = ("Founder", "Student", "Sales manager", "Consultant", "CEO", "Intern")
REFUSED = {401, 403, 404}
EARNING = {"earning": LOYALTY["earning"]}


@dataclass(eq=False)
class Site:
    """One connection, what opens it, and who is in its CRM. ``services`` are everybody's."""

    stage: Rehearsal
    events_secret: str
    points_key: str
    persons: list
    services: Services

    @property
    def connection(self):
        return self.stage.connection

    @property
    def crm(self):
        return self.stage.stand_in.people

    def ref(self, person):
        return self.stage.stand_in.ref(self.connection, person)


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("policy") / "club.yaml"
    path.write_text(json.dumps({**read_page(SHIPPED), "loyalty": EARNING}), "utf-8")
    return path


@pytest.fixture(scope="module")
def sites(policy_file):
    with rehearsal() as first, ExitStack() as others:
        first.deploy()
        services = first.services
        yield [opened(stage, policy_file, services) for stage in stages(first, others)]


def stages(first, others):
    yield first
    for crm in names():
        for account, name in ACCOUNTS.items():
            if (connection := f"{crm}-{name}") != first.connection:
                stand_in = others.enter_context(starter(crm)(account=account))
                yield first.beside(crm, stand_in, connection)


def opened(stage, policy_file, services):
    """As an admin does it, of an account with people that every other account has too."""
    crm = stage.stand_in.people
    persons = [crm.load_person(Person(f"p{n}@example.com", "Student")) for n in range(PEOPLE)]
    stage.connect("--policy", str(policy_file))
    stage.backfill()
    stage.subscribe()
    shop = json.loads(stage.emtiaz("events", "secret", *stage.at, "--json"))
    made = ("points", "keys", "create", "--name", "till", "--scope", "points:write")
    key = json.loads(stage.emtiaz(*made, *stage.at, "--json"))
    return Site(stage, shop["secrets"][0], key["key"], persons, services)


def settle(sites):
    for site in sites:
        settled(site.stage.stand_in, site.services.intake, site.services.write_back)


def test_changes_at_the_same_time_are_each_answered_where_they_happened(sites):
    for place, site in enumerate(sites):
        site.crm.set_title(site.persons[0], TITLES[place])
        buyer = site.persons[1 + place]
        site.crm.win(site.crm.add_deal(buyer, Deal(f"{100 * (place + 1)}.00", "USD")))
    for place, site in enumerate(sites):
        waited_for(lambda site=site, place=place: "class" in shown(site, 1 + place))
    settle(sites)
    for place, site in enumerate(sites):
        bought = [one for one in range(PEOPLE) if "class" in shown(site, one)]
        assert bought == [1 + place], site.connection
        assert_oracle_equality(site.services, site.stage.stand_in, site.connection, site.persons)


def shown(site, place):
    return site.crm.shown(site.persons[place])


def test_ten_thousand_calls_with_credentials_of_another_touch_nothing_foreign(sites, tell):
    settle(sites)
    services, rng, told = sites[0].services, random.Random(SEED), Counter()
    for site in sites:
        site.stage.stand_in.allow(100_000)
    with nobody_else_works():
        for holder in sites:
            others = [site for site in sites if site is not holder]
            with untouched(others, services):
                for _ in range(CALLS // len(sites)):
                    call = rng.choice(KINDS_OF_CALLS)
                    told[call.__name__, call(holder, rng.choice(others), rng)] += 1
                work_off(services)
    tell(f"{told.total():,} calls by {len(sites)} connections", dict(told))


@contextmanager
def untouched(sites, services):
    before = {site.connection: held(site, services) for site in sites}
    yield
    for site in sites:
        changed = before[site.connection] ^ held(site, services)
        assert not changed, (site.connection, len(changed), sorted(changed)[:4])


def held(site, services):
    """All that the tables and the CRM have of a connection, as a set of texts."""
    rows = [
        json.dumps(item, sort_keys=True, default=str)
        for table in (services.store.item.Meta, services.settings.item.Meta)
        for item in scanned(table.table_name)
        if any(site.connection in str(value) for value in keys(item))
    ]
    crm = {name: told for name, told in site.stage.stand_in.dump().items() if name != "now"}
    return {*rows, json.dumps(crm, sort_keys=True, default=str)}


def scanned(table):
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def keys(item):
    return [item[name] for name in ("ref", "connection", "sk") if name in item]


def work_off(services):
    """What was taken is dealt with once; what comes back for a later look is given up."""
    client, url = boto3.client("sqs"), services.intake.url
    while records := received(client, url):
        process([Envelope.from_record(one) for one in records], services, services.clock.now())
        for one in records:
            client.delete_message(QueueUrl=url, ReceiptHandle=one["receiptHandle"])
    for queue in (services.intake, services.write_back, services.announce):
        client.purge_queue(QueueUrl=queue.url)


# Each kind of call by somebody who holds a connection's credentials, and means another connection.


def webhook_to_another(holder, other, rng):
    """As the holder's CRM sends it, to the address of the other."""
    return refused(delivered, holder, other, rng.choice(other.persons))


def webhook_about_another(holder, other, rng):
    """To the right address; what it tells of is there only in the other."""
    return answered(delivered, holder, holder, rng.choice(other.persons))


def delivered(holder, to, person):
    sender = import_module(f"tests.e2e.forgeries.{holder.stage.crm}")
    url = to.stage.webhook_url
    parcel = sender.good(holder.stage.stand_in, url, person)
    channel = parcel.url.removeprefix(url).strip("/")
    headers = {name.lower(): value for name, value in parcel.headers.items()}
    request = Request("POST", "", headers, parcel.body, channel)
    receive("fuzz", to.connection, request, edge(to), datetime.now(UTC))


def events_to_another(holder, other, rng):
    return refused(shopped, holder, other, who(other, rng), rng)


def events_about_another(holder, other, rng):
    return answered(shopped, holder, holder, who(other, rng), rng)


def shopped(holder, to, customer, rng):
    now = datetime.now(UTC).isoformat(timespec="seconds")
    body = encoded(order(rng.randrange(10**9), 1_000, who=customer, occurred_at=now))
    headers = signed(body, holder.events_secret)
    request = Request("POST", "", headers, body)
    receive_events("fuzz", to.connection, request, edge(to), datetime.now(UTC))


def points_of_another(holder, other, rng):
    status = asked(holder, other, rng)
    assert status in REFUSED
    return status


def points_about_another(holder, other, rng):
    """With the right key, about people by the ids that the other has."""
    return asked(holder, holder, rng, who=other)


def asked(holder, at, rng, who=None):
    body = {
        "who": {"id": rng.choice((who or at).persons)},
        "points": rng.randint(1, 9),
        "actor": "fuzz",
        "reason": "fuzz",
    }
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {holder.points_key}",
        "idempotency-key": f"k{rng.randrange(10**9)}",
    }
    sent = json.dumps(body).encode()
    request = PointsRequest(at.connection, "adjust", "POST", {}, headers, sent)
    return answer_points(request, at.services).status


def queued_refs_of_another(holder, other, rng):
    """A message of the holder that names records of the other."""
    refs = [other.ref(rng.choice(other.persons))]
    holder.services.intake.send(refs_messages(holder.connection, refs, rng.choice(list(Reason))))
    return "queued"


def read_with_a_wrong_grant(holder, other, rng):
    return refused_by_the_crm(
        lambda: client(holder, other).fetch(
            [other.ref(rng.choice(other.persons))], datetime.now(UTC)
        )
    )


def write_with_a_wrong_grant(holder, other, rng):
    update = Update(other.ref(rng.choice(other.persons)), {"score": rng.randrange(100)})
    return refused_by_the_crm(lambda: client(holder, other).write([update]))


@cache
def client(holder, other):
    """Of the other's CRM, opened with what the holder has."""
    services = other.services
    live = services.settings.live(other.connection)
    secret = services.secrets.get(holder.connection)
    access = local_access(secret, services.clock)
    return connectors.load(live.connection.crm).connect(live.connection, secret, (), access)


KINDS_OF_CALLS = (
    *(webhook_to_another,) * 6,
    *(webhook_about_another,) * 3,
    *(events_to_another,) * 6,
    *(events_about_another,) * 2,
    *(points_of_another,) * 6,
    *(points_about_another,) * 2,
    queued_refs_of_another,
    read_with_a_wrong_grant,
    write_with_a_wrong_grant,
)


def who(site, rng):
    place = rng.randrange(PEOPLE)
    return rng.choice([{"id": site.persons[place]}, {"email": f"p{place}@example.com"}])


def edge(site):
    return Edge(connectors.load, site.services.secrets, site.services.intake)


def refused(call, *given):
    try:
        call(*given)
    except Rejected as error:
        return error.status
    raise AssertionError(f"{call.__name__} was taken")


def answered(call, *given):
    try:
        call(*given)
    except Rejected as error:
        return error.status
    return 202


def refused_by_the_crm(call):
    try:
        answer = call()
    except EmtiazError as error:
        return type(error).__name__
    assert isinstance(answer, Mapping), "it was read"
    assert answer, "it was written"
    return "refused"

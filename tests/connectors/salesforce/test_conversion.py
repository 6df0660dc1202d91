"""A lead with a past is converted in a stand-in, and what was known of it is its contact's."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from chalicelib.core.model import Ref
from chalicelib.pipeline.local_access import local_access
from chalicelib.pipeline.reconcile import reconcile
from chalicelib.policy import version_of
from connectors.salesforce import CONNECTOR
from connectors.salesforce.ids import full
from infra.sandbox.salesforce import acting
from infra.sandbox.salesforce.lineage import convert
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.salesforce.settings import Guesses, Settings
from tests.connectors.salesforce.test_against_stand_in import ADDRESS, connected
from tests.fakes.secrets import InMemorySecrets
from tests.pipeline.conftest import Installation as OnFakes
from tests.scoring.examples import LOYALTY, starter

CALLED = {"en": "Call", "fa": "تماس"}
EARNING = [{"id": "call", "event": "call.held", "points": 20, "text": CALLED}]
PAGE = starter(loyalty={**LOYALTY, "earning": EARNING})
ID = "salesforce-main"


@dataclass
class Installation(OnFakes):
    """With a stand-in Salesforce for its CRM."""

    salesforce: acting.ActingStandIn | None = None

    def __post_init__(self):
        client, _ = connected(self.salesforce)
        secret = self.salesforce.granted(ADDRESS)
        self.clock = self.salesforce.clock
        self.secrets = InMemorySecrets({ID: secret})
        self.access = local_access(secret, self.clock)
        self.settings.put_connection(client._connection)
        self.settings.publish_policy(ID, version_of(PAGE), PAGE, self.clock.now())

    @property
    def services(self):
        return replace(super().services, open_access=lambda _connection: self.access)

    def _load(self, name):
        return CONNECTOR

    def look(self):
        """For what changed, some time after it did."""
        self.salesforce.people.pass_time(timedelta(hours=1))
        now = self.clock.now()
        reconcile(self.services, now, now + timedelta(minutes=1))
        self.run()

    def earned(self, ref):
        """The entries of the ledger that gave points."""
        entries = [json.loads(text) for _, text in self.store.subjects[ref].entries.values()]
        return {one["of"]: one["points"] for one in entries if one["kind"] == "earn"}

    def activities(self, ref):
        return {key for key in self.store.subjects[ref].facts if key.startswith("ACT#")}


@pytest.fixture(params=["company", "person", "person that is told"])
def salesforce(request):
    settings = Settings(
        person_accounts=request.param != "company",
        guesses=Guesses(conversion_tells_person=request.param == "person that is told"),
    )
    with acting.ActingStandIn.start(settings=settings) as running:
        yield running


@pytest.fixture
def installation(salesforce):
    return Installation(salesforce=salesforce)


@pytest.fixture
def lead(salesforce):
    """Who was called twice."""
    company = {} if salesforce.org.settings.person_accounts else {"Company": "Olmec"}
    with salesforce.org.transaction(PERSON) as work:
        made = work.create("Lead", {"LastName": "Bergmann", "Email": "b@example.com", **company}).id
        for _ in range(2):
            work.create("Task", {"WhoId": made, "TaskSubtype": "Call", "Status": "Completed"})
    return Ref(ID, "lead", full(made))


def test_a_converted_lead_takes_facts_and_points_along(installation, salesforce, lead):
    installation.look()
    known, earned = installation.activities(lead), installation.earned(lead)
    assert (len(known), sum(earned.values())) == (2, 40)
    with salesforce.org.transaction(PERSON) as work:
        made = convert(work, lead.id, opportunity="Freight")
    installation.look()
    contact = Ref(ID, "contact", full(made.contact))
    assert installation.activities(contact) == known
    assert installation.earned(contact) == earned
    assert installation.store.subjects[lead].facts == {}
    assert installation.card(lead).stub.into == contact
    assert salesforce.people.shown(made.contact)["points"] == "40"

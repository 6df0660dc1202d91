import json
import re

import pytest

from chalicelib.core.errors import CrmStumbled
from chalicelib.core.model import Ref
from connectors.salesforce import listing
from tests.connectors.salesforce.organisation import ROOT, record

CONTACTS = ["003Ws00000A1b2CIAR", "003Ws00000A1b2DIAR"]
LEAD = "00QWs00000Kp3QdMAJ"


class Jobs:
    """Bulk jobs: ``states`` are told in turn, the last for ever; ``pages`` are rows by object."""

    def __init__(self, double, base):
        self.begun = []
        self.states = ["JobComplete"]
        self.pages = {"Contact": [CONTACTS[:1], CONTACTS[1:]], "Lead": [[LEAD]]}
        self.asked = []
        double.add_callback("POST", f"{base}/jobs/query", self._begin)
        double.add_callback("GET", re.compile(f"{base}/jobs/query/.*"), self._answer)

    def _begin(self, request):
        body = json.loads(request.body)
        assert body["operation"] == "query"
        self.begun.append(body["query"].rpartition(" ")[2])
        return 200, {}, json.dumps({"id": f"750{self.begun[-1]}", "state": "UploadComplete"})

    def _answer(self, request):
        path, _, query = request.path_url.partition("?")
        self.asked.append(query)
        if not path.endswith("/results"):
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            if not state:
                return 404, {}, json.dumps([{"errorCode": "NOT_FOUND", "message": "no such job"}])
            return 200, {}, json.dumps({"id": "750", "state": state})
        name = path.split("/")[-2].removeprefix("750")
        page = int(query.partition("locator=")[2] or 0)
        rows = self.pages[name]
        locator = str(page + 1) if page + 1 < len(rows) else "null"
        text = "\n".join(['"Id"', *(f'"{one}"' for one in rows[page])]) + "\n"
        return 200, {"Sforce-Locator": locator, "Content-Type": "text/csv"}, text


@pytest.fixture
def jobs(double, connection, organisation):
    return Jobs(double, connection.base_url + ROOT)


def listed(client):
    found, cursors, cursor = [], [], None
    while True:
        page = client.list_subjects(cursor)
        found += page.refs
        cursors.append(page)
        cursor = page.next
        if cursor is None:
            return found, cursors


def test_contacts_are_listed_and_then_leads(client, jobs):
    found, _ = listed(client)
    expected = [*(("contact", one) for one in CONTACTS), ("lead", LEAD)]
    assert found == [Ref("salesforce-main", kind, one) for kind, one in expected]
    assert jobs.begun == ["Contact", "Lead"]


def test_the_first_page_tells_how_many_there_are(client, jobs, organisation):
    organisation.put(*(record("Contact", one) for one in CONTACTS), record("Lead", LEAD))
    _, pages = listed(client)
    assert [page.total for page in pages] == [3, *[None] * (len(pages) - 1)]


def test_a_job_that_is_not_done_is_waited_for_politely(client, jobs, monkeypatch):
    waited = []
    monkeypatch.setattr("connectors.salesforce.client.Listing", lambda *given: listing.Listing(*given, waited.append))  # fmt: skip
    jobs.states = ["UploadComplete", "InProgress", "JobComplete"]
    found, pages = listed(client)
    assert len(found) == 3
    assert waited == [listing.POLITE_WAIT_S] * 2
    assert [len(page.refs) for page in pages[:3]] == [0, 0, 0]


@pytest.mark.parametrize("state", ["Failed", "Aborted", ""])
def test_a_job_that_is_lost_is_begun_anew(client, jobs, state):
    jobs.states = [state, "JobComplete"]
    found, _ = listed(client)
    assert len(found) == 3
    assert jobs.begun == ["Contact", "Contact", "Lead"]


def test_one_that_is_lost_every_time_is_given_up(client, jobs):
    jobs.states = ["Failed"]
    with pytest.raises(CrmStumbled):
        listed(client)
    assert len(jobs.begun) == listing.MOST_ATTEMPTS + 1


def test_a_job_that_is_lost_between_two_pages_is_begun_anew(client, jobs):
    """Salesforce keeps one for a week, and who stopped a backfill may come back later."""
    jobs.states = ["JobComplete", "", "JobComplete"]
    found, _ = listed(client)
    assert {one.id for one in found} == {*CONTACTS, LEAD}
    assert jobs.begun == ["Contact", "Contact", "Lead"]


def test_a_kind_of_persons_that_is_hidden_is_not_listed(client, jobs, organisation):
    organisation.hidden.add("Lead")
    found, _ = listed(client)
    assert {one.kind for one in found} == {"contact"}
    assert jobs.begun == ["Contact"]


@pytest.mark.parametrize("code", ["MALFORMED_QUERY", "QUERY_TIMEOUT"])
def test_a_progress_bar_can_do_without_a_total(client, jobs, organisation, code):
    organisation.failures = [(400, [{"errorCode": code, "message": "no"}])]
    _, pages = listed(client)
    assert pages[0].total is None

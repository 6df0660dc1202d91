"""Everybody there is: jobs, files, and what serves where there are none."""

import io
import zipfile

import pytest

from chalicelib.core.errors import CrmStumbled, CrmUnavailable
from connectors.zoho import listing
from connectors.zoho.listing import ids_of
from tests.connectors.zoho.api_double import CONNECTION, V8, client, contact, error, lead, rows

JOBS = "/crm/bulk/v8/read"


def archive(*ids, header="Id"):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as files:
        files.writestr("1.csv", "\r\n".join([header, *ids]))
    return made.getvalue()


def job(state, count=0, *, more=False):
    result = {"count": count, "more_records": more} if state == "COMPLETED" else None
    return {"data": [{"state": state, "result": result}]}


def begun(identity):
    return {"data": [{"status": "success", "code": "ADDED", "details": {"id": identity}}]}


def lead_fields(api, *names):
    described = [{"api_name": one, "id": "1", "data_type": "text"} for one in names]
    api.answer("GET", V8 + "/settings/fields", {"fields": described})


def listed(one, times=20):
    """What each page holds, and the total that was told last."""
    pages = [one.list_subjects(None)]
    while pages[-1].next and len(pages) < times:
        pages.append(one.list_subjects(pages[-1].next))
    assert pages[-1].next is None
    total = [page.total for page in pages if page.total is not None]
    return [page.refs for page in pages if page.refs], total[-1:] or None


def test_contacts_are_followed_by_leads(api):
    lead_fields(api, "Email")
    modules = {}

    def begin(body):
        identity = str(len(modules) + 1)
        modules[identity] = body["query"]
        return 201, begun(identity)

    api.answer("POST", JOBS, begin)
    for identity, ids in (("1", ["7", "8"]), ("2", ["9"])):
        api.answer("GET", f"{JOBS}/{identity}", job("COMPLETED", len(ids)))
        api.mock.get(f"{CONNECTION.base_url}{JOBS}/{identity}/result", body=archive(*ids))
    assert listed(client()) == ([(contact(7), contact(8)), (lead(9),)], [3])
    assert modules == {
        "1": {"module": {"api_name": "Contacts"}, "fields": ["id"], "page": 1},
        "2": {"module": {"api_name": "Leads"}, "fields": ["id"], "page": 1},
    }


def test_a_job_that_takes_its_time_is_asked_after_more_and_more_seldom(api, monkeypatch):
    waits = []
    monkeypatch.setattr(listing, "sleep", waits.append)
    lead_fields(api)
    api.answer("POST", JOBS, begun("1"), 201)
    states = iter(["ADDED", "QUEUED", *["IN PROGRESS"] * 10, "COMPLETED"])
    api.answer("GET", JOBS + "/1", lambda _: job(next(states)))
    assert listed(client()) == ([], [0])
    assert waits == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]


def test_a_long_file_is_named_in_slices_and_fetched_once(api, monkeypatch):
    monkeypatch.setattr(listing, "SLICE", 2)
    lead_fields(api)
    api.answer("POST", JOBS, begun("1"), 201)
    api.answer("GET", JOBS + "/1", job("COMPLETED", 3))
    api.mock.get(f"{CONNECTION.base_url}{JOBS}/1/result", body=archive("1", "2", "3"))
    assert listed(client()) == ([(contact(1), contact(2)), (contact(3),)], [3])
    assert len(api.calls_to(JOBS + "/1/result")) == 1


def test_further_pages_are_jobs_of_their_own(api):
    lead_fields(api)
    api.answer("POST", JOBS, lambda body: (201, begun(str(body["query"]["page"]))))
    api.answer("GET", JOBS + "/1", job("COMPLETED", 1, more=True))
    api.answer("GET", JOBS + "/2", job("COMPLETED", 1))
    for identity in "12":
        api.mock.get(f"{CONNECTION.base_url}{JOBS}/{identity}/result", body=archive(identity))
    assert listed(client()) == ([(contact(1),), (contact(2),)], [2])


@pytest.mark.parametrize(
    ("status", "refusal"),
    [(403, error("NO_PERMISSION")), (401, error("OAUTH_SCOPE_MISMATCH")),
     (400, error("FEATURE_NOT_SUPPORTED"))],
)  # fmt: skip
def test_without_bulk_read_the_listing_serves(api, status, refusal):
    def page(query):
        if query.get("page_token"):
            return rows({"id": "3"})
        return {"data": [{"id": "1"}, {"id": "2"}], "info": {
            "more_records": True, "next_page_token": "further"}}  # fmt: skip

    lead_fields(api)
    api.answer("POST", JOBS, refusal, status)
    api.answer("GET", V8 + "/Contacts", page)
    assert listed(client()) == ([(contact(1), contact(2)), (contact(3),)], None)
    assert api.calls_to(V8 + "/Contacts") == [
        {"fields": "id", "per_page": "200"},
        {"fields": "id", "per_page": "200", "page_token": "further"},
    ]


def test_a_job_that_failed_is_told(api):
    lead_fields(api)
    api.answer("POST", JOBS, begun("1"), 201)
    api.answer("GET", JOBS + "/1", job("FAILURE"))
    one = client()
    with pytest.raises(CrmStumbled, match="Contacts"):
        one.list_subjects(one.list_subjects(None).next)


def test_a_job_that_is_too_old_is_begun_anew(api):
    lead_fields(api)
    jobs = iter("12")
    api.answer("POST", JOBS, lambda _: (201, begun(next(jobs))))
    api.answer("GET", JOBS + "/1", error("RESOURCE_NOT_FOUND"), 404)
    api.answer("GET", JOBS + "/2", job("COMPLETED", 0))
    assert listed(client()) == ([], [0])


@pytest.mark.parametrize(
    "file",
    [b"", b"<html>", archive("1", header="Name"), archive()[:40]],
    ids=["nothing", "a page", "another column", "half a file"],  # a ZIP has the time in it
)
def test_what_is_no_file_of_ids_is_no_answer(file):
    with pytest.raises(CrmUnavailable):
        ids_of(file)


def test_the_column_is_found_whatever_it_is_called_and_wherever_it_stands():
    assert ids_of(archive("x,1", "y,2", "z,", header="Name,ID")) == ["1", "2"]
    assert ids_of(archive(header="Id")) == []

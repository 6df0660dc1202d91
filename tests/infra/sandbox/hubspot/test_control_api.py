from __future__ import annotations

from hashlib import sha256

import requests

from tests.infra.sandbox.hubspot.conftest import Api


def test_loading_rings_nobody_and_keeps_dates_and_ids(api: Api) -> None:
    loaded = api.control(
        "POST",
        "load",
        {
            "contacts": [
                {
                    "id": "512",
                    "created_at": "2025-01-02T03:04:05Z",
                    "properties": {"email": "a@example.com", "hs_email_open": "4"},
                }
            ],
            "deals": [{"id": "900", "properties": {"dealname": "A"}}],
            "associations": [{"from": ["contacts", "512"], "to": ["deals", "900"]}],
        },
    )

    row = api.control("GET", "dump")["contacts"][0]
    assert {kind: ids for kind, ids in loaded.items() if ids} == {
        "contacts": ["512"],
        "deals": ["900"],
    }
    assert row["createdAt"] == "2025-01-02T03:04:05.000Z"
    assert row["properties"] == {"email": "a@example.com", "hs_email_open": "4"}
    assert row["associations"]["deals"] == {"900": [4]}


def test_the_request_log_counts_by_route_and_leaves_control_calls_out(api: Api) -> None:
    contact = api.load(contacts=[{"firstname": "Alice"}])["contacts"][0]
    for _ in range(2):
        api.get(f"/crm/objects/{{v}}/contacts/{contact}")
    body = b'{"inputs":[{"id":"1"}]}'
    headers = {"Content-Type": "application/json"}
    address = f"{api.url}/crm/objects/2026-03/0-3/batch/read"
    api.session.post(address, data=body, headers=headers, timeout=5)

    log = api.control("GET", "requests")

    assert log["counts"] == {
        "GET /crm/objects/{version}/contacts/{record_id}": 2,
        "POST /crm/objects/{version}/deals/batch/read": 1,
    }
    entry = log["entries"][-1]
    assert (entry["status"], entry["request_size"]) == (207, len(body))
    assert entry["request_sha256"] == sha256(body).hexdigest()
    api.control("DELETE", "requests")
    assert api.control("GET", "requests")["total"] == 0


def test_refused_calls_are_logged_too(api: Api) -> None:
    with requests.Session() as stranger:
        stranger.get(f"{api.url}/crm/objects/2026-03/contacts", timeout=5)

    assert [one["status"] for one in api.control("GET", "requests")["entries"]] == [401]


def test_nonsense_is_answered_with_the_reason(api: Api) -> None:
    for method, path, body in (
        ("POST", "faults", {"colour": "red"}),
        ("PUT", "webhooks", {"colour": "red"}),
        ("POST", "load", {"associations": [{"from": ["planets", "1"], "to": ["deals", "2"]}]}),
        ("PATCH", "records/contacts/501", {"properties": {"nope": "1"}}),
    ):
        answer = requests.request(method, f"{api.url}/_control/{path}", json=body, timeout=5)
        assert answer.status_code in (400, 404), path
        assert answer.json()["message"]

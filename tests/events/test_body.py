import json

import pytest

from chalicelib.core.errors import PayloadInvalid
from chalicelib.events.body import items

DEEP = "[" * 40 + "]" * 40


@pytest.mark.parametrize(
    "told", [{"id": 1}, [{"id": 1}], {"events": [{"id": 1}]}], ids=["one", "list", "events"]
)
def test_one_item_a_list_and_a_member_events_are_the_same(told):
    assert items(json.dumps(told).encode()) == [{"id": 1}]


@pytest.mark.parametrize(
    "body",
    [b"", b"5", b'"text"', b"[]", b'{"events": []}', b'{"events": 5}', b"[NaN]", b"{", b"\xff[]",
     json.dumps([{}] * 101).encode(), DEEP.encode(), ("[" * 100_000).encode(), b"9" * 5_000,
     b'[{"id": 1e999}]', b'[{"id": -1e999}]', b'[{"id": ' + b"9" * 41 + b"}]"],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_any_other_body_is_refused_as_a_whole(body):
    with pytest.raises(PayloadInvalid):
        items(body)

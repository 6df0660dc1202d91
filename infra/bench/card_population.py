"""A page of forty rules, and made-up leads and customers whom it scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml

from chalicelib import policy
from chalicelib.core.facts import Fact, FactSet, FactType
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels

NOW = datetime(2026, 3, 21, 12, 30, tzinfo=UTC)
FITTED = FittedModels(
    "bench",
    {
        "rfm": {
            "r": [30.0, 90.0, 180.0, 365.0],
            "f": [1.0, 2.0, 4.0, 8.0],
            "m": [5e3, 2e4, 5e4, 2e5],
        }
    },
)
PREDICTION: dict[str, Json] = {
    "purchases": {},
    "leads": {"target": {"count": "purchase", "at_least": 1}, "horizon_days": 90},
    "clusters": {},
}
"""The section of a policy that asks for all that ``LEARNED`` can foretell."""

_LABEL: dict[str, Json] = {"en": "Steady", "fa": "ثابت"}
LEARNED = FittedModels(
    "bench-learned",
    {
        **FITTED.parameters,
        "purchases": {
            "method": "model", "family": "mbg_nbd", "r": 0.525, "alpha": 6.183, "a": 0.891,
            "b": 1.614, "unit_days": 7, "counts": True, "median_gap_days": 21.0, "interval": 0.12,
            "medians": {"frequency": 1, "recency": 5.0, "age": 30.0}, "calibration": None,
        },
        "spend": {"method": "gamma_gamma", "p": 6.25, "q": 3.74, "v": 15_440.0, "currency": "USD"},
        "propensity": {
            "kind": "logistic", "base": -1.0, "platt": None, "label": "trusted",
            "horizon_days": 90, "n": 900,
            "fields": [
                {"name": name, "edges": [1.0, 9.0], "values": [],
                 "weights": [-0.3, 0.2, 0.9, 0.0, -0.7]}
                for name in ("kinds", "quiet_days", "did:page.viewed", "did:email.opened",
                             "did:call.held", "account.employees")
            ],
        },
        "clusters": {
            "features": ["recency", "frequency", "monetary"], "low": [0.0, 0.0, 0.0],
            "high": [6.0, 3.0, 14.0], "mean": [3.0, 1.0, 9.0], "deviation": [1.5, 0.5, 2.0],
            "centres": [[-1.0, 1.0, 0.8], [1.2, -0.5, -0.4], [0.1, 0.0, 0.1]],
            "ids": ["1", "2", "3"], "labels": [_LABEL, _LABEL, _LABEL], "n": 900, "next_id": 4,
        },
    },
)  # fmt: skip

RULES = 40
FACTS = 50

_KINDS = (
    "email.opened", "email.clicked", "email.replied", "page.viewed", "form.submitted",
    "call.held", "webinar.attended", "file.downloaded", "meeting.held", "social.engaged",
)  # fmt: skip
_COUNTRIES = ("Iran", "Türkiye", "Iraq", "Oman", "Germany", "France")
_TITLES = (
    "CEO", "Director of Sales", "مدیر فروش", "Head of IT", "Engineer", "Student", "مدیرعامل",
)  # fmt: skip
_WORDS = ("ceo", "director", "manager", "head", "owner", "مدیر", "student", "engineer")
_STARTER = Path(policy.__file__).with_name("shipped") / "starter.yaml"


def attribute_rules() -> list[dict[str, Any]]:
    """Thirty conditions: six of one word, six of lists, six of texts, twelve of numbers."""
    words = [{"attribute": "job_title", "has_word": [word]} for word in _WORDS[:6]]
    lists = [{"attribute": "country", "in": [one, "Qatar", "Kuwait"]} for one in _COUNTRIES]
    texts = [{"attribute": "email", "contains": f"@{name}."} for name in "abcdef"]
    least = [{"attribute": "account.employees", "at_least": 40 * n} for n in range(6)]
    spans = [{"attribute": "account.employees", "between": [9 * n, 40 * n]} for n in range(6)]
    return [*words, *lists, *texts, *least, *spans]


def page() -> dict[str, Any]:
    """The shipped policy with thirty rules of fit and ten of engagement in place of its own.

    Without the list of calls, which is no part of a card's score.
    """
    made: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(_STARTER.read_text("utf-8"))))
    del made["priority"]
    text = {"en": "Did it {count} times", "fa": "{count} بار انجام داد"}
    fit = [
        {"id": f"fit_{n}", "when": when, "points": 3, "text": text}
        for n, when in enumerate(attribute_rules())
    ]
    doing = [
        {
            "id": f"doing_{n}", "when": {"activity": kind}, "points": 4 + n, "text": text,
            "half_life_days": (7, 14, 30)[n % 3], "max_per_day": 2,
        }
        for n, kind in enumerate(_KINDS)
    ]  # fmt: skip
    made["lead"]["groups"][0]["rules"] = fit
    made["lead"]["groups"][1]["rules"] = doing
    made["customer"]["components"][0]["rules"] = doing
    return made


def lead(number: int, random: Random, facts: int = FACTS) -> FactSet:
    """A contact with its company, and activities over the last half year: ``facts`` in all."""
    made = [*_records(number, random, deals=0)]
    made += [_activity(number, n, random) for n in range(facts - len(made))]
    return FactSet.of(made)


def customer(number: int, random: Random, facts: int = FACTS) -> FactSet:
    """The same with eight won deals among the facts."""
    made = [*_records(number, random, deals=8)]
    made += [_activity(number, n, random) for n in range(facts - len(made))]
    return FactSet.of(made)


def ref(number: int) -> Ref:
    return Ref("bench-people", "contact", str(number))


def _records(number: int, random: Random, deals: int) -> list[Fact]:
    ids: list[Json] = [str(n) for n in range(deals)]
    contact: dict[str, Json] = {
        "job_title": random.choice(_TITLES),
        "country": random.choice(_COUNTRIES),
        "email": f"p{number}@{random.choice('abcdef')}.example",
    }
    return [
        _fact(number, "contact", str(number), contact),
        _fact(number, "account", "7", {"employees": random.randrange(300)}),
        _fact(number, "links", "links", {"account": ["7"], "deal": ids}),
        *(_won(number, one, random) for one in range(deals)),
    ]


def _won(number: int, deal: int, random: Random) -> Fact:
    closed = NOW - timedelta(minutes=random.randrange(500 * 1440))
    amount: dict[str, Json] = {"amount": random.randrange(500, 90_000), "currency": "USD"}
    data: dict[str, Json] = {"status": "won", "closed_at": closed.isoformat(), "amount": amount}
    return _fact(number, "deal", str(deal), data)


def _activity(number: int, one: int, random: Random) -> Fact:
    at = NOW - timedelta(seconds=random.randrange(180 * 86_400))
    data: dict[str, Json] = {"kind": random.choice(_KINDS), "count": 1}
    return Fact(ref(number), "activity", f"{number}-{one}", at, data)


def _fact(number: int, kind: FactType, identity: str, data: Mapping[str, Json]) -> Fact:
    return Fact(ref(number), kind, identity, NOW, data, NOW)

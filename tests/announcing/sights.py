"""People as announcements see them, and policies that announce."""

from datetime import UTC, datetime, timedelta

from chalicelib.announcing import Loyalty, Sight
from chalicelib.core.card import CustomerScore, LeadScore, Satisfaction, ScoreCard
from chalicelib.core.model import Text
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.notices import Notice
from chalicelib.policy import compile_policy
from tests.policy.test_announcements import page
from tests.scoring.examples import SUBJECT

NOW = datetime(2026, 3, 21, 12, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MADE = "policy models"


def policy(*rows, **sections):
    return compile_policy(page(*rows, **sections))


def card(at=NOW, score=50, satisfaction=None, customer=None):
    return ScoreCard(
        subject=SUBJECT,
        at=at,
        policy="policy",
        models="models",
        lead=LeadScore(score, "A1", "hot", ()),
        customer=CustomerScore(customer, "A", {}, 1.0, ()) if customer is not None else None,
        rfm=None,
        last_purchase=None,
        segments=(),
        tags=(),
        reasons=(),
        completeness=1.0,
        next_action=None,
        satisfaction=Satisfaction(satisfaction, 3) if satisfaction is not None else None,
    )


def sight(at=NOW, *, stage=None, since=None, attributes=None, loyalty=None, made=MADE, **scored):
    return Sight(card(at, **scored), made, stage, since, attributes, loyalty or Loyalty())


def entry(identity, points=10, at=NOW, kind="earn", **detail):
    return Entry(identity, kind, points, at, at, detail=detail or None)


def ledger(*entries, **more):
    return Loyalty(entries=tuple(enumerate(entries, 1)), last_entry=len(entries), **more)


def notice(kind, at, **more):
    return Notice(f"{kind}:{at}", kind, at, Text("", ""), **more)

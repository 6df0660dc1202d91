"""From a page that has passed validation: what is to be predicted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.core.prediction import (
    ClusterPrediction,
    DealPrediction,
    LeadPrediction,
    PredictionPolicy,
    PurchasePrediction,
    SubscriptionPrediction,
)
from chalicelib.policy.conditions import compile_condition
from chalicelib.policy.scope import Scope

Page = Mapping[str, Any]

ANNUAL_RATE, ANNUAL_RATE_OF_RIALS = 0.1, 0.25
"""Nominal, as the amounts are."""


def compile_prediction(section: Page | None, scope: Scope) -> PredictionPolicy | None:
    if section is None:
        return None
    return PredictionPolicy(
        purchases=_purchases(section.get("purchases"), scope),
        subscriptions=_subscriptions(section.get("subscriptions")),
        leads=_leads(section.get("leads"), scope),
        deals=_deals(section.get("deals")),
        clusters=_clusters(section.get("clusters")),
    )


def _purchases(row: Page | None, scope: Scope) -> PurchasePrediction | None:
    if row is None:
        return None
    default = PurchasePrediction()
    rate = ANNUAL_RATE_OF_RIALS if scope.currency == "IRR" else ANNUAL_RATE
    return PurchasePrediction(
        family=row.get("model", default.family),
        horizon_months=row.get("horizon_months", default.horizon_months),
        margin=row.get("margin", default.margin),
        annual_rate=row.get("annual_rate", rate),
        overlap=row.get("overlap", default.overlap),
    )


def _subscriptions(row: Page | None) -> SubscriptionPrediction | None:
    if row is None:
        return None
    default = SubscriptionPrediction("")
    return SubscriptionPrediction(
        renewal=row["renewal"],
        grace_days=row.get("grace_days", default.grace_days),
        usage=frozenset(row.get("usage", default.usage)),
        known=frozenset(row.get("known", default.known)),
    )


def _leads(row: Page | None, scope: Scope) -> LeadPrediction | None:
    if row is None:
        return None
    target = compile_condition(row["target"], scope)
    default = LeadPrediction(target)
    return LeadPrediction(
        target=target,
        horizon_days=row.get("horizon_days", default.horizon_days),
        exclude=frozenset(row.get("exclude", default.exclude)),
        segment=row.get("segment", default.segment),
        known=frozenset(row.get("known", default.known)),
        since=row.get("since", default.since),
    )


def _deals(row: Page | None) -> DealPrediction | None:
    if row is None:
        return None
    return DealPrediction(row.get("horizon_days", DealPrediction().horizon_days))


def _clusters(row: Page | None) -> ClusterPrediction | None:
    if row is None:
        return None
    default = ClusterPrediction()
    return ClusterPrediction(row.get("from", default.low), row.get("to", default.high))

"""The class of a customer: by share of value, or by score."""

from __future__ import annotations

from typing import cast

from chalicelib.core.card import CustomerValue
from chalicelib.core.policy import CustomerPolicy, FittedModels
from chalicelib.scoring.assessment import Assessment, Reading
from chalicelib.scoring.levels import band_of
from chalicelib.scoring.models import value

FITTED = "classes"
"""The name under which training keeps the borders."""


def class_of(assessment: Assessment, score: int) -> str:
    """Who reaches a border value is in the better class, who has no value in the worst.

    By the score where the policy says so, or where borders or the value are not known.
    """
    policy = assessment.policy.customer
    reading = by_value(policy, assessment.models, assessment.components)
    if reading is None:
        return band_of(policy.classes, score)
    borders = assessment.models.parameters[FITTED]
    worth = cast(CustomerValue, reading.measure.detail).total.amount
    for name in "AB":
        border = cast("int | None", borders[name])
        if border is not None and worth >= border:
            return name
    return "C"


def by_value(
    policy: CustomerPolicy, models: FittedModels, components: tuple[Reading, ...]
) -> Reading | None:
    """The component whose value decides about the class; None where the score does."""
    if policy.value_shares is None:
        return None
    borders = models.parameters.get(FITTED, {})
    for reading in components:
        model = reading.group.model
        if isinstance(model, value.Model) and reading.measure.detail:
            return reading if borders.get("basis") == model.basis else None
    return None

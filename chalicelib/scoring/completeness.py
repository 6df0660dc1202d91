"""How much of what a policy asks of a record is known, and what is not.

Every input weighs as many points, of either sign, as hang on it: of a lead group in points times
its weight, of a component times its share of the customer score. ``completeness`` is the known
share of those points. What people did is no input that somebody could tell, so engagement takes
no part.

Source: the fill rates of CRM data quality reports, weighed by use.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.core.card import Gap
from chalicelib.localization.sentences import unknown
from chalicelib.scoring.assessment import Assessment, Reading


def completeness(assessment: Assessment) -> float:
    """0-1. Where no points hang on inputs that could be told, the plain share of known inputs."""
    stake = lost = 0.0
    for reading, weight in _weighed(assessment):
        measure = reading.measure
        stake += weight * measure.at_stake
        if measure.gaps:
            lost += weight * sum([gap.points for gap in measure.gaps])
    if stake > 0:
        return max(0.0, 1 - lost / stake)
    return _share([*assessment.lead, *assessment.components])


def gaps(assessment: Assessment) -> tuple[Gap, ...]:
    """What is not known, the weightiest first, as sentences."""
    if not [one for one in assessment.lead + assessment.components if one.measure.gaps]:
        return ()
    found: dict[str, Gap] = {}
    for reading, weight in _weighed(assessment):
        for gap in reading.measure.gaps:
            before = found[gap.id].points if gap.id in found else 0
            found[gap.id] = Gap(gap.id, before + weight * gap.points, gap.text)
    ordered = sorted(found.values(), key=lambda gap: (-gap.points, gap.id))
    return tuple(Gap(gap.id, gap.points, unknown(gap.text)) for gap in ordered)


def _weighed(assessment: Assessment) -> list[tuple[Reading, float]]:
    mixed = sum([reading.group.weight for reading in assessment.components])
    return [
        *[(reading, reading.group.weight) for reading in assessment.lead],
        *[(reading, reading.group.weight / mixed) for reading in assessment.components],
    ]


def _share(readings: Sequence[Reading]) -> float:
    asked = sum(reading.measure.asked for reading in readings)
    return sum(reading.measure.known for reading in readings) / asked if asked else 1.0

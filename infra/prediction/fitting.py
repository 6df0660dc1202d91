"""All that can be learned of a file, as training of an installation learns it."""

from __future__ import annotations

from chalicelib.core.policy import FittedModels
from chalicelib.pipeline.foresight import foreseen
from chalicelib.pipeline.lessons import MALFORMED, Lessons, lessons_of, taught_by
from chalicelib.policy.version import version_of
from infra.prediction.buyers import Buyer
from infra.prediction.evidence import Evidence


def learn(known: Evidence) -> FittedModels:
    """What did not pass its gate has a card alone."""
    content = foreseen(_lessons(known), known.policy, {}, known.now)
    version = version_of({name: dict(values) for name, values in content.items()})
    return FittedModels(version, content)


def _lessons(known: Evidence) -> Lessons:
    if known.people:
        return lessons_of(known.collections("learning"), known.policy, known.now)
    return Lessons.of(_taught(one, known) for one in known.buyers)


def _taught(one: Buyer, known: Evidence) -> Lessons:
    try:
        return taught_by(one.bought, known.policy, known.end)
    except MALFORMED:
        return Lessons(malformed=1)

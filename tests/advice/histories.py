"""Histories of which it is known what drives purchases, since it was planted; seeded."""

import json
import math
from datetime import UTC, datetime, timedelta
from random import Random

from chalicelib.advice.cases import History, Study
from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.model import Ref
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.scoring.hindsight import Then

CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
HORIZON = timedelta(days=90)
UNTIL = CUTOFF + HORIZON


def rule(identity, when, points, **more):
    text = {"en": identity.capitalize(), "fa": "…"}
    return {"id": identity, "when": when, "points": points, "text": text, **more}


def page(**points):
    """Engagement rules without decay, so that a reached person holds one of each."""
    given = {"driver": 5, "noise": 5, "hurter": 5, "senior": 5} | points
    kinds = {"driver": "webinar.attended", "noise": "social.engaged", "hurter": "x.complained"}
    return {
        "name": "Planted",
        "language": "en",
        "calendar": "gregorian",
        "time_zone": "UTC",
        "currency": "USD",
        "attributes": {"job": {"type": "text", "of": "contact", "hubspot": "jobtitle"}},
        "lead": {
            "groups": [
                {
                    "id": "fit",
                    "model": "fit",
                    "cap": [0, 50],
                    "rules": [
                        rule("senior", {"attribute": "job", "equals": "chief"}, given["senior"])
                    ],
                },
                {
                    "id": "engagement",
                    "model": "engagement",
                    "cap": [-50, 50],
                    "rules": [
                        rule(name, {"activity": kind}, given[name]) for name, kind in kinds.items()
                    ],
                },
            ],
            "grade": {
                "fit": {"groups": ["fit"], "at_least": [0.7, 0.4]},
                "engagement": {"groups": ["engagement"], "at_least": [0.6, 0.25]},
            },
            "temperatures": {"hot": 70, "warm": 40},
        },
        "customer": {
            "components": [{"id": "value", "model": "rfm"}],
            "classes": {"A": 70, "B": 40},
        },
        "actions": [],
        "publish": {"step": 5, "profile": "full"},
    }


KINDS = {"driver": "webinar.attended", "noise": "social.engaged", "hurter": "x.complained"}
EFFECTS = {"driver": 1.6, "noise": 0.0, "hurter": -1.6, "senior": 0.9}
BASE = -1.5


def planted(people=1500, seed=1, effects=EFFECTS, more=()):
    """Facts by ref: each thing reaches a third, on its own, and shifts the log odds of buying.

    ``more`` are functions of (random, facts of, ref) that add facts and return a shift.
    """
    random, found = Random(seed), {}
    for number in range(people):
        ref = Ref("toy-main", "contact", str(number))
        facts, shift = person(random, ref, effects)
        shift += sum(add(random, facts, ref) for add in more)
        if random.random() < 1 / (1 + math.exp(-BASE - shift)):
            at = CUTOFF + random.random() * HORIZON
            facts.append(fact(ref, "purchase", "p", at, amount={"amount": 900, "currency": "USD"}))
        found[ref] = FactSet.of(facts)
    return found


def person(random, ref, effects):
    shift, senior = 0.0, random.random() < 1 / 3
    facts = [record(ref, CUTOFF - timedelta(days=200), job="chief" if senior else "clerk")]
    shift += effects.get("senior", 0) * senior
    for name, kind in KINDS.items():
        if random.random() < 1 / 3:
            at = CUTOFF - timedelta(days=1 + 29 * random.random())
            facts.append(fact(ref, "activity", name, at, kind=kind))
            shift += effects.get(name, 0)
    return facts, shift


def record(ref, at, **data):
    return Fact(ref, "contact", ref.id, at, data, modified_at=at)


def fact(ref, type_, identity, at, **data):
    return Fact(ref, type_, identity, at, data)


def history(facts, policy=None, models=NOTHING_FITTED, **moment):
    study = Study(policy or page(), models, Then(CUTOFF, HORIZON), **moment)
    return History.of(study, [study.case(ref, one) for ref, one in facts.items()])


def write(path, facts):
    rows = [one.to_json() for found in facts.values() for one in found]
    end = {"occurred_at": iso(UNTIL), "id": "last", "data": {"kind": "x.end"}}
    rows.append({"subject": "toy-main:contact:0", "type": "activity", **end})
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path

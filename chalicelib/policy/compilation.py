"""From a page that has passed validation to the policy that scoring reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.facts import canonical
from chalicelib.core.funnel import FunnelPolicy
from chalicelib.core.model import Json, Text
from chalicelib.core.policy import (
    Attribute,
    Band,
    CustomerPolicy,
    Group,
    LeadPolicy,
    MachineTraffic,
    Model,
    Owing,
    Policy,
    PublishPolicy,
    Reset,
    Segment,
)
from chalicelib.policy.announcements import compile_announcements
from chalicelib.policy.calls import action, advisers, mark, priority_policy
from chalicelib.policy.conditions import compile_condition, once_per_profile
from chalicelib.policy.loyalty import compile_loyalty
from chalicelib.policy.occurrences import compile_where
from chalicelib.policy.prediction import compile_prediction
from chalicelib.policy.scope import Scope
from chalicelib.policy.version import version_of
from chalicelib.scoring import models
from chalicelib.scoring.models import Context

# The schema has vouched for the shape, so pages are plain data here.
Page = Mapping[str, Any]

_CAP = (0, 100)
_RECENT_DAYS = 7
_INFLUENCER_FROM = 3
_REGION = "IR"
_GRADES = ("A", "B", "C"), ("1", "2", "3")
_NOT_FIELDS = frozenset({"type", "of", "activity", "label"})


def compile_policy(page: Mapping[str, Json]) -> Policy:
    """``page`` has passed ``validate``; anything else ends in some KeyError or the like."""
    return _compile(page, version_of(page))


def _compile(page: Page, version: str) -> Policy:
    scope = _scope(page)
    groups = _GroupCompiler(_context(page, scope))
    owing = _owing(page)
    actions = tuple(map(action, page.get("actions", [])))
    return Policy(
        name=page["name"],
        version=version,
        language=page["language"],
        time_zone=groups.context.time_zone,
        calendar=page["calendar"],
        currency=page["currency"],
        attributes=tuple(_attribute(name, row, owing) for name, row in page["attributes"].items()),
        lead=_lead(page["lead"], groups),
        customer=_customer(page["customer"], groups),
        actions=actions,
        advisers=advisers(actions),
        priority=priority_policy(page.get("priority"), groups.context),
        publish=_publish(page["publish"]),
        machine_traffic=_machine_traffic(page.get("machine_traffic", {})),
        owing=owing,
        funnel=_funnel(page["funnel"]) if "funnel" in page else None,
        categories=tuple(page.get("products", {}).get("categories", ())),
        marks=tuple(map(mark, page.get("tags", []))),
        segments=tuple(_segment(row, scope) for row in page.get("segments", [])),
        loyalty=compile_loyalty(page.get("loyalty"), scope),
        announcements=compile_announcements(page.get("announcements", [])),
        prediction=compile_prediction(page.get("prediction"), scope),
    )


def _scope(page: Page) -> Scope:
    """A segment may go by those that stand above it."""
    scope = Scope(ZoneInfo(page["time_zone"]), page["calendar"], page["currency"])
    for row in page.get("segments", []):
        condition = once_per_profile(compile_condition(row["when"], scope))
        scope = replace(scope, segments={**scope.segments, row["id"]: condition})
    return scope


def _segment(row: Page, scope: Scope) -> Segment:
    return Segment(row["id"], scope.segments[row["id"]], Text(**row["text"]))


def _context(page: Page, scope: Scope) -> Context:
    return Context(
        condition=partial(compile_condition, scope=scope),
        where=compile_where,
        time_zone=scope.time_zone,
        calendar=scope.calendar,
        currency=scope.currency,
        stage_of=_funnel(page["funnel"]).stage_of if "funnel" in page else lambda _: None,
        labels={
            called(name, row): Text(row["label"]["en"], row["label"]["fa"])
            for name, row in page["attributes"].items()
            if "label" in row
        },
    )


def called(name: str, row: Page) -> str:
    """What conditions call an attribute."""
    return f"account.{name}" if row["of"] == "account" else name


def _attribute(name: str, row: Page, owing: Owing) -> Attribute:
    return Attribute(
        name=name,
        type=row["type"],
        of=row["of"],
        fields={crm: field for crm, field in row.items() if crm not in _NOT_FIELDS},
        activity=row.get("activity", ""),
        label=Text(row["label"]["en"], row["label"]["fa"]) if "label" in row else None,
        names_record=name == owing.referrer,
    )


class _GroupCompiler:
    """Groups with the same model and parameters share one model, which is then measured once."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._models: dict[str, Model] = {}

    def groups(self, rows: Iterable[Page]) -> tuple[Group, ...]:
        return tuple(self._group(row) for row in rows)

    def _group(self, row: Page) -> Group:
        low, high = row.get("cap", _CAP)
        return Group(
            id=row["id"],
            model_name=row["model"],
            model=self._model(row),
            weight=row.get("weight", 1),
            low=low,
            high=high,
            fitted=str(getattr(models.load(row["model"]), "FITTED", row["model"])),
        )

    def _model(self, row: Page) -> Model:
        common = {"id", "weight", "cap"}
        key = canonical({name: value for name, value in row.items() if name not in common})
        if key not in self._models:
            kind = models.load(row["model"]).Model
            self._models[key] = kind.from_page(row, self.context)
        return self._models[key]


def _lead(section: Page, groups: _GroupCompiler) -> LeadPolicy:
    fit, engagement = section["grade"]["fit"], section["grade"]["engagement"]
    letters, digits = _GRADES
    return LeadPolicy(
        groups=groups.groups(section["groups"]),
        fit=frozenset(fit["groups"]),
        engagement=frozenset(engagement["groups"]),
        fit_grades=_bands(letters, fit["at_least"]),
        engagement_grades=_bands(digits, engagement["at_least"]),
        temperatures=_named_bands(section["temperatures"], "cold"),
        resets=tuple(_reset(row) for row in section.get("resets", [])),
        override=section.get("override", ""),
    )


def _reset(row: Page) -> Reset:
    ((by, name),) = row["when"].items()
    return Reset(id=row["id"], groups=frozenset(row["groups"]), by=by, name=name)


def _machine_traffic(section: Page) -> MachineTraffic:
    default = MachineTraffic()
    return MachineTraffic(
        off=frozenset(section.get("off", ())),
        after_delivery_seconds=section.get(
            "after_delivery_seconds", default.after_delivery_seconds
        ),
        burst_seconds=section.get("burst_seconds", default.burst_seconds),
        agents=tuple(word.casefold() for word in section.get("agents", default.agents)),
        networks=tuple(section.get("networks", ())),
        humans=frozenset(section.get("humans", ())),
    )


def _customer(section: Page, groups: _GroupCompiler) -> CustomerPolicy:
    return CustomerPolicy(
        components=groups.groups(section["components"]),
        classes=_named_bands({name: section["classes"][name] for name in "AB"}, "C"),
        value_shares=tuple(shares) if (shares := section["classes"].get("value_shares")) else None,
        new_days=section.get("new_days"),
    )


def _publish(section: Page) -> PublishPolicy:
    return PublishPolicy(section["step"], section["profile"], section.get("topics", False))


def _owing(page: Page) -> Owing:
    """Whose model asks for the people's scores has them brought to the company."""
    groups = (*page["lead"]["groups"], *page["customer"]["components"])
    return Owing(
        roll_up=any(group["model"] == "roll_up" for group in groups),
        referrer=page.get("referrals", {}).get("attribute"),
        influencer_from=page.get("referrals", {}).get("influencer_from", _INFLUENCER_FROM),
        region=page.get("region", _REGION),
    )


def _funnel(section: Page) -> FunnelPolicy:
    return FunnelPolicy(
        stages={one: stage for stage, ids in section["stages"].items() for one in ids},
        recent_days=section.get("recent_days", _RECENT_DAYS),
        stalled_days=section.get("stalled_days", {}),
    )


def _named_bands(minimums: Mapping[str, float], rest: str) -> tuple[Band, ...]:
    ordered = sorted(minimums, key=lambda name: -minimums[name])
    return _bands((*ordered, rest), [minimums[name] for name in ordered])


def _bands(names: Sequence[str], minimums: Sequence[float]) -> tuple[Band, ...]:
    """The last name takes all that is below."""
    return tuple(map(Band, names, (*minimums, -math.inf)))

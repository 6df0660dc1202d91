"""``emtiaz policy review``: what in a policy, and in the data, does not do its work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from chalicelib.advice.quality import quality_doubts
from chalicelib.advice.remarks import Remark, Topic
from chalicelib.advice.reports import findings
from chalicelib.advice.what_if import WhatIf
from infra.cli.console import OUT, say, show_json, show_table
from infra.cli.options import AsJson, Policy
from infra.cli.policy_history import (
    Facts,
    Horizon,
    LookedBack,
    Models,
    Options,
    TrustRecords,
    Until,
    look_back,
    watching,
)
from infra.cli.policy_page import SHIPPED
from infra.cli.policy_suggest import picture, show_points, told

_TITLES: dict[Topic, str] = {
    "reach": "rules that reach nobody, or everybody",
    "thresholds": "thresholds against who bought later",
    "unscored": "what no rule asks for, by who bought later",
    "data": "the data",
}


class _Tried(NamedTuple):
    remark: Remark
    effect: WhatIf | None


def review(
    *,
    facts: Facts,
    policy: Policy = SHIPPED,
    models: Models = None,
    horizon: Horizon = 90,
    until: Until = None,
    trust_records: TrustRecords = False,
    as_json: AsJson = False,
) -> None:
    """Hold a policy against the history in a file of facts, and say what to change.

    Tells rules that never or always fire, points against who bought later, thresholds, behaviours
    that no rule asks for, and doubtful data, each with what would come of changing it: who moves,
    and how many records would be written to the CRM. Needs no AWS.
    """
    found = look_back(Options(facts, policy, models, horizon, until, trust_records))
    tried = list(_tried(found))
    if as_json:
        show_json({**found.heading(), "remarks": [_json(one, found) for one in tried]})
    else:
        found.say_heading()
        _show(tried)


def _tried(found: LookedBack) -> Iterator[_Tried]:
    trial = found.trial
    for remark in findings(found.then, found.now):
        watched = watching(f"trying {remark.about}")
        yield _Tried(remark, trial.of_page(remark.changes, watched) if remark.changes else None)
    for doubt in quality_doubts(found.now, found.facts):
        yield _Tried(doubt.remark, trial.of_facts(doubt.mended) if doubt.mended else None)


def _json(one: _Tried, found: LookedBack) -> dict[str, Any]:
    effect = one.effect.to_json() if one.effect else None
    return {**one.remark.to_json(found.page), "what_if": effect}


def _show(tried: Sequence[_Tried]) -> None:
    _show_points([one for one in tried if one.remark.topic == "points"])
    for topic, title in _TITLES.items():
        rows = [one for one in tried if one.remark.topic == topic]
        if rows:
            say(f"\n{title}" if OUT.is_terminal else title)
            show_table(("of", "", "seen", "if it is changed"), map(_row, rows))


def _show_points(rows: Sequence[_Tried]) -> None:
    show_points([one.remark for one in rows])
    changing = [one for one in rows if one.effect]
    if changing:
        show_table(
            ("rule", "if it is changed"),
            [(one.remark.about, told(one.effect)) for one in changing if one.effect],
        )


def _row(one: _Tried) -> tuple[str, str, str, str]:
    remark = one.remark
    return remark.about, picture(remark), remark.says, told(one.effect) if one.effect else ""

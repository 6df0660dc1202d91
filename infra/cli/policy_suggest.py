"""``emtiaz policy suggest``: thresholds and points that a history speaks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from chalicelib.advice.changes import Change, changed
from chalicelib.advice.remarks import Remark
from chalicelib.advice.reports import suggestions
from chalicelib.advice.what_if import WhatIf
from chalicelib.policy import PolicyInvalid, validate
from infra.cli.bars import interval_bar, share_bar
from infra.cli.console import OUT, note, say, show_json, show_table
from infra.cli.exits import Finding
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
from infra.cli.policy_page import SHIPPED, file_of
from infra.cli.yaml_edit import edited

Output = Annotated[
    Path | None, typer.Option(help="Write the policy with all that is proposed to this file.")
]


def suggest(  # noqa: PLR0913  # one per option
    *,
    facts: Facts,
    policy: Policy = SHIPPED,
    output: Output = None,
    models: Models = None,
    horizon: Horizon = 90,
    until: Until = None,
    trust_records: TrustRecords = False,
    as_json: AsJson = False,
) -> None:
    """Propose thresholds and points from the history in a file of facts, and say why.

    Everybody is looked at as of --horizon days before the end of the history, and held against who
    bought after that. Rules are judged among people with the same fit grade, as busy otherwise,
    who have bought before or not. It is association: nothing proves that a rule makes anybody buy.
    Where there is too little nothing is proposed. Needs no AWS.
    """
    found = look_back(Options(facts, policy, models, horizon, until, trust_records))
    remarks = suggestions(found.then, found.now, found.again)
    changes = agreeing(found.page, remarks)
    effect = found.trial.of_page(changes, watching("trying it")) if changes else None
    if output:
        write(policy, output, changes)
    if as_json:
        show_json(_json(found, remarks, effect))
    else:
        _show(found, remarks, effect)
        note(f"wrote {output}" if output else "--output FILE writes the policy with all of it")


def agreeing(page: Any, remarks: Iterable[Remark]) -> list[Change]:
    """All that is proposed; what would make the page no policy together with the rest is not."""
    taken: list[Change] = []
    for remark in remarks:
        more = [*taken, *remark.changes]
        try:
            validate(changed(page, more))
        except PolicyInvalid:
            continue
        taken = more
    return taken


def write(source: Path, target: Path, changes: Sequence[Change]) -> None:
    """Raises Finding where the text of the page cannot be changed in place, or written."""
    text = file_of(source).read_text("utf-8-sig")
    try:
        new = edited(text, changes)
    except KeyError as error:
        raise Finding(f"{source}: cannot be changed in place: {error}") from error
    if yaml.safe_load(new) != changed(yaml.safe_load(text), changes):
        raise Finding(f"{source}: cannot be changed in place; write in what --json lists")
    try:
        target.write_text(new, "utf-8")
    except OSError as error:
        raise Finding(f"{target}: {error.strerror}") from error


def _json(found: LookedBack, remarks: Sequence[Remark], effect: WhatIf | None) -> dict[str, Any]:
    return {
        **found.heading(),
        "remarks": [one.to_json(found.page) for one in remarks],
        "what_if": effect.to_json() if effect else None,
    }


def _show(found: LookedBack, remarks: Sequence[Remark], effect: WhatIf | None) -> None:
    found.say_heading()
    others = [one for one in remarks if one.topic != "points"]
    show_table(("of", "", "proposal"), [(one.about, picture(one), one.says) for one in others])
    show_points([one for one in remarks if one.topic == "points"])
    if effect:
        say(f"all of it: {told(effect)}")
    else:
        say("nothing is proposed")


def show_points(remarks: Sequence[Remark]) -> None:
    """With a picture on a terminal: between which points history speaks.

    Rules of which nothing can be said for the same reason stand together.
    """
    pairs: list[Any] = [one.evidence["between"] for one in remarks if "between" in one.evidence]
    most = max((abs(bound) for pair in pairs for bound in pair), default=1.0)
    if pairs and OUT.is_terminal:
        edge = f"{most:.0f}"
        heading = f"-{edge}{'points'.center(31 - 2 * len(edge) - 2)}+{edge}"
        rows = [(about, _picture(one, most), one.says) for about, one in _together(remarks)]
        show_table(("rule", heading, "proposal"), rows)
    else:
        show_table(("rule", "proposal"), [(about, one.says) for about, one in _together(remarks)])
    note(f"{len(pairs)} of {len(remarks)} rules could be judged{_CLEAR if pairs else ''}")


_CLEAR = "; of all that is called clear, one in twenty is expected to be chance"


def _together(remarks: Sequence[Remark]) -> Iterator[tuple[str, Remark]]:
    names: dict[str, list[str]] = {}
    for one in remarks:
        names.setdefault(one.says, []).append(one.about)
    first = {one.says: one for one in reversed(remarks)}
    yield from ((", ".join(abouts), first[says]) for says, abouts in names.items())


def picture(remark: Remark) -> str:
    """Of the shares who bought later, or of their difference, ±1; only on a terminal."""
    evidence: Any = remark.evidence
    if not OUT.is_terminal:
        return ""
    if "interval" in evidence:
        low, high = evidence["interval"]
        return interval_bar(low, evidence["difference"], high, 1.0)
    if "after" in evidence:
        shown = evidence["after" if evidence["proposed"] else "before"]
        named = zip(evidence["names"], shown, strict=True)
        return "\n".join(_share(name, band) for name, band in named)
    return ""


def _share(name: str, band: Any) -> str:
    share = f"{band['share']:4.0%}" if band["people"] else "none"
    return f"{name:4} {share_bar(band['share']):10} {share}"


def _picture(remark: Remark, most: float) -> str:
    evidence: Any = remark.evidence
    if "between" not in evidence:
        return ""
    low, high = evidence["between"]
    return interval_bar(low, evidence["speaks_for"], high, most)


def told(effect: WhatIf) -> str:
    names = ", ".join(f"{count:,} change {name}" for name, count in effect.renamed.items())
    moved = f"{effect.moved:,} of {effect.subjects:,} records get another score"
    return f"{moved}{', ' if names else ''}{names}; {effect.crm_writes:,} CRM writes"

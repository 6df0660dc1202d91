"""Scenarios: a programme, what happens, what is expected at instants, and how that is reckoned.

A scenario is a page of YAML. ``loyalty`` is the section of the policy; instants are in any zone,
days without a time are noon in Tehran. A step has ``at``, and perhaps

- ``happens``: words for the reader
- ``facts``: what comes in then; ``when`` it happened, if that was not then. Short forms are
  ``{bought: order-1, toman: 349000}``, ``{refunded: r-1, of: order-1, toman: 49000}`` and
  ``{did: review.posted, id: a}``; anything else is a whole fact, of which subject and instant may
  be left out
- ``do``: redemptions, cancellations, adjustments, merges, in the form of ``infra.loyalty.replay``
- ``loyalty``: the section that is in force from then on
- ``expect``: values of ``SEEN`` by name, and ``because``: the reckoning

``python -m tests.loyalty.scenario DIR`` plays all files of a directory, and so does pytest with
``LOYALTY_SCENARIOS=DIR``.
"""

import sys
from collections import Counter
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from chalicelib.core.facts import Fact, iso
from chalicelib.core.model import Ref
from chalicelib.loyalty.notices import notices
from chalicelib.loyalty.spans import FIRST
from chalicelib.policy import compile_policy, validate
from infra.loyalty.replay import Operation, Replay
from tests.scoring.examples import starter

TEHRAN = ZoneInfo("Asia/Tehran")
WHO = "hubspot-main:contact:1"
NAMES = {"chapter", "about", "loyalty", "page", "steps"}
STEP = {"at", "happens", "facts", "do", "loyalty", "expect", "because"}


class ScenarioBroken(ValueError):
    pass


def load(path):
    page = yaml.safe_load(Path(path).read_text("utf-8"))
    unknown = (page.keys() - NAMES) | {key for step in page["steps"] for key in step.keys() - STEP}
    if unknown or not NAMES - {"page"} <= page.keys():
        raise ScenarioBroken(f"{path}: unknown {sorted(unknown)}, or something is missing")
    return page


def instant(told):
    """An instant, or noon of a day."""
    if isinstance(told, datetime):
        return told if told.tzinfo else told.replace(tzinfo=TEHRAN)
    if isinstance(told, str):
        found = datetime.fromisoformat(told)
        is_day = len(told) == len("2026-03-21")
        return datetime.combine(found, time(12), TEHRAN) if is_day else found
    return datetime.combine(told, time(12), TEHRAN)


def policy_of(section, page=None):
    """On the starter page, in Iran."""
    changes = {"calendar": "jalali", "time_zone": "Asia/Tehran", "currency": "IRR"}
    whole = starter(**changes, **(page or {}), loyalty=section)
    validate(whole)
    return compile_policy(whole)


def toman(amount):
    return {"amount": round(amount * 10), "currency": "IRR"}


def fact(row, at):
    row = dict(row)
    at = instant(row.pop("when")) if "when" in row else at
    subject = row.pop("subject", WHO)
    if "type" in row:
        given = {"subject": subject, "occurred_at": iso(at)}
        return Fact.from_json(given | row)
    kind, identity, data = short(row, at)
    return Fact(Ref.parse(subject), kind, identity, at, data)


def short(row, at):
    if "did" in row:
        kind = row.pop("did")
        return "activity", str(row.pop("id", f"{kind}@{iso(at)}")), {"kind": kind, **row}
    parts = {name: toman(row.pop(name)) for name in PARTS if name in row}
    if "toman" in row:
        parts["amount"] = toman(row.pop("toman"))
    if "lines" in row:
        row["lines"] = [{**line, "amount": toman(line["toman"])} for line in row.pop("lines")]
    if "bought" in row:
        return "purchase", row.pop("bought"), {**row, **parts}
    return "refund", row.pop("refunded"), {"purchase": row.pop("of"), **row, **parts}


PARTS = ("tax", "delivery", "gift_cards", "paid_with_points")


def operation(row, at):
    when = iso(instant(row["at"])) if "at" in row else iso(at)
    return Operation.from_json({"subject": WHO, **row, "at": when})


def play(page):
    """Yields every step with its replay, once it is done."""
    replay = Replay(policy_of(page["loyalty"], page.get("page")))
    for step in page["steps"]:
        at = instant(step["at"])
        if "loyalty" in step:
            replay.govern(policy_of(step["loyalty"], page.get("page")), at)
        replay.learn([fact(row, at) for row in step.get("facts", [])], at)
        replay.member(Ref.parse(WHO)).go(at)
        for row in step.get("do", []):
            replay.do(operation(row, at))
        replay.standing(Ref.parse(WHO), at)
        yield step, replay


def seen(name, replay, at):
    subject = Ref.parse(WHO)
    return SEEN[name](replay, replay.member(subject), replay.standing(subject, at), at)


def _goal(name, language="en"):
    def told(replay, member, standing, at):
        goal = getattr(standing.tier, name)
        return getattr(goal.text, language).translate(_ISOLATES) if goal else None

    return told


_ISOLATES = dict.fromkeys(range(0x2066, 0x206A))


def _local(at):
    return at.astimezone(TEHRAN).strftime("%Y-%m-%d %H:%M") if at else None


def _expiring(replay, member, standing, at):
    found = standing.expiring
    return {"points": found.points, "at": _local(found.at)} if found else None


def _lots(replay, member, standing, at):
    return {name: one.remaining for name, one in member.book.holdings.items() if one.remaining}


def _missions(replay, member, standing, at):
    return {one.id: f"{one.value} of {one.target}" for one in standing.missions}


def _sums(replay, member, standing, at):
    found = Counter()
    for entry in member.made:
        found[entry.kind] += entry.points
    return dict(found)


def _notices(replay, member, standing, at):
    program = member.program(at)
    return [one.kind for one in notices(member.book, member.course, program, FIRST, at)]


def _touched(replay, member, standing, at):
    """Of the last redemption."""
    return [list(pair) for pair in [*member.book.redeemed.values()][-1].touched]


SEEN = {
    "points": lambda r, m, s, at: s.points,
    "pending": lambda r, m, s, at: s.pending,
    "debt": lambda r, m, s, at: s.debt,
    "worth_toman": lambda r, m, s, at: s.value.amount // 10,
    "expiring": _expiring,
    "expiring_text": lambda r, m, s, at: s.expiring.text.en if s.expiring else None,
    "tier": lambda r, m, s, at: s.tier.name,
    "state": lambda r, m, s, at: s.tier.state,
    "valid_until": lambda r, m, s, at: _local(s.tier.valid_until),
    "grace_until": lambda r, m, s, at: _local(s.tier.grace_until),
    "metric": lambda r, m, s, at: round(float(s.tier.value), 6),
    "progress": lambda r, m, s, at: s.tier.progress,
    "to_next": _goal("next"),
    "to_next_fa": _goal("next", "fa"),
    "keep": _goal("keep"),
    "keep_fa": _goal("keep", "fa"),
    "largest": lambda r, m, s, at: dict(s.tier.largest),
    "missions": _missions,
    "streaks": lambda r, m, s, at: {one.id: one.streak for one in s.missions if one.streak},
    "mission_text": lambda r, m, s, at: [one.text.en for one in s.missions],
    "lots": _lots,
    "sums": _sums,
    "last_redemption": _touched,
    "notices": _notices,
    "refused": lambda r, m, s, at: [one.reason for one in r.refused],
    "codes": lambda r, m, s, at: sorted(r._given().codes),
    "next_change_at": lambda r, m, s, at: _local(s.next_change_at),
    "next_change": lambda r, m, s, at: s.upcoming[0].what if s.upcoming else None,
    "changes": lambda r, m, s, at: [
        f"{change.kind} {change.before} {change.after}" for change in m.course.tiers.changes
    ],
}
"""What a scenario may expect."""


def faults(path):
    """What is otherwise than the scenario expects, as sentences."""
    for number, (step, replay) in enumerate(play(load(path)), start=1):
        for name, expected in step.get("expect", {}).items():
            found = seen(name, replay, instant(step["at"]))
            if found != expected:
                yield f"{path}, step {number}: {name} is {found!r}, expected {expected!r}"


def main(folder):
    paths = sorted(Path(folder).glob("**/*.yaml"))
    found = [fault for path in paths for fault in faults(path)]
    print(*found, f"{len(paths)} scenarios, {len(found)} faults", sep="\n")  # noqa: T201
    return 1 if found or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

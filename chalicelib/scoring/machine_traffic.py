"""Which activities no person did: mail scanners that open everything and click every link.

Each check looks at what an activity carries, and one that it lacks silences the check:

==================  ========================================================================
``too_soon``        ``delivered_at``: a click within 3 seconds of the mail's delivery; or the
                    activity ``email.sent``: a click within 3 seconds after a mail was sent, and
                    so after its delivery
``burst``           ``message``, ``link``: different links of one message within 2 seconds
``unopened``        ``message``, ``opens_reported``: a click without any open of the message
``agent``           ``user_agent``: holds one of the words that only programs use
``network``         ``ip``: lies in a network from which no person comes
``privacy_proxy``   ``user_agent``, ``privacy_proxy``: an open by a mail program that loads all
                    pictures beforehand, so that nobody knows whether a person looked
==================  ========================================================================

What is found stays among the facts and is shown with its reason; only scoring leaves it out. A
person takes it back by a newer version of the activity with ``human: true``, or by naming its id
in the policy, an admin by switching a check off. An unsubscription that looks like a scanner's
counts as soon as one without such a look, or a complaint, has confirmed it.

Two links of one mail within a second:

>>> from datetime import UTC, datetime, timedelta
>>> noon = datetime(2026, 3, 21, 12, tzinfo=UTC)
>>> clicks = tuple(
...     Activity(link, "email.clicked", noon + timedelta(seconds=at), 1,
...              {"message": "spring", "link": link})
...     for at, link in enumerate("ab"))
>>> people, machines = sift({"email.clicked": clicks}, MachineTraffic())
>>> people, [(suspect.activity.id, suspect.check) for suspect in machines]
({}, [('a', 'burst'), ('b', 'burst')])

A CRM may tell no more than when a mail was sent and when there was a click:

>>> sent = Activity("m", "email.sent", noon - timedelta(seconds=2), 1, {})
>>> done = {"email.sent": (sent,), "email.clicked": (Activity("c", "email.clicked", noon, 1, {}),)}
>>> [(suspect.activity.id, suspect.check) for suspect in sift(done, MachineTraffic())[1]]
[('c', 'too_soon')]

Source: the scanner and bot filters of marketing automation, such as Salesforce Account
Engagement's; Apple's Mail Privacy Protection shows no more of itself than ``Mozilla/5.0``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from operator import attrgetter

from chalicelib.core.card import MachineActivities
from chalicelib.core.facts import parse_instant
from chalicelib.core.model import SENT, Activity, Json, Text
from chalicelib.core.policy import MachineCheck, MachineTraffic, Suspect

Done = Mapping[str, tuple[Activity, ...]]
"""Activities by kind, each in order of time."""

OPENED = "email.opened"
CLICKED = "email.clicked"
UNSUBSCRIBED = "email.unsubscribed"
COMPLAINED = "email.complained"

_CLICKS = frozenset({CLICKED, UNSUBSCRIBED})

_SIGNALS = frozenset({
    "delivered_at", "link", "opens_reported", "user_agent", "ip", "privacy_proxy",
})  # fmt: skip
"""Attributes without which no check can fire."""

_PRIVATE_AGENT = "Mozilla/5.0"

_ATTRIBUTES = attrgetter("attributes")


def sift(done: Done, rules: MachineTraffic) -> tuple[Done, tuple[Suspect, ...]]:
    """What people did, and what machines did, in order of kind and time."""
    if not _shows_any_signal(done):
        return done, ()
    suspects = _unconfirmed(done, tuple(_suspects(done, rules)))
    if not suspects:
        return done, ()
    machines = {id(suspect.activity) for suspect in suspects}
    people = {
        kind: tuple(one for one in found if id(one) not in machines) for kind, found in done.items()
    }
    return {kind: found for kind, found in people.items() if found}, suspects


def _shows_any_signal(done: Done) -> bool:
    """Most CRMs tell no more than kind and time, so this is where most calls end."""
    told = map(_ATTRIBUTES, chain.from_iterable(done.values()))
    return SENT in done or not _SIGNALS.isdisjoint(chain.from_iterable(told))


def _all(done: Done) -> Iterator[Activity]:
    for kind in sorted(done):
        yield from done[kind]


def _suspects(done: Done, rules: MachineTraffic) -> Iterator[Suspect]:
    checks = [(name, check) for name, check in CHECKS.items() if name not in rules.off]
    evidence = _evidence(done, rules)
    for activity in _all(done):
        if not _is_vouched_for(activity, rules):
            found = (name for name, check in checks if check(activity, rules, evidence))
            if (name := next(found, None)) is not None:
                yield Suspect(activity, name)


def _is_vouched_for(activity: Activity, rules: MachineTraffic) -> bool:
    return activity.attributes.get("human") is True or activity.id in rules.humans


def _unconfirmed(done: Done, suspects: tuple[Suspect, ...]) -> tuple[Suspect, ...]:
    """Without the unsubscriptions that a second signal has confirmed."""
    doubted = sum(suspect.activity.kind == UNSUBSCRIBED for suspect in suspects)
    if COMPLAINED not in done and len(done.get(UNSUBSCRIBED, ())) == doubted:
        return suspects
    return tuple(suspect for suspect in suspects if suspect.activity.kind != UNSUBSCRIBED)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the activities tell together.

    Messages that were opened, clicks of one burst, and what was sent when, in order of time.
    """

    opened: frozenset[Json]
    bursts: frozenset[int]
    sent: Sequence[Activity]


def _evidence(done: Done, rules: MachineTraffic) -> _Evidence:
    clicks: defaultdict[str, list[Activity]] = defaultdict(list)
    for activity in (one for kind in sorted(_CLICKS) for one in done.get(kind, ())):
        message = _text(activity, "message")
        if message and _link(activity) and not _is_vouched_for(activity, rules):
            clicks[message].append(activity)
    within = timedelta(seconds=rules.burst_seconds)
    return _Evidence(
        opened=frozenset(_text(one, "message") for one in done.get(OPENED, ())),
        bursts=frozenset(id(one) for group in clicks.values() for one in _burst(group, within)),
        sent=done.get(SENT, ()),
    )


def _burst(clicks: Sequence[Activity], within: timedelta) -> Iterator[Activity]:
    """Those that have one on another link so near in time."""
    ordered = sorted(clicks, key=lambda one: (one.occurred_at, one.id))
    for index, earlier in enumerate(ordered):
        for later in ordered[index + 1 :]:
            if later.occurred_at - earlier.occurred_at > within:
                break
            if _link(later) != _link(earlier):
                yield from (earlier, later)


def _text(activity: Activity, name: str) -> str:
    value = activity.attributes.get(name)
    return "" if value is None else str(value)


def _link(activity: Activity) -> str:
    """The link that unsubscribes need not be named."""
    return _text(activity, "link") or (UNSUBSCRIBED if activity.kind == UNSUBSCRIBED else "")


def _too_soon(activity: Activity, rules: MachineTraffic, evidence: _Evidence) -> bool:
    if activity.kind not in _CLICKS:
        return False
    within = timedelta(seconds=rules.after_delivery_seconds)
    if told := _text(activity, "delivered_at"):
        delivered = _instant(told)
        return delivered is not None and abs(activity.occurred_at - delivered) <= within
    return any(_may_be_of(one, activity) for one in _sent_before(activity, within, evidence.sent))


def _sent_before(
    activity: Activity, within: timedelta, sent: Sequence[Activity]
) -> Iterator[Activity]:
    at = activity.occurred_at
    after = bisect_right(sent, at, key=lambda one: one.occurred_at)
    for index in range(after - 1, -1, -1):
        if at - sent[index].occurred_at > within:
            return
        yield sent[index]


def _may_be_of(sent: Activity, click: Activity) -> bool:
    """Whether the click may have been in that mail; a CRM need not say which it was in."""
    mail, clicked = _text(sent, "message"), _text(click, "message")
    return not mail or not clicked or mail == clicked


@lru_cache(maxsize=256)
def _instant(text: str) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _in_burst(activity: Activity, _: MachineTraffic, evidence: _Evidence) -> bool:
    return id(activity) in evidence.bursts


def _unopened(activity: Activity, _: MachineTraffic, evidence: _Evidence) -> bool:
    message = _text(activity, "message")
    is_reported = bool(message) and activity.attributes.get("opens_reported") is True
    return activity.kind == CLICKED and is_reported and message not in evidence.opened


def _agent(activity: Activity, rules: MachineTraffic, _: _Evidence) -> bool:
    agent = _text(activity, "user_agent").casefold()
    return bool(agent) and any(word in agent for word in rules.agents)


def _network(activity: Activity, rules: MachineTraffic, _: _Evidence) -> bool:
    return bool(rules.networks) and _is_within(_text(activity, "ip"), rules.networks)


@lru_cache(maxsize=1024)
def _is_within(address: str, networks: Iterable[str]) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(network, strict=False) for network in networks)


def _privacy_proxy(activity: Activity, _: MachineTraffic, __: _Evidence) -> bool:
    said = activity.attributes.get("privacy_proxy") is True
    return activity.kind == OPENED and (said or _text(activity, "user_agent") == _PRIVATE_AGENT)


CHECKS: Mapping[MachineCheck, Callable[[Activity, MachineTraffic, _Evidence], bool]] = {
    "too_soon": _too_soon,
    "burst": _in_burst,
    "unopened": _unopened,
    "agent": _agent,
    "network": _network,
    "privacy_proxy": _privacy_proxy,
}
"""In the order in which one is taken for the reason."""

EXAMPLES = 3
"""Activities that a card names of each kind of find; the facts hold all."""

TEXTS: Mapping[MachineCheck, Text] = {
    "too_soon": Text(
        "Clicked within seconds of delivery", "کلیک در چند ثانیهٔ نخست پس از تحویل ایمیل"
    ),
    "burst": Text(
        "Clicked several links of one message at once", "کلیک هم‌زمان روی چند پیوند یک پیام"
    ),
    "unopened": Text("Clicked in a message that was never opened", "کلیک در پیامی که باز نشده است"),
    "agent": Text("Came from a program", "از سوی یک برنامهٔ خودکار"),
    "network": Text("Came from a network of machines", "از شبکه‌ای متعلق به ماشین‌ها"),
    "privacy_proxy": Text(
        "Opened by a privacy proxy, perhaps unseen", "بازشده با واسطهٔ حریم خصوصی، شاید نادیده"
    ),
}


def summary(suspects: Iterable[Suspect]) -> tuple[MachineActivities, ...]:
    """By check: how many, and the latest of them."""
    found: defaultdict[MachineCheck, list[Activity]] = defaultdict(list)
    for suspect in suspects:
        found[suspect.check].append(suspect.activity)
    rows = [
        MachineActivities(
            check=check,
            count=sum(one.count for one in found[check]),
            text=TEXTS[check],
            examples=tuple(_latest_first(found[check])[:EXAMPLES]),
        )
        for check in sorted(found)
    ]
    return tuple(rows)


def _latest_first(activities: Iterable[Activity]) -> list[Activity]:
    return sorted(activities, key=lambda one: (one.occurred_at, one.kind, one.id), reverse=True)

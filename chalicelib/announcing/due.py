"""What happened since the last look, of that which a policy wants told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from chalicelib.announcing.sight import (
    Sight,
    ending_told_at,
    fallen,
    last_day,
    stay_told_at,
)
from chalicelib.core.announcements import (
    Announcement,
    AnnouncementRule,
    Occasion,
    Seen,
    identity,
)
from chalicelib.core.facts import iso
from chalicelib.core.funnel import STAGES
from chalicelib.core.loyalty import Level
from chalicelib.core.model import Json, Text
from chalicelib.core.policy import Policy
from chalicelib.localization import loyalty as words
from chalicelib.localization.announcements import SCORES, WORDS, filled, for_sms
from chalicelib.localization.dates import date_name
from chalicelib.localization.numbers import number
from chalicelib.loyalty.entries import Entry, brought_by
from chalicelib.loyalty.notices import Notice


@dataclass(frozen=True, slots=True)
class News:
    """``key`` says what happened and when, the same at every look at it."""

    key: str
    at: datetime
    data: Mapping[str, Json]
    values: Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class Comparison:
    before: Seen
    sight: Sight
    policy: Policy

    def is_new(self, at: datetime) -> bool:
        """Of what tells a time of its own: whether it was not there at the last look.

        What is known to differ may have happened earlier and been told late.
        """
        return self.before.known or at > self.before.at


Find = Callable[[Comparison, AnnouncementRule], Iterator[News]]


def due(before: Seen, sight: Sight, policy: Policy) -> tuple[Announcement, ...]:
    """In the order of the policy's rows."""
    comparison = Comparison(before, sight, policy)
    return tuple(
        _announcement(news, rule, sight, policy)
        for rule in policy.announcements
        if rule.meaning in before.rules
        for news in _FINDERS[rule.event](comparison, rule)
    )


def _announcement(news: News, rule: AnnouncementRule, sight: Sight, policy: Policy) -> Announcement:
    subject, usual = sight.card.subject, WORDS[rule.event]
    values = {**news.values, "customer": Text(subject.id, subject.id)}
    return Announcement(
        id=identity(subject, rule.id, news.key),
        subject=subject,
        rule=rule.id,
        kind=rule.event,
        at=news.at,
        data=news.data,
        rep=filled(rule.text or usual.rep, values),
        customer=for_sms(rule.customer_text or usual.customer, values),
        to=rule.to,
        language=policy.language,
        mailing=rule.mailing,
    )


def _tier(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    tier, last = one.sight.loyalty.tier, _last_change(one.sight, ("tier_up", "tier_down"))
    if tier is None or not _moved(one, rule.event, tier, last):
        return
    yield News(
        f"{rule.event}:{tier}:{iso(last.at if last else one.before.at)}",
        last.at if last else one.sight.now,
        {"tier": tier, "before": one.before.tier},
        {"tier": _level(tier, one.policy)},
    )


def _moved(one: Comparison, way: Occasion, tier: str, last: Notice | None) -> bool:
    """By the tier of before, where that is known; else by what the tier did last."""
    order = [level.name for level in _levels(one.policy)]
    held = one.before.tier
    if held is None or held not in order or tier not in order:
        return last is not None and last.kind == way and last.at > one.before.at
    moved = order.index(tier) - order.index(held)
    return moved > 0 if way == "tier_up" else moved < 0


def _levels(policy: Policy) -> Sequence[Level]:
    tiers = policy.loyalty.tiers if policy.loyalty else None
    return tiers.levels if tiers else ()


def _last_change(sight: Sight, kinds: tuple[str, ...]) -> Notice | None:
    changes = [notice for notice in sight.loyalty.notices if notice.kind in kinds]
    return max(changes, key=lambda notice: notice.at, default=None)


def _grace(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    loyalty, last = one.sight.loyalty, _last_change(one.sight, ("tier_grace",))
    until = loyalty.grace_until
    if loyalty.tier is None or until is None or one.before.in_grace:
        return
    at = last.at if last else one.sight.now
    if one.before.in_grace is False or at > one.before.at:
        yield News(
            f"{rule.event}:{loyalty.tier}:{iso(until)}",
            at,
            {"tier": loyalty.tier, "until": iso(until)},
            {"tier": _level(loyalty.tier, one.policy), "day": _last_day(until, one.policy)},
        )


def _level(tier: str, policy: Policy) -> Text:
    names = {level.name: level.text for level in _levels(policy)}
    return names.get(tier, Text(tier, tier))


def _last_day(ends: datetime, policy: Policy) -> Text:
    """The last local day before an instant."""
    day = (ends - timedelta.resolution).astimezone(policy.time_zone).date()
    return date_name(day, policy.calendar)


def _earned(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    """What one purchase or other event granted, by however many rules, is told at once."""
    granted = sorted(_entries(one, "earn"), key=lambda entry: (entry.occurred_at, entry.id))
    for at, found in groupby(granted, key=lambda entry: entry.occurred_at):
        entries = list(found)
        points = sum(entry.points for entry in entries)
        yield News(
            f"{rule.event}:{'|'.join(entry.id for entry in entries)}",
            at,
            {"points": points, "balance": one.sight.loyalty.balance},
            {"points": words.points(points), "balance": _balance(one)},
        )


def _redeemed(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    rewards = one.policy.loyalty.rewards if one.policy.loyalty else ()
    names = {reward.id: reward.text for reward in rewards}
    for entry in _entries(one, "redeem"):
        reward = str((entry.detail or {}).get("reward", ""))
        if reward:
            yield News(
                f"{rule.event}:{entry.id}",
                entry.occurred_at,
                {
                    "reward": reward,
                    "points": entry.points,
                    "balance": one.sight.loyalty.balance,
                    **_code(entry),
                },
                {
                    "reward": names.get(reward, Text(reward, reward)),
                    "points": words.points(entry.points),
                    "balance": _balance(one),
                },
            )


def _code(entry: Entry) -> Mapping[str, Json]:
    code = (entry.detail or {}).get("code")
    return {"code": code} if code else {}


def _entries(one: Comparison, kind: str) -> Iterator[Entry]:
    before = one.before
    for place, entry in one.sight.loyalty.entries:
        # What another record brings along was told of that one.
        is_told = before.ledger_by_time and entry.occurred_at <= before.at
        is_told = is_told or bool(brought_by(entry.id))
        if place > before.entry and entry.kind == kind and entry.points > 0 and not is_told:
            yield entry


def _balance(one: Comparison) -> Text:
    return words.points(one.sight.loyalty.balance)


def _expiring(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    """Points that die at the same instant are told of together."""
    warned = [
        (notice.ends, notice)
        for notice in one.sight.loyalty.notices
        if notice.kind == "points_expiring" and notice.ends and notice.at > one.before.at
    ]
    warned.sort(key=lambda pair: (pair[0], pair[1].key))
    for ends, found in groupby(warned, key=lambda pair: pair[0]):
        notices = [notice for _, notice in found]
        points = sum(notice.points for notice in notices)
        yield News(
            f"{rule.event}:{iso(ends)}",
            notices[0].at,
            {"points": points, "expires_at": iso(ends)},
            {"points": words.points(points), "day": _last_day(ends, one.policy)},
        )


def _crossing(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    before, now = one.before.scores.get(rule.score), one.sight.scores.get(rule.score)
    if before is None or now is None:
        return
    mark = rule.threshold
    crossed = before < mark <= now if rule.direction == "up" else before >= mark > now
    if crossed:
        yield News(
            f"{rule.event}:{rule.direction}:{iso(one.before.at)}",
            one.sight.now,
            {"score": now, "before": before, "threshold": mark, "name": rule.score},
            {"name": SCORES[rule.score], "score": number(now), "threshold": _mark(mark)},
        )


def _mark(value: float) -> Text:
    return number(int(value)) if value == int(value) else Text(f"{value:g}", f"{value:g}")


def _stage_entered(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    sight = one.sight
    if sight.stage == rule.stage != one.before.stage and sight.since and one.is_new(sight.since):
        yield _of_stage(f"{rule.event}:{rule.stage}:{iso(sight.since)}", sight.since, rule.stage)


def _stage_left(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    since = one.before.stage_since
    if one.before.stage == rule.stage != one.sight.stage and since:
        yield _of_stage(f"{rule.event}:{rule.stage}:{iso(since)}", one.sight.now, rule.stage)


def _of_stage(key: str, at: datetime, stage: str) -> News:
    return News(key, at, {"stage": stage}, {"stage": STAGES[stage]})


def _stay(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    """Also of a deal of which it comes out late that it has been there for long."""
    at, since = stay_told_at(rule, one.sight), one.sight.since
    if at is None or since is None or at > one.sight.now:
        return
    is_learned = one.before.known and one.before.stage != rule.stage
    if at > one.before.at or is_learned:
        yield News(
            f"{rule.event}:{rule.stage}:{rule.days}:{iso(since)}",
            at,
            {"stage": rule.stage, "days": rule.days, "since": iso(since)},
            {"stage": STAGES[rule.stage], "days": number(rule.days)},
        )


def _ending(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    """Also of a day that was moved so near that it should have been told already."""
    policy, sight = one.policy, one.sight
    told, day = (
        ending_told_at(rule, sight, policy.time_zone),
        last_day(rule, sight, policy.time_zone),
    )
    if told is None or day is None or not told[0] <= sight.now < told[1]:
        return
    moved = one.before.known and one.before.dates.get(rule.attribute) != sight.text(rule.attribute)
    if told[0] > one.before.at or moved:
        yield News(
            f"{rule.event}:{rule.attribute}:{rule.days}:{day.isoformat()}",
            told[0],
            {"day": day.isoformat(), "days": rule.days},
            {"day": date_name(day, policy.calendar), "days": number(rule.days)},
        )


def _dropped(one: Comparison, rule: AnnouncementRule) -> Iterator[News]:
    now = one.sight.card.satisfaction
    if now and fallen(one.before, one.sight, rule):
        peak = one.before.peaks[rule.id]
        yield News(
            f"{rule.event}:{iso(one.before.at)}",
            one.sight.now,
            {"before": round(peak, 1), "after": round(now.mean, 1)},
            {"before": number(round(peak)), "after": number(round(now.mean))},
        )


_FINDERS: Mapping[Occasion, Find] = {
    "tier_up": _tier,
    "tier_down": _tier,
    "tier_grace": _grace,
    "points_earned": _earned,
    "points_expiring": _expiring,
    "reward_redeemed": _redeemed,
    "score_crossing": _crossing,
    "stage_entered": _stage_entered,
    "stage_left": _stage_left,
    "days_in_stage": _stay,
    "trial_ending": _ending,
    "satisfaction_drop": _dropped,
}

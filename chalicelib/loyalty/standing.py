"""From a book and a course to how somebody stands, see ``chalicelib.core.standing``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from chalicelib.core.loyalty import Program
from chalicelib.core.model import Text
from chalicelib.core.standing import (
    WARNING,
    Expiring,
    Goal,
    MissionStanding,
    Standing,
    TierStanding,
    Upcoming,
)
from chalicelib.localization import loyalty as words
from chalicelib.localization.dates import date_name, day_name
from chalicelib.localization.numbers import number
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.course import Course
from chalicelib.loyalty.missions import Progress
from chalicelib.loyalty.rewards import worth
from chalicelib.loyalty.spans import TICK, day_of
from chalicelib.loyalty.tiers import TierCourse, Window

_LARGEST = 3


def standing(book: Book, course: Course, program: Program, now: datetime) -> Standing:
    """Of a book that was settled, and a course that has been advanced, to ``now``."""
    tier = _tier(course.tiers, program, now) if course.tiers and program.tiers else None
    missions = tuple(_mission(course, program, now))
    return Standing(
        at=now,
        points=book.available,
        pending=book.pending,
        debt=book.debt,
        value=worth(program, book.available),
        expiring=_expiring(book, program),
        tier=tier,
        missions=missions,
        upcoming=tuple(_upcoming(book, course, program, now)),
        earned=tuple(sorted(_earned(book))),
    )


def rated(standing: Standing, program: Program, score: float) -> Standing:
    """The same with the tier that a score is good for, where tiers go by scores."""
    rules = program.tiers
    if rules is None or rules.metric != "score":
        return standing
    course = TierCourse(rules, (), program.time_zone)
    course.score = Fraction(str(score))
    course.contributed(standing.at)
    return replace(standing, tier=_tier(course, program, standing.at))


def _earned(book: Book) -> Iterator[tuple[datetime, int]]:
    for key, points in book.granted.items():
        if points > 0:
            yield book.holdings[book.by_key[key][0]].lot.earned_at, points


def _expiring(book: Book, program: Program) -> Expiring | None:
    deaths = [(at, one.remaining) for one in book.holdings.values()
              if one.remaining and (at := book.dies_at(one))]  # fmt: skip
    if not deaths:
        return None
    first = min(at for at, _ in deaths)
    points = sum(remaining for at, remaining in deaths if at == first)
    return Expiring(points, first, words.expiring(points, _last_day(first, program)))


def _last_day(ends: datetime, program: Program) -> Text:
    """The last local day before an instant."""
    return date_name(day_of(ends - TICK, program.time_zone), program.calendar)


def _tier(course: TierCourse, program: Program, now: datetime) -> TierStanding:
    window = course.window(now)
    value = course.metric(window)
    goal = _next(course, program, value)
    return TierStanding(
        name=course.level.name,
        text=course.level.text,
        place=course.index,
        top=len(course.rules.levels) - 1,
        state=course.state,
        valid_until=course.valid_until,
        grace_until=course.grace_until,
        value=value,
        begins=window.after,
        ends=window.upto,
        largest=course.largest(window, _LARGEST),
        next=goal,
        keep=_keep(course, program, now),
        progress=_share(course, value, goal),
    )


def _next(course: TierCourse, program: Program, value: Fraction) -> Goal | None:
    if course.index + 1 == len(course.rules.levels):
        return None
    level = course.rules.levels[course.index + 1]
    missing = max(level.minimum - value, Fraction(0))
    told = words.to_next(_amount(missing, course, program), level.text)
    return Goal(level.name, missing, told)


def _keep(course: TierCourse, program: Program, now: datetime) -> Goal | None:
    """What the review will want; nothing while its window has not begun."""
    ends = course.grace_until if course.state == "grace" else course.valid_until
    if ends is None:
        return None
    window = _reviewed(course, ends, now)
    missing = course.level.minimum - course.metric(window)
    if missing <= 0 or window.after >= now:
        return None
    day = day_name(day_of(ends - TICK, program.time_zone), program.calendar)
    told = words.to_keep(_amount(missing, course, program), course.level.text, day)
    return Goal(course.level.name, missing, told, ends)


def _reviewed(course: TierCourse, ends: datetime, now: datetime) -> Window:
    if course.state == "grace":
        return Window(course.basis.after, now)
    reviewed = course.reviewed(ends)
    return Window(reviewed.after, min(reviewed.upto, now))


def _share(course: TierCourse, value: Fraction, goal: Goal | None) -> int:
    if goal is None:
        return 100
    wanted = course.rules.levels[course.index + 1].minimum
    return min(int(100 * value / wanted), 100) if wanted else 100


def _amount(missing: Fraction, course: TierCourse, program: Program) -> Text:
    """In the unit of the metric; whole units are rounded up, since less is not enough."""
    whole = -(-missing.numerator // missing.denominator)
    match course.rules.metric:
        case "points" | "purchase_points":
            return words.points(whole)
        case "spend":
            return words.amount(whole, program.currency)
        case "count":
            return words.purchases(whole)
        case "index" | "score":
            return words.index(float(missing))
        case _:
            return words.times(whole)


def _mission(course: Course, program: Program, now: datetime) -> Iterator[MissionStanding]:
    for mission in program.missions:
        if now in mission.window.dates:
            far = course.missions.progress(mission, now)
            yield MissionStanding(
                mission.id, far.value, far.target, far.ends, far.done, _told(far, program)
            )


def _told(far: Progress, program: Program) -> Text:
    if far.mission.sums:
        value, target = (words.amount(one, program.currency) for one in (far.value, far.target))
    else:
        value, target = number(min(far.value, far.target)), number(far.target)
    return words.mission(far.mission.text, value, target)


def _upcoming(book: Book, course: Course, program: Program, now: datetime) -> list[Upcoming]:
    found = {Upcoming(at, what) for at, what in _changes(book, course, program, now) if at > now}
    return sorted(found, key=lambda one: (one.at, one.what))


def _changes(
    book: Book, course: Course, program: Program, now: datetime
) -> Iterator[tuple[datetime, str]]:
    if at := course.next_at():
        yield at, "tier" if course.tiers and at == course.tiers.next_at else "fact"
    notify = timedelta(days=program.notify_days)
    for one in book.holdings.values():
        if one.remaining:
            yield one.lot.available_at, "points_available"
            if dies := book.dies_at(one):
                yield dies, "points_expire"
                yield dies - notify, WARNING
    if course.tiers and program.tiers:
        yield from _tier_changes(course.tiers, now)
    for mission in program.missions:
        dates = mission.window.dates
        yield from ((at, f"mission:{mission.id}") for at in (dates.begins, dates.ends) if at)
        far = course.missions.progress(mission, now)
        ends = far.ends or course.missions.leaves_at(mission, now)
        if ends and (far.value or far.done):
            yield ends, f"mission:{mission.id}"


def _tier_changes(tiers: TierCourse, now: datetime) -> Iterator[tuple[datetime, str]]:
    """The metric falls although the tier stays, and the next review begins to ask for something."""
    leaves_at = tiers.leaves_at(now)
    if leaves_at and leaves_at != tiers.next_at and tiers.metric(tiers.window(now)):
        yield leaves_at, "metric"
    if tiers.state == "active" and tiers.valid_until:
        yield tiers.reviewed(tiers.valid_until).after + TICK, "review"

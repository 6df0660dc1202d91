"""Points as single tokens, and a tier that is worked out anew at every instant.

Reads facts and the section ``loyalty`` as they stand on the page. Everything is looked through in
full whenever something is asked: slow, and with next to nothing to go wrong.
"""

from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

TEHRAN = ZoneInfo("Asia/Tehran")
FAR = datetime(9000, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def midnight(day):
    return datetime.combine(day, time.min, TEHRAN).astimezone(UTC)


def local_day(at):
    return at.astimezone(TEHRAN).date()


def period_bounds(at, period, calendar):
    """The first instant of the month or year that ``at`` lies in, and of the next."""
    return bounds_of_day(local_day(at), period, calendar)


@cache
def bounds_of_day(day, period, calendar):

    def key(one):
        told = JalaliDate(one) if calendar == "jalali" else one
        return (told.year,) if period == "year" else (told.year, told.month)

    first = last = day
    while key(first - timedelta(days=1)) == key(day):
        first -= timedelta(days=1)
    while key(last) == key(day):
        last += timedelta(days=1)
    return midnight(first), midnight(last)


def death(section, at):
    """None for what nobody knows yet, or never."""
    rule = section.get("expiry", {"kind": "days", "days": 365})
    kind, calendar = rule["kind"], rule.get("calendar", "jalali")
    if kind == "days":
        end = at + timedelta(days=rule["days"])
        exact = rule.get("round") == "exact"
        return end if exact else midnight(local_day(end) + timedelta(days=1))
    if kind in ("end_of_month", "end_of_year"):
        return period_bounds(at, kind.removeprefix("end_of_"), calendar)[1]
    return None


class NaiveWalk:
    """What the facts should have earned by ``now``, and the tier that is held then."""

    def __init__(self, rows, policies, joins, now):
        self.policies = policies
        self.earned = {}
        self.level, self.state, self.until, self.grace = 0, "active", None, None
        self.basis = (LONG_AGO, LONG_AGO)
        self.contributions = []
        self.bought = {}
        self.back = []
        self.awards = {}
        self.section = policies[0][1]
        steps = [(at, -1, "", "policy", section) for at, section in policies[1:]]
        steps += [(at, 3, tier, "join", (tier, until)) for at, tier, until in joins]
        steps += [(*head, row["type"], row) for head, row in sorted_rows(rows)]
        steps = sorted((one for one in steps if one[0] <= now), key=lambda one: one[:3])
        for at, _, _, kind, what in steps:
            self.pass_time(at)
            getattr(self, kind)(at, what)
        self.pass_time(now)

    # time

    def pass_time(self, now):
        while True:
            waiting = [one for one in self.contributions if not one["counts"]]
            first = min((one["available"] for one in waiting), default=FAR)
            due = min(first, self.tier_due() or FAR)
            if due > now:
                return
            if first <= due:
                one = min(waiting, key=lambda each: (each["available"], each["key"]))
                one["counts"] = True
                self.contributed(due)
            else:
                self.tier_time(due)

    def tier_due(self):
        rules = self.section.get("tiers")
        if rules is None:
            return None
        if self.validity_kind() != "none":
            return self.grace if self.state == "grace" else self.until
        if self.window_kind() == "year":
            return period_bounds(self.seen, "year", self.calendar())[1] if self.touched else None
        if self.window_kind() == "rolling":
            length = timedelta(days=rules["window"]["days"])
            later = [one["at"] + length for one in self.contributions]
            return min((at for at in later if at > self.seen), default=None)
        return None

    seen, touched = LONG_AGO, False

    def tier_time(self, at):
        self.seen = at
        if self.validity_kind() == "none":
            self.follow(at)
        elif self.state == "grace":
            self.fall(at)
        else:
            self.review(at)

    # the tier

    def rules(self):
        return self.section["tiers"]

    def window_kind(self):
        return self.rules().get("window", {"kind": "year"})["kind"]

    def calendar(self):
        return self.rules().get("window", {}).get("calendar", "jalali")

    def validity_kind(self):
        return self.rules().get("validity", {"kind": "end_of_next_period"})["kind"]

    def window(self, at):
        if self.window_kind() == "rolling":
            return at - timedelta(days=self.rules()["window"]["days"]), at
        if self.window_kind() == "year":
            return period_bounds(at, "year", self.calendar())[0] - TICK, at
        return LONG_AGO, at

    def reviewed(self, at):
        return self.window(at - TICK) if self.window_kind() == "year" else self.window(at)

    def metric(self, window):
        inside = [one for one in self.contributions if window[0] < one["at"] <= window[1]]
        if self.rules().get("metric") == "count":
            return sum(
                1
                for one in self.bought.values()
                if window[0] < one["at"] <= window[1] and one["net"]
            )
        return sum(self.earned[one["key"]]["points"] for one in inside if one["counts"])

    def worth(self, *windows):
        value = max(map(self.metric, windows))
        least = [level["at_least"] for level in self.rules()["levels"]]
        return max(index for index, one in enumerate(least) if value >= one)

    def validity(self, at):
        kind = self.validity_kind()
        if kind == "days":
            return at + timedelta(days=self.rules()["validity"]["days"])
        if kind == "none":
            return None
        end = period_bounds(at, "year", self.calendar())[1]
        return period_bounds(end, "year", self.calendar())[1] if "next" in kind else end

    def contributed(self, at):
        if "tiers" not in self.section:
            return
        self.seen, self.touched = at, True
        if self.validity_kind() == "none":
            self.follow(at)
            return
        window = self.window(at)
        worth = self.worth(window)
        if worth > self.level:
            self.move(worth, self.validity(at), window)
        elif self.level and worth == self.level:
            self.extend(at, window)
        elif self.level and self.state == "grace":
            wide = (self.basis[0], at)
            if self.worth(wide) >= self.level:
                self.extend(at, wide)

    def extend(self, at, window):
        until = self.validity(at)
        later = self.validity_kind() != "days" and self.until and until > self.until
        if self.state == "grace" or later:
            self.state, self.grace, self.until, self.basis = "active", None, until, window

    def review(self, at):
        window = self.reviewed(at)
        if self.worth(window) >= self.level:
            self.until, self.basis = self.validity(at), window
            return
        self.basis = window
        days = self.rules().get("grace_days", 30)
        if days:
            self.state, self.grace = "grace", at + timedelta(days=days)
        else:
            self.fall(at)

    def fall(self, at):
        to = self.level - 1
        if self.rules().get("downgrade") == "to_earned":
            to = min(self.worth(self.basis, self.window(at)), self.level)
        self.move(to, self.running(at), self.window(at))

    def running(self, at):
        if self.validity_kind() == "days":
            return self.validity(at)
        return period_bounds(at, "year", self.calendar())[1]

    def move(self, to, until, basis):
        self.level, self.state, self.grace = to, "active", None
        self.until, self.basis = (until if to else None), basis

    def follow(self, at):
        self.level, self.until = self.worth(self.window(at)), None
        self.state, self.grace = "active", None

    def policy(self, at, section):
        held = self.tier()
        self.section = section
        if "tiers" not in section:
            return
        names = [level["id"] for level in section["tiers"]["levels"]]
        if held in names:
            self.level = names.index(held)
        if self.level and self.until is None:
            self.until = self.validity(at)
        self.contributed(at)

    def join(self, at, what):
        tier, until = what
        names = [level["id"] for level in self.rules()["levels"]]
        place = names.index(tier) if tier in names else 0
        if place > self.level:
            self.move(place, until, self.window(at))
        elif place and place == self.level and until and self.until:
            self.until = max(self.until, until)
            if self.until > at:
                self.state, self.grace = "active", None
        self.contributed(at)

    def tier(self):
        return self.rules()["levels"][self.level]["id"] if "tiers" in self.section else None

    # what happens

    def activity(self, at, row):
        kind = row["data"]["kind"]
        source = f"{kind}:{row['id']}"
        for rule in self.section.get("earning", []):
            if rule["event"] == kind:
                same = [
                    one
                    for one in self.earned.values()
                    if one["rule"] == rule["id"] and local_day(one["at"]) == local_day(at)
                ]
                full = (
                    "max_per_day" in rule
                    and sum(one["used"] for one in same) >= rule["max_per_day"]
                )
                self.give(rule["id"], source, at, 0 if full else rule["points"], not full)
        self.contributed(at)

    def purchase(self, at, row):
        source = f"purchase:{row['id']}"
        bill = {"at": at, "row": row, "section": self.section, "priced": [], "missions": []}
        self.bought[row["id"]] = bill
        bill["net"] = self.net(row)
        for rule in self.section.get("earning", []):
            if rule["event"] == "purchase":
                by = self.factor()
                key = self.give(rule["id"], source, at, price(rule, bill["net"], by), True)
                bill["priced"].append((rule, key, by))
        for mission in self.section.get("missions", []):
            bill["missions"].append(mission["id"])
            self.serve(mission, at, source)
        self.contributed(at)

    def factor(self):
        product = Fraction(1)
        for one in self.section.get("multipliers", []):
            if self.tier() in one["tiers"]:
                product *= Fraction(str(one["factor"]))
        return product

    def net(self, row):
        back = sum(
            abs(one["data"]["amount"]["amount"])
            for one in self.back
            if one["data"]["purchase"] == row["id"]
        )
        return max(row["data"]["amount"]["amount"] - back, 0)

    def refund(self, at, row):
        self.back.append(row)
        bill = self.bought.get(row["data"]["purchase"])
        if bill is None:
            return
        supported = self.is_supported(at)
        bill["net"] = self.net(bill["row"])
        for rule, key, by in bill["priced"]:
            self.earned[key]["points"] = price(rule, bill["net"], by)
        for mission, award in list(self.awards.items()):
            if award and self.count(mission, award["window"]) < award["target"]:
                self.earned[award["key"]]["points"] = 0
                self.awards[mission] = None
        if "tiers" in self.section:
            self.seen = at
            if self.validity_kind() == "none":
                self.follow(at)
            elif (
                self.rules().get("immediate_downgrade") and supported and not self.is_supported(at)
            ):
                self.move(
                    self.worth(self.basis, self.window(at)), self.running(at), self.window(at)
                )

    def is_supported(self, at):
        if "tiers" not in self.section or not self.level:
            return False
        return self.worth(self.basis, self.window(at)) >= self.level

    def serve(self, mission, at, source):
        window = period_bounds(at, "month", "jalali")
        name = (mission["id"], window[0])
        if not self.awards.get(name) and self.count(name, window) >= mission["count"]:
            key = f"{local_day(window[0]).isoformat()}:{source}"
            key = self.give(mission["id"], key, at, mission["points"], True)
            self.awards[name] = {"key": key, "window": window, "target": mission["count"]}

    def count(self, name, window):
        return sum(
            1
            for bill in self.bought.values()
            if window[0] <= bill["at"] < window[1] and bill["net"] and name[0] in bill["missions"]
        )

    def give(self, rule, source, at, points, used):
        section, key = self.section, f"{rule}:{source}"
        available = at + timedelta(days=section.get("pending_days", 0))
        kind = section.get("expiry", {}).get("kind")
        self.earned[key] = {
            "rule": rule, "at": at, "points": points, "available": available, "used": used,
            "expires": death(section, at), "refunds": section.get("refunds", {}),
            "idle": section["expiry"]["days"] if kind == "inactivity" else None,
        }  # fmt: skip
        lifts = section.get("tiers", {}).get("pending_lifts", False)
        counts = available <= at or lifts or "tiers" not in section
        self.contributions.append({"key": key, "at": at, "available": available, "counts": counts})
        return key


def price(rule, net, by):
    step = Fraction(str(rule["per_amount"]["step"]))
    return int(net // step * rule["per_amount"].get("points", 10) * by)


def sorted_rows(rows):
    for row in rows:
        rank = {"purchase": 1, "refund": 2}.get(row["type"], 0)
        name = row["data"]["kind"] if row["type"] == "activity" else row["type"]
        yield (instant(row["occurred_at"]), rank, f"{name}:{row['id']}"), row


class NaiveLedger:
    """Every point is a token of its own, which is there, used, taken back or dead."""

    def __init__(self, policies):
        self.policies = policies
        self.rows = {}
        self.tokens = []
        self.lots = {}
        self.debt, self.debt_since, self.debt_told, self.debt_turn = 0, LONG_AGO, LONG_AGO, 0
        self.redeemed = {}
        self.cancelled = set()
        self.joins = []
        self.turn = 0
        self.refills = []
        self.lapsed = {}
        self.spent_at = []
        self.walk = None
        self.changes = None

    # questions

    def left(self, lot=None, state="there"):
        return [
            one
            for one in self.tokens
            if one["state"] == state and (lot is None or one["lot"] == lot)
        ]

    def is_open(self, lot):
        return self.lots[lot]["state"] == "open"

    @property
    def available(self):
        return max(sum(1 for one in self.left() if self.is_open(one["lot"])) - self.debt, 0)

    @property
    def pending(self):
        return sum(1 for one in self.left() if not self.is_open(one["lot"]))

    def remaining(self):
        found = {}
        for one in self.left():
            found[one["lot"]] = found.get(one["lot"], 0) + 1
        return found

    def granted(self, key):
        return sum(1 for one in self.tokens if one["key"] == key) - self.lots_taken.get(key, 0)

    @property
    def lots_taken(self):
        return self.__dict__.setdefault("_taken", {})

    def dies(self, lot):
        held = self.lots[lot]
        if held["idle"] is None:
            return held["expires"] or FAR
        end = held["at"] + timedelta(days=held["idle"])
        for at in sorted(self.doings()):
            if held["at"] <= at < end:
                end = max(end, at + timedelta(days=held["idle"]))
        return end

    def doings(self):
        keys = {one["key"] for one in self.tokens}
        grants = [
            self.first_lot(key)["at"] for key in keys if self.is_rule(key) and self.granted(key) > 0
        ]
        return [*grants, *self.spent_at]

    def is_rule(self, key):
        return not key.rpartition("/")[2].startswith(("adjust:", "redeem_cancel:"))

    def first_lot(self, key):
        return next(lot for lot in self.lots.values() if lot["key"] == key)

    # what is done

    def learn(self, rows, now):
        for row in rows:
            held = self.rows.get((row["type"], row["id"]))
            if held is None or instant(row["occurred_at"]) < instant(held["occurred_at"]):
                self.rows[row["type"], row["id"]] = row
        self.catch_up(now)

    def catch_up(self, now):
        self.walk = NaiveWalk(list(self.rows.values()), self.policies, self.joins, now)
        self.changes = None
        earned = self.walk.earned
        for key, one in sorted(earned.items(), key=lambda pair: (pair[1]["at"], pair[0])):
            missing = one["points"] - self.granted(key)
            if missing > 0:
                self.fill(key, missing, one)
        self.settle(now)
        keys = {one["key"] for one in self.tokens if self.is_rule(one["key"])}
        for key in sorted(keys, key=lambda name: (self.changed(name, now), name)):
            excess = self.granted(key) - earned.get(key, {"points": 0})["points"]
            if excess > 0:
                self.take_back(key, excess, earned.get(key), self.changed(key, now), now)
        self.settle(now)

    def changed(self, key, now):
        """When a refund last changed what it is worth."""
        one = self.walk.earned.get(key)
        if one is None:
            return now
        backs = [instant(row["occurred_at"]) for row in self.walk.back]
        return self.walk_changes().get(key, one["at"]) if backs else one["at"]

    def walk_changes(self):
        """By walking up to every refund and comparing."""
        if self.changes is not None:
            return self.changes
        found, before = {}, {}
        moments = sorted({instant(row["occurred_at"]) for row in self.rows.values()})
        last = max((instant(row["occurred_at"]) for row in self.walk.back), default=LONG_AGO)
        for at in moments:
            if at > last:
                break
            now = {
                key: one["points"]
                for key, one in NaiveWalk(
                    list(self.rows.values()), self.policies, self.joins, at
                ).earned.items()
            }
            found |= {
                key: at for key, points in now.items() if key in before and before[key] != points
            }
            before = now
        self.changes = found
        return found

    def fill(self, key, points, one, lot=None):
        lot = lot or next((name for name, held in self.lots.items() if held["key"] == key), key)
        self.turn += 1
        if lot not in self.lots:
            self.lots[lot] = {"key": key, "state": "waits", "at": one["at"], "available": one["available"],
                              "expires": one["expires"], "idle": one["idle"]}  # fmt: skip
        elif self.lots[lot]["state"] != "waits":
            self.refills.append((one["at"], lot))
        self.lots[lot]["filled"] = self.turn
        self.tokens += [{"lot": lot, "key": key, "state": "there"} for _ in range(points)]

    def settle(self, now):
        while True:
            coming = [
                (held["available"], 0, lot)
                for lot, held in self.lots.items()
                if held["state"] == "waits"
            ]
            coming += [(at, 0, lot) for at, lot in self.refills]
            coming += [
                (self.dies(lot), 1, lot)
                for lot, held in self.lots.items()
                if held["idle"] is None and held["state"] != "dead"
            ]
            coming = [one for one in coming if one[0] <= now]
            if not coming:
                break
            at, _, lot = min(coming)
            if (at, lot) in self.refills:
                self.refills.remove((at, lot))
            self.reach(at, lot)
        idle = [
            (self.dies(lot), lot) for lot, held in self.lots.items() if held["idle"] is not None
        ]
        for at, lot in sorted(idle):
            if at <= now:
                self.die(lot)
            elif self.lots[lot]["state"] == "dead":
                self.lots[lot]["state"] = "open"
                back = self.unasked(self.lots[lot]["key"])
                for one in self.left(lot, "dead")[:back]:
                    one["state"] = "there"

    def unasked(self, key):
        """How many tokens of a key are dead, less those that refunds were content with."""
        dead = sum(1 for one in self.left(state="dead") if one["key"] == key)
        return max(dead - self.lapsed.get(key, 0), 0)

    def reach(self, at, lot):
        held = self.lots[lot]
        if held["state"] == "dead" or at >= self.dies(lot):
            self.die(lot)
            return
        held["state"] = "open"
        is_new = held["filled"] > self.debt_turn or held["available"] > self.debt_told
        if is_new and self.dies(lot) > self.debt_since:
            for one in self.left(lot)[: self.debt]:
                one["state"] = "taken"
                self.debt -= 1

    def die(self, lot):
        self.lots[lot]["state"] = "dead"
        for one in self.left(lot):
            one["state"] = "dead"

    def in_order(self):
        there = [one for one in self.left() if self.is_open(one["lot"])]
        return sorted(
            there,
            key=lambda one: (
                self.lots[one["lot"]]["expires"] or FAR,
                self.lots[one["lot"]]["at"],
                one["lot"],
            ),
        )

    def take_back(self, key, points, earned, at, now):
        rules = (earned or {"refunds": self.policies[0][1].get("refunds", {})})["refunds"]
        self.turn += 1
        self.lots_taken[key] = self.lots_taken.get(key, 0) + points
        own = [one for lot in self.lots if self.lots[lot]["key"] == key for one in self.left(lot)]
        for one in own[:points]:
            one["state"] = "taken"
        points -= len(own[:points])
        dead = min(points, self.unasked(key))
        self.lapsed[key] = self.lapsed.get(key, 0) + dead
        points -= dead
        if rules.get("scope", "any") == "any":
            others = self.in_order()[:points]
            for one in others:
                one["state"] = "taken"
            points -= len(others)
        if points and rules.get("shortage", "debt") == "debt":
            self.turn += 1
            if not self.debt:
                self.debt_since, self.debt_told, self.debt_turn = at, now, self.turn
            self.debt += points

    def redeem(self, name, points, now):
        """True if it was done, now or before; None where the name stands for something else."""
        self.catch_up(now)
        if name in self.redeemed:
            return True if len(self.redeemed[name]) == points else None
        if points > self.available:
            return False
        self.turn += 1
        self.redeemed[name] = self.in_order()[:points]
        for one in self.redeemed[name]:
            one["state"] = "used"
        self.spent_at.append(now)
        return True

    def cancel(self, name, now, grace):
        self.catch_up(now)
        if name in self.cancelled:
            return
        self.cancelled.add(name)
        self.settle(now)
        back = self.redeemed[name]
        dead = [one for one in back if self.lots[one["lot"]]["state"] == "dead"]
        late = dead if grace else []
        self.turn += 1
        for one in back:
            if one not in late:
                one["state"] = "there"
                held = self.lots[one["lot"]]
                held["filled"] = self.turn
                if held["idle"] is None or held["state"] == "open":
                    self.refills.append((now, one["lot"]))
        if late:
            lot = f"redeem_cancel:{name}"
            dates = {
                "at": now,
                "available": now,
                "expires": now + timedelta(days=grace),
                "idle": None,
            }
            self.fill(lot, len(late), dates)
        self.settle(now)

    def adjust(self, name, points, section, now):
        self.catch_up(now)
        if -points > self.available:
            return False
        if points > 0:
            kind = section.get("expiry", {}).get("kind")
            idle = section["expiry"]["days"] if kind == "inactivity" else None
            dates = {"at": now, "available": now, "expires": death(section, now), "idle": idle}
            self.fill(f"adjust:{name}", points, dates)
        else:
            self.turn += 1
            for one in self.in_order()[:-points]:
                one["state"] = "used"
        self.settle(now)
        return True

    def absorb(self, other, name, now):
        """``other`` is up to date; what it has comes under names of its own."""
        joined = (now, other.walk.tier(), other.walk.until) if other.walk.tier() else None
        for lot, held in other.lots.items():
            by_hand = held["key"] == lot and not self.is_rule(lot)
            key = f"{name}/{lot}" if by_hand else held["key"]
            self.lots[f"{name}/{lot}"] = {
                **held,
                "key": key,
                "state": "waits",
                "filled": self.turn + held["filled"],
            }
            for one in other.tokens:
                if one["lot"] == lot:
                    one["lot"], one["key"] = f"{name}/{lot}", key
                    self.tokens.append(one)
        for key, points in other.lapsed.items():
            self.lapsed[key] = self.lapsed.get(key, 0) + points
        for key, points in other.lots_taken.items():
            self.lots_taken[key] = self.lots_taken.get(key, 0) + points
        if other.debt and not self.debt:
            self.debt_since, self.debt_told = other.debt_since, other.debt_told
            self.debt_turn = self.turn + other.debt_turn
        self.debt += other.debt
        self.turn += other.turn + 1
        self.spent_at += other.spent_at
        self.redeemed |= {f"{name}/{one}": tokens for one, tokens in other.redeemed.items()}
        self.cancelled |= {f"{name}/{one}" for one in other.cancelled}
        self.rows |= {key: row for key, row in other.rows.items() if key not in self.rows}
        if joined:
            self.joins.append(joined)
        self.catch_up(now)

"""Points as single tokens: what somebody has of what the facts earned, and spends of it.

Everything is looked through in full whenever something is asked: slow, and with next to nothing to
go wrong. What the facts earn is the business of ``tests.oracle.programme``.
"""

from datetime import timedelta

from tests.oracle.happened import FAR, IRAN, LONG_AGO, death, instant
from tests.oracle.programme import NaiveWalk

YEAR = {"kind": "days", "days": 365}


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
        return self.walk_changes().get(key, one["at"]) if self.walk.back else one["at"]

    def walk_changes(self):
        """By walking up to every refund and comparing."""
        if self.changes is not None:
            return self.changes
        found, before = {}, {}
        moments = sorted({instant(row["occurred_at"]) for row in self.rows.values()})
        last = max((one["at"] for one in self.walk.back), default=LONG_AGO)
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
            rule = section.get("expiry", YEAR)
            idle = rule["days"] if rule["kind"] == "inactivity" else None
            dates = {"at": now, "available": now, "expires": death(rule, now, IRAN), "idle": idle}
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

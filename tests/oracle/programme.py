"""A loyalty programme, step by step: what facts should have earned, and the tier that is held.

Reads facts and the section ``loyalty`` as they stand on the page. Everything is looked through in
full whenever something is asked: slow, and with next to nothing to go wrong.
"""

from datetime import timedelta
from fractions import Fraction

from tests.oracle.happened import DAY, FAR, IRAN, LONG_AGO, TICK, day_named, death, exact, happened
from tests.oracle.happenings import matches
from tests.oracle.purchases import what_is_left

PARTS = ["tax", "delivery", "gift_cards"]


class NaiveWalk:
    """What the facts should have earned by ``now``, and the tier that is held then.

    ``policies`` are pairs of an instant and the section from then on, ``joins`` instants with the
    tier that a merge brought along and until when that is valid.
    """

    def __init__(self, rows, policies, joins, now, place=IRAN):
        self.place, self.policies = place, policies
        self.earned = {}
        self.level, self.state, self.until, self.grace = 0, "active", None, None
        self.basis = (LONG_AGO, LONG_AGO)
        self.contributions = []
        self.did = []
        self.used = []
        self.bought = {}
        self.back = []
        self.deeds = {}
        self.awards = []
        self.done = {}
        self.section = policies[0][1]
        steps = [(at, -1, "", "policy", section) for at, section in policies[1:]]
        steps += [(at, 3, tier, "join", (tier, until)) for at, tier, until in joins]
        steps += [(one["at"], one["rank"], one["source"], "happen", one)
                  for one in happened(rows, place)]  # fmt: skip
        steps = sorted((one for one in steps if one[0] <= now), key=lambda one: one[:3])
        for at, _, _, kind, what in steps:
            self.pass_time(at)
            getattr(self, kind)(at, what)
        self.pass_time(now)

    # time

    def pass_time(self, now):
        """Points that become available, reviews and ends of graces; a tier follows its window."""
        while True:
            waiting = [one for one in self.contributions if not one["counts"]]
            first = min((one["available"] for one in waiting), default=FAR)
            due = min(first, self.tier_due() or FAR)
            if due > now:
                break
            if first <= due:
                one = min(waiting, key=lambda each: (each["available"], each["key"]))
                one["counts"] = True
                self.contributed(due)
            elif self.state == "grace":
                self.fall(due)
            else:
                self.review(due)
        if "tiers" in self.section and self.validity_kind() == "none":
            self.follow(now)

    def tier_due(self):
        if "tiers" not in self.section or self.validity_kind() == "none":
            return None
        return self.grace if self.state == "grace" else self.until

    # the tier

    def rules(self):
        return self.section["tiers"]

    def metric_name(self):
        return self.rules().get("metric", "points")

    def window_kind(self):
        return self.rules().get("window", {"kind": "year"})["kind"]

    def year(self, at):
        return self.place.bounds(at, "year", self.rules().get("window", {}).get("calendar"))

    def validity_kind(self):
        if self.metric_name() == "score":
            return "none"
        return self.rules().get("validity", {"kind": "end_of_next_period"})["kind"]

    def window(self, at):
        """After the first instant, up to the second."""
        if self.window_kind() == "rolling":
            return at - timedelta(days=self.rules()["window"]["days"]), at
        if self.window_kind() == "year":
            return self.year(at)[0] - TICK, at
        return LONG_AGO, at

    def reviewed(self, at):
        return self.window(at - TICK) if self.window_kind() == "year" else self.window(at)

    def measures(self):
        names = {"index": [part["of"] for part in self.rules().get("index", [])], "score": []}
        return names.get(self.metric_name(), [self.metric_name()])

    def parts(self, measure):
        """Triples of a key, an instant and so much of what is measured."""
        if measure in ("points", "purchase_points"):
            return [
                (one["key"], one["at"], self.earned[one["key"]]["points"] if one["counts"] else 0)
                for one in self.contributions
                if measure == "points" or one["is_bought"]
            ]
        if measure in ("spend", "count"):
            return [
                (bill["source"], bill["at"],
                 self.spend(bill) if measure == "spend" else int(bill["net"] > 0))
                for bill in self.bought.values()
            ]  # fmt: skip
        return [(one["source"], one["at"], one["count"]) for one in self.did
                if one["kind"] == measure]  # fmt: skip

    def total(self, measure, window):
        return sum(value for _, at, value in self.parts(measure) if window[0] < at <= window[1])

    def unit(self, measure):
        """Of money, whole units stand on the page."""
        return self.place.unit if measure == "spend" else 1

    def metric(self, window):
        if self.metric_name() == "score":
            return 0
        if self.metric_name() != "index":
            return self.total(self.metric_name(), window)
        shares = [
            exact(part["weight"]) * 100 * min(
                1, self.total(part["of"], window) / (exact(part["target"]) * self.unit(part["of"]))
            )
            for part in self.rules()["index"]
        ]  # fmt: skip
        return sum(shares)

    def least(self):
        unit = self.unit(self.metric_name())
        return [exact(level["at_least"]) * unit for level in self.rules()["levels"]]

    def worth(self, *windows):
        value = max(map(self.metric, windows))
        return max(index for index, least in enumerate(self.least()) if value >= least)

    def validity(self, at):
        kind = self.validity_kind()
        if kind == "days":
            return at + timedelta(days=self.rules()["validity"]["days"])
        if kind == "none":
            return None
        end = self.year(at)[1]
        return self.year(end)[1] if "next" in kind else end

    def contributed(self, at):
        if "tiers" not in self.section:
            return
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
        return self.validity(at) if self.validity_kind() == "days" else self.year(at)[1]

    def move(self, to, until, basis):
        self.level, self.state, self.grace = to, "active", None
        self.until, self.basis = (until if to else None), basis

    def follow(self, at):
        """Validity none: at every instant what the window is good for."""
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
        else:
            self.level = self.worth(self.window(at))
            self.state, self.until = "active", None
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

    def happen(self, at, one):
        if one["kind"] == "refund":
            self.refund(at, one)
            return
        if one["kind"] == "purchase":
            self.buy(at, one)
        else:
            for rule in self.rules_for(one):
                times = self.room(rule, at, one["count"])
                self.give(rule, one["source"], at, times * rule["points"])
            self.did.append(one)
        for mission in self.section.get("missions", []):
            if mission["event"] == one["kind"] and matches(one["said"], mission.get("where", {})):
                self.serve(mission, at, one)
        self.contributed(at)

    def rules_for(self, one):
        return [
            rule
            for rule in self.section.get("earning", [])
            if rule["event"] == one["kind"]
            and self.place.is_in(one["at"], rule)
            and matches(one["said"], rule.get("where", {}))
        ]

    def room(self, rule, at, count):
        """How many of so many still count; from then on they are used up."""
        mine = [(on, times) for name, on, times in self.used if name == rule["id"]]
        if "max_per_day" in rule:
            of_day = sum(times for on, times in mine if on == self.place.day(at))
            count = min(count, max(rule["max_per_day"] - of_day, 0))
        if "max_total" in rule:
            count = min(count, max(rule["max_total"] - sum(times for _, times in mine), 0))
        if "max_per_day" in rule or "max_total" in rule:
            self.used.append((rule["id"], self.place.day(at), count))
        return count

    def buy(self, at, one):
        bill = one | {"section": self.section, "priced": [], "flat": []}
        self.bought[one["id"]] = bill
        bill["net"] = self.net(bill)
        for rule in self.rules_for(one):
            if "per_amount" in rule:
                by = self.factor(rule, one)
                key = self.give(rule, one["source"], at, self.price(rule, bill, by))
                bill["priced"].append((rule, key, by))
            else:
                times = self.room(rule, at, 1) if bill["net"] else 0
                bill["flat"].append(self.give(rule, one["source"], at, times * rule["points"]))

    def factor(self, rule, one):
        """Each line with its own product, weighed by its amount."""
        of_amount = [each["id"] for each in self.section["earning"] if "per_amount" in each]
        asked = [
            each
            for each in self.section.get("multipliers", [])
            if rule["id"] in each.get("rules", of_amount)
            and self.place.is_in(one["at"], each)
            and ("tiers" not in each or self.tier() in each["tiers"])
        ]
        mean = Fraction(0)
        for said, weight in one["lines"]:
            product = Fraction(weight, sum(weight for _, weight in one["lines"]))
            for each in asked:
                product *= exact(each["factor"]) if matches(said, each.get("where", {})) else 1
            mean += product
        return mean

    def backs_of(self, bill):
        return [one["data"] for one in self.back if one["data"].get("purchase") == bill["id"]]

    def net(self, bill):
        return max(what_is_left(bill["data"], self.backs_of(bill)), 0)

    def is_known(self, bill):
        """Whether it is in the currency of the programme."""
        worth = bill["data"].get("value") or bill["data"]["amount"]
        return worth["currency"] == self.place.currency

    def spend(self, bill):
        return bill["net"] if self.is_known(bill) else 0

    def price(self, rule, bill, by):
        """Points for what is left of a bill without what earns nothing."""
        amount = self.spend(bill)
        for name in (*bill["section"].get("excluded", PARTS), "paid_with_points"):
            part = self.part(name, bill["data"])
            back = sum(self.part(name, one) for one in self.backs_of(bill))
            amount -= max(part - back, 0)
        step, points = exact(rule["per_amount"]["step"]), rule["per_amount"].get("points", 10)
        steps = Fraction(max(amount, 0), round(step * self.place.unit))
        if rule["per_amount"].get("rounding") == "linear_floor":
            return int(int(steps * points) * by)
        return int(int(steps) * points * by)

    def part(self, name, data):
        """What a bill, or a refund, says of a part of it, in the currency of the programme."""
        if name not in data:
            return 0
        money, paid, worth = data[name], data["amount"], data.get("value") or data["amount"]
        if money["currency"] == self.place.currency:
            return abs(money["amount"])
        if money["currency"] != paid["currency"] or not paid["amount"]:
            return 0
        return abs(money["amount"] * worth["amount"]) // abs(paid["amount"])

    def refund(self, at, one):
        self.back.append(one)
        bill = self.bought.get(one["data"].get("purchase"))
        if bill is None:
            return
        supported = self.is_supported(at)
        self.take_back(bill)
        if "tiers" not in self.section:
            return
        if self.validity_kind() == "none":
            self.follow(at)
        elif self.rules().get("immediate_downgrade") and supported and not self.is_supported(at):
            to = self.worth(self.basis, self.window(at))
            self.move(to, self.running(at), self.window(at))

    def take_back(self, bill):
        bill["net"] = self.net(bill)
        for rule, key, by in bill["priced"]:
            self.earned[key]["points"] = self.price(rule, bill, by)
        for key in bill["flat"] if not bill["net"] else []:
            self.earned[key]["points"] = 0
        for deed in [deed for deeds in self.deeds.values() for deed in deeds]:
            if deed["source"] == bill["source"]:
                self.undo(deed, bill)

    def is_supported(self, at):
        if "tiers" not in self.section or not self.level:
            return False
        return self.worth(self.basis, self.window(at)) >= self.level

    def give(self, rule, source, at, points):
        section, key = self.section, f"{rule['id']}:{source}"
        pending = section.get("pending_days", 0)
        available = at + timedelta(days=rule.get("pending_days", pending))
        expiry = rule.get("expiry") or section.get("expiry", {"kind": "days", "days": 365})
        self.earned[key] = {
            "rule": rule["id"], "at": at, "points": points, "available": available,
            "expires": death(expiry, at, self.place), "refunds": section.get("refunds", {}),
            "idle": expiry["days"] if expiry["kind"] == "inactivity" else None,
        }  # fmt: skip
        lifts = section.get("tiers", {}).get("pending_lifts", False)
        if rule.get("qualifies", True):
            counts = available <= at or lifts or "tiers" not in section
            self.contributions.append({
                "key": key, "at": at, "available": available, "counts": counts,
                "is_bought": source.startswith("purchase:"),
            })  # fmt: skip
        return key

    # missions

    def mission_window(self, mission, at):
        """Name, and the stretch after the first instant up to the second; None outside of dates."""
        window = mission.get("window", {"period": "month"})
        if not self.place.is_in(at, window):
            return None
        if "days" in window:
            return "rolling", at - timedelta(days=window["days"]), at
        if "period" in window:
            start, end = self.place.bounds(at, window["period"], window.get("calendar"))
            return self.place.day(start).isoformat(), start - TICK, end - TICK
        first = self.place.midnight(day_named(window["from"])) if "from" in window else None
        after = first - TICK if first else LONG_AGO
        if "until" not in window:
            return "campaign", after, FAR
        return "campaign", after, self.place.midnight(day_named(window["until"]) + DAY) - TICK

    def deeds_in(self, mission, after, upto):
        deeds = self.deeds.get(mission["id"], [])
        return sum(deed["value"] for deed in deeds if after < deed["at"] <= upto)

    def target(self, mission):
        return (
            round(exact(mission["sum"]) * self.place.unit) if "sum" in mission else mission["count"]
        )

    def serve(self, mission, at, one):
        window = self.mission_window(mission, at)
        if window is None:
            return
        value = self.value_of(mission, self.bought[one["id"]]) if one["rank"] else one["count"]
        deed = {"mission": mission, "at": at, "source": one["source"], "value": value}
        self.deeds.setdefault(mission["id"], []).append(deed)
        if mission.get("streak", 1) > 1:
            self.serve_streak(mission, at, one, window)
            return
        name, after, _ = window
        given = self.awards_of(mission, name)
        if name == "rolling":
            given = [award for award in given if award["at"] > after]
            if given and not mission.get("once_per_window", True):
                # What an award was for serves for no other.
                after, given = given[-1]["at"], []
        times = self.deeds_in(mission, after, at) // self.target(mission)
        times = min(times, 1) if mission.get("once_per_window", True) else times
        for number in range(1, times - len(given) + 1):
            self.award(mission, at, one, name, number=number, after=after)

    def value_of(self, mission, bill):
        return self.spend(bill) if "sum" in mission else int(bill["net"] > 0)

    def awards_of(self, mission, name):
        return [one for one in self.awards
                if one["mission"] == mission["id"] and one["name"] == name]  # fmt: skip

    def award(self, mission, at, one, name, number=1, after=None, part_of=()):
        again = f":{number}" if number > 1 else ""
        rule = {name: mission[name] for name in ("id", "expiry", "qualifies") if name in mission}
        key = self.give(rule, f"{name}:{one['source']}{again}", at, mission["points"])
        self.awards.append({"mission": mission["id"], "name": name, "at": at, "key": key,
                            "number": number, "after": after, "part_of": part_of})  # fmt: skip

    def serve_streak(self, mission, at, one, window):
        name, after, _ = window
        done = self.done.setdefault(mission["id"], [])
        if name in done or self.deeds_in(mission, after, at) < self.target(mission):
            return
        done.append(name)
        names = self.names_back(mission, at, mission["streak"])
        if all(name in done and not self.is_used(mission, name) for name in names):
            self.award(mission, at, one, name, part_of=names)

    def names_back(self, mission, at, count):
        names = []
        for _ in range(count):
            name, after, _ = self.mission_window(mission, at)
            names, at = [*names, name], after
        return names

    def is_used(self, mission, name):
        return any(name in one["part_of"] for one in self.awards if one["mission"] == mission["id"])

    def undo(self, deed, bill):
        """What a refund takes back of one deed, and of the awards that it was for."""
        mission, before = deed["mission"], deed["value"]
        deed["value"] = self.value_of(mission, bill)
        if deed["value"] == before or not mission.get("reverse_on_refund", True):
            return
        name, after, upto = self.mission_window(mission, deed["at"])
        good_for = self.deeds_in(mission, after, upto) // self.target(mission)
        lost = self.awards_of(mission, name)[good_for:]
        if mission.get("streak", 1) > 1:
            lost = []
            if not good_for:
                self.done[mission["id"]] = [one for one in self.done[mission["id"]] if one != name]
                mine = [one for one in self.awards if one["mission"] == mission["id"]]
                lost = [one for one in mine if name in one["part_of"]]
        elif name == "rolling":
            lost = [one for one in self.awards_of(mission, name)
                    if one["after"] < deed["at"] <= one["at"] and not self.is_full(mission, one)]  # fmt: skip
        for one in lost:
            self.earned[one["key"]]["points"] = 0
            self.awards.remove(one)

    def is_full(self, mission, award):
        total = self.deeds_in(mission, award["after"], award["at"])
        return total >= award["number"] * self.target(mission)

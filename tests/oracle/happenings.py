"""The naive reading of conditions on what happened and on days: by lists, loops and fractions.

``naive_verdict(condition, story, now)`` says yes, no or unknown. A story is a mapping from the name
of what happened to rows ``{"at", "count", "attributes"}``; purchases have their amount in major
units among the attributes. Nothing of the product is used.
"""

from datetime import date, datetime, timedelta
from fractions import Fraction

YES, NO, UNKNOWN = "yes", "no", "unknown"


def naive_verdict(condition, story, now):
    for form, judge in JUDGES.items():
        if form in condition:
            answer = judge(condition, story, now)
            if answer == UNKNOWN and "when_missing" in condition:
                return YES if condition["when_missing"] else NO
            return answer
    raise AssertionError(condition)


def rows_of(name, condition, story, now):
    found = []
    for row in story.get(name, []):
        if row["at"] > now:
            continue
        if "this" in condition and not in_period(row["at"], condition, story, now):
            continue
        if "within_days" in condition and now - row["at"] >= timedelta(condition["within_days"]):
            continue
        if not matches(row["attributes"], condition.get("where", {})):
            continue
        found.append(row)
    return found


def in_period(at, condition, story, now):
    """``story["period"]`` names the week, month, quarter or year of an instant."""
    if "this" not in condition:
        return True
    return story["period"](at, condition["this"]) == story["period"](now, condition["this"])


def matches(attributes, where):
    for name, wanted in where.items():
        value = attributes.get(name)
        values = value if isinstance(value, list) else [value]
        if not [one for one in values if is_wanted(one, wanted)]:
            return False
    return True


def is_wanted(value, wanted):
    if value is None:
        return False
    if not isinstance(wanted, dict):
        return value in (wanted if isinstance(wanted, list) else [wanted])
    for word, operand in wanted.items():
        if word == "contains" and operand not in str(value):
            return False
        if word == "at_least" and Fraction(str(value)) < Fraction(str(operand)):
            return False
    return True


def within(condition, amount):
    if "between" in condition:
        low, high = condition["between"]
        if not Fraction(str(low)) <= amount <= Fraction(str(high)):
            return NO
    if "at_least" in condition and amount < Fraction(str(condition["at_least"])):
        return NO
    if "at_most" in condition and amount > Fraction(str(condition["at_most"])):
        return NO
    if "equals" in condition and amount != Fraction(str(condition["equals"])):
        return NO
    return YES


def count(condition, story, now):
    rows = rows_of(condition["count"], condition, story, now)
    return within(condition, sum(row["count"] for row in rows))


def total(condition, story, now):
    amount = Fraction(0)
    for row in rows_of(condition["sum"], condition, story, now):
        value = row["attributes"].get(condition.get("of", "amount"))
        if value is not None:
            amount += Fraction(str(value)) * row["count"]
    return within(condition, amount)


def average(condition, story, now):
    values = []
    for row in rows_of(condition["average"], condition, story, now):
        value = row["attributes"].get(condition.get("of", "amount"))
        if value is not None:
            values += [Fraction(str(value))] * row["count"]
    if len(values) < condition.get("fewest", 1):
        return UNKNOWN
    return within(condition, sum(values) / len(values))


def ratio(condition, story, now):
    over = sum(row["count"] for row in rows_of(condition["ratio"], condition, story, now))
    under = sum(row["count"] for row in rows_of(condition["to"], condition, story, now))
    if under < condition.get("fewest", 1):
        return UNKNOWN
    return within(condition, Fraction(over, under))


def first_or_last(choose, name):
    def judge(condition, story, now):
        everything = {key: value for key, value in condition.items() if key != "within_days"}
        times = [row["at"] for row in rows_of(condition[name], everything, story, now)]
        if not times:
            return UNKNOWN
        age = now - choose(times)
        if "within_days" in condition:
            return YES if age < timedelta(condition["within_days"]) else NO
        return YES if age >= timedelta(condition["longer_ago_days"]) else NO

    return judge


def sequence(condition, story, now):
    """Every way to pick one row per step."""
    steps = []
    for step in condition["sequence"]:
        name, where = (
            (step["event"], step.get("where", {})) if isinstance(step, dict) else (step, {})
        )
        steps.append([row["at"] for row in rows_of(name, {"where": where}, story, now)])
    chains = [[at] for at in steps[0]]
    for times in steps[1:]:
        chains = [[*chain, at] for chain in chains for at in times if at > chain[-1]]
    for chain in chains:
        fits = "span_days" not in condition or chain[-1] - chain[0] <= timedelta(
            condition["span_days"]
        )
        recent = "within_days" not in condition or now - chain[-1] < timedelta(
            condition["within_days"]
        )
        if fits and recent and in_period(chain[-1], condition, story, now):
            return YES
    return NO


def day(condition, story, now):
    """Of an attribute that holds a day; the story has it under ``attributes``, days are UTC's."""
    text = story["attributes"].get(condition["attribute"])
    if text is None:
        return UNKNOWN
    on = datetime.fromisoformat(text).date()
    today = date(now.year, now.month, now.day)
    distance = on.toordinal() - today.toordinal()
    answers = []
    if "in_next_days" in condition:
        answers.append(distance in range(condition["in_next_days"] + 1))
    if "in_last_days" in condition:
        answers.append(-distance in range(condition["in_last_days"] + 1))
    if "longer_ago_days" in condition:
        answers.append(-distance > condition["longer_ago_days"])
    return YES if all(answers) else NO


JUDGES = {
    "count": count,
    "sum": total,
    "average": average,
    "ratio": ratio,
    "first": first_or_last(min, "first"),
    "last": first_or_last(max, "last"),
    "sequence": sequence,
    "attribute": day,
}

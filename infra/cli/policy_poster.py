"""A policy as a page for the wall: what is on it, in one language, ready to be drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.core.funnel import STAGES
from chalicelib.core.model import Language, Text
from chalicelib.core.outputs import OUTPUTS, RFM_SEGMENTS
from chalicelib.localization.numbers import persian
from chalicelib.scoring.models import load
from chalicelib.scoring.models.rfm import SEGMENTS

Page = Mapping[str, Any]
Paper = Literal["a4", "a3"]

_WORDS: Mapping[str, Text] = {
    "title": Text("How we score", "چگونه امتیاز می‌دهیم"),
    "version": Text("version", "نسخهٔ"),
    "lead": Text("Lead score: everybody", "امتیاز سرنخ: برای همه"),
    "lead_how": Text(
        "The points of all groups together, 0 to 100.", "جمع امتیاز همهٔ گروه‌ها، از ۰ تا ۱۰۰."
    ),
    "customer": Text("Customer score: whoever has bought", "امتیاز مشتری: برای خریداران"),
    "customer_how": Text("The mean of these parts by weight.", "میانگین وزنی این بخش‌ها."),
    "most": Text("at most", "حداکثر"),
    "share": Text("weighs", "وزن"),
    "halves": Text("halves in {0} days", "در {0} روز نصف می‌شود"),
    "fades": Text("How points fade", "امتیازها چگونه کم می‌شوند"),
    "days": Text("days", "روز"),
    "left": Text("left", "مانده"),
    "grade": Text("Grade", "درجه"),
    "fit": Text("Fit", "تناسب"),
    "engagement": Text("Engagement", "تعامل"),
    "from": Text("from", "از"),
    "else": Text("below", "پایین‌تر"),
    "temperature": Text("Temperature of leads", "دمای سرنخ‌ها"),
    "class": Text("Class of customers", "کلاس مشتریان"),
    "value_shares": Text(
        "A makes the first {0} of all value, B the rest up to {1}.",
        "A سازندهٔ {0} نخست کل ارزش است و B باقی آن تا {1}.",
    ),
    "map": Text("Map of customers", "نقشهٔ مشتریان"),
    "lately": Text("how lately they bought →", "تازگی خرید ←"),
    "often": Text("how often →", "تعداد خرید ←"),
    "actions": Text("What we do", "چه می‌کنیم"),
    "tags": Text("Tags", "برچسب‌ها"),
    "everybody": Text("everybody else", "همهٔ دیگران"),
    "within": Text("within {0} days", "تا {0} روز"),
    "times": Text("times", "برابرِ"),
    "grade_letter": Text("grade", "درجهٔ"),
    "class_letter": Text("class", "کلاس"),
    "rules": Text("rules", "قاعده"),
}

_MODELS: Mapping[str, Text] = {
    "fit": Text("who they are", "کیستند"),
    "engagement": Text("what they do", "چه می‌کنند"),
    "behaviour": Text("how they behave", "رفتارشان"),
    "rfm": Text("how lately, how often and for how much they buy", "تازگی، تعداد و مبلغ خرید"),
    "value": Text("what they are worth", "ارزش مشتری"),
    "satisfaction": Text("how satisfied they are", "رضایت"),
    "roll_up": Text("the scores of their people", "امتیاز افراد شرکت"),
}

_CHOICES: Mapping[str, Mapping[str, Text]] = {
    row.name: {choice.value: choice.label for choice in row.choices} for row in OUTPUTS
}


@dataclass(frozen=True, slots=True)
class Speech:
    """Words and numbers of one language."""

    language: Language

    def __call__(self, word: str, *values: object) -> str:
        return self.of(_WORDS[word]).format(*map(self.number, values))

    def of(self, text: Text) -> str:
        return text.in_language(self.language)

    def number(self, value: object) -> str:
        told = f"{value:g}" if isinstance(value, int | float) else str(value)
        return persian(told) if self.language == "fa" else told.replace("-", "−")

    def signed(self, value: float) -> str:
        sign = "+" if value > 0 else "−" if value < 0 else ""
        return sign + self.number(abs(value))

    def percent(self, share: float) -> str:
        told = self.number(round(100 * share, 1))
        return f"٪{told}" if self.language == "fa" else f"{told} %"

    def apart(self, text: str) -> str:
        """In its own direction, whatever stands around it."""
        return f"\u2067{text}\u2069" if self.language == "fa" else text

    def said(self, row: Page) -> str:
        return str(row[self.language])


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: ``width`` is its bar in parts of 100, as long as the largest of the page."""

    text: str
    points: str
    width: float
    is_gain: bool
    note: str


@dataclass(frozen=True, slots=True)
class Block:
    """A group or component, with as many rules as there is room for."""

    title: str
    subtitle: str
    weight: str
    lines: Sequence[Line]
    more: str


@dataclass(frozen=True, slots=True)
class Curve:
    """``path`` is that of an SVG, in a picture of 300 by 130."""

    path: str
    label: str
    label_x: float
    label_y: float
    tone: int


@dataclass(frozen=True, slots=True)
class BandPart:
    """``share`` of the scale, in parts of 100."""

    name: str
    share: float
    start: str
    tone: int


@dataclass(frozen=True, slots=True)
class Cell:
    name: str
    x: int
    y: int
    tone: int


@dataclass(frozen=True, slots=True)
class Advice:
    whom: Sequence[str]
    what: str
    note: str


@dataclass(frozen=True, slots=True)
class Poster:
    """All that the template draws."""

    title: str
    version: str
    direction: Literal["ltr", "rtl"]
    language: Language
    paper: Paper
    say: Speech
    lead: Sequence[Block]
    customer: Sequence[Block]
    curves: Sequence[Curve]
    ticks: Sequence[tuple[float, str]]
    letters: Sequence[tuple[str, str]]
    digits: Sequence[tuple[str, str]]
    temperatures: Sequence[BandPart]
    classes: Sequence[BandPart]
    value_shares: str
    cells: Sequence[Cell]
    actions: Sequence[Advice]
    tags: Sequence[Advice]

    @property
    def points(self) -> float:
        """The size of the letters, so that the highest of the three columns fits."""
        curves = 21 if self.curves else 0
        lead, customer = (sum(map(_height, column)) for column in (self.lead, self.customer))
        rows = [*self.actions, *self.tags]
        advice = sum(map(_rows, rows)) + (25 if self.cells else 0)
        height = max(lead + curves + 8, customer + 50, advice + 8)
        scale = 1.0 if self.paper == "a3" else 0.7
        return round(scale * min(_LARGEST, _ROOM / height), 2)


def _height(block: Block) -> float:
    """In letters' sizes, as the others here; a line has room for about 42 letters."""
    return 3.2 + sum(0.3 + 1.4 * _wrapped(line.text + line.note, 42) for line in block.lines)


def _rows(advice: Advice) -> float:
    chips = _wrapped("".join(f"{one}___" for one in advice.whom), 20)
    return 0.6 + 1.5 * max(chips, _wrapped(advice.what + advice.note, 30))


def _wrapped(text: str, width: int) -> int:
    return max(1, -(-len(text) // width))


_ROOM, _LARGEST = 750, 11
"""Points from the top of A3 to its bottom, and of the largest letters."""

MOST_RULES = 14
"""Of one group: what does not fit on one page is counted."""

_WIDTH, _HEIGHT = 300, 130


def poster(page: Page, version: str, language: Language, paper: Paper) -> Poster:
    """Of a page that has passed validation, with its defaults filled in."""
    say = Speech(language)
    longest = _longest(page)
    shares = page["customer"]["classes"].get("value_shares")
    return Poster(
        title=page["name"],
        version=version,
        direction="rtl" if language == "fa" else "ltr",
        language=language,
        paper=paper,
        say=say,
        lead=[_group(row, longest, say) for row in page["lead"]["groups"]],
        customer=list(_components(page["customer"]["components"], longest, say)),
        curves=list(_curves(page, say)),
        ticks=list(_ticks(page, say)),
        letters=_grades(page["lead"]["grade"]["fit"]["at_least"], "ABC", say),
        digits=_grades(page["lead"]["grade"]["engagement"]["at_least"], "123", say),
        temperatures=_band(page["lead"]["temperatures"], "cold", _temperature(say), say),
        classes=_band({name: page["customer"]["classes"][name] for name in "AB"}, "C", str, say),
        value_shares=say("value_shares", *map(say.percent, shares)) if shares else "",
        cells=list(_cells(say)) if _has_rfm(page) else [],
        actions=[_advice(row, page, say) for row in page.get("actions", ())],
        tags=[_advice(row, page, say) for row in page.get("tags", ())],
    )


def _groups(page: Page) -> Iterator[Page]:
    yield from page["lead"]["groups"]
    yield from page["customer"]["components"]


def _rules(page: Page) -> Iterator[Page]:
    for group in _groups(page):
        yield from group.get("rules", ())


def _longest(page: Page) -> float:
    return max((abs(rule["points"]) for rule in _rules(page)), default=1) or 1


def _has_rfm(page: Page) -> bool:
    return any(group["model"] in ("rfm", "behaviour") for group in page["customer"]["components"])


def _group(row: Page, longest: float, say: Speech) -> Block:
    _, high = row["cap"]
    bounds = f"{say('most')} {say.number(high)}"
    times = f" · × {say.number(row['weight'])}" if row["weight"] != 1 else ""
    return _block(row, bounds + times, longest, say)


def _components(rows: Sequence[Page], longest: float, say: Speech) -> Iterator[Block]:
    whole = sum(row["weight"] for row in rows)
    for row in rows:
        yield _block(row, f"{say('share')} {say.percent(row['weight'] / whole)}", longest, say)


def _block(row: Page, weight: str, longest: float, say: Speech) -> Block:
    rules = sorted(row.get("rules", ()), key=lambda rule: -rule["points"])
    left = len(rules) - MOST_RULES
    name, model = row["id"].replace("_", " "), _model(row["model"], say)
    return Block(
        title=name if say.language == "en" else model,
        subtitle=model if say.language == "en" else name,
        weight=weight,
        lines=[_line(rule, longest, say) for rule in rules[:MOST_RULES]],
        more=f"+ {say.number(left)} {say('rules')}" if left > 0 else "",
    )


def _model(name: str, say: Speech) -> str:
    if name in _MODELS:
        return say.of(_MODELS[name])
    return (load(name).__doc__ or name).split(":", maxsplit=1)[0]


def _line(rule: Page, longest: float, say: Speech) -> Line:
    life = rule.get("half_life_days")
    return Line(
        text=say.said(rule.get("once", rule["text"])).replace("{count}", "n"),
        points=say.signed(rule["points"]),
        width=round(100 * abs(rule["points"]) / longest, 1),
        is_gain=rule["points"] >= 0,
        note=say("halves", life) if life else "",
    )


def _lives(page: Page) -> list[float]:
    return sorted({rule["half_life_days"] for rule in _rules(page) if "half_life_days" in rule})


def _span(page: Page) -> float:
    """Days on the axis of the curves: twice the longest half-life."""
    lives = _lives(page)
    return 2 * lives[-1] if lives else 0


def _curves(page: Page, say: Speech) -> Iterator[Curve]:
    span, lives = _span(page), _lives(page)
    for tone, life in enumerate(lives):
        height = 0.3 + 0.5 * tone / max(len(lives) - 1, 1)  # labels keep out of each other's way
        places = [(span * step / 60, math.exp2(-span * step / 60 / life)) for step in range(61)]
        points = " ".join(
            f"{_WIDTH * day / span:.1f},{_HEIGHT * (1 - left):.1f}" for day, left in places
        )
        yield Curve(
            path=f"M {points.replace(' ', ' L ')}",
            label=say.apart(f"{say.number(life)} {say('days')}"),
            label_x=round(_WIDTH * life * math.log2(1 / height) / span, 1),
            label_y=round(_HEIGHT * (1 - height), 1),
            tone=tone,
        )


def _ticks(page: Page, say: Speech) -> Iterator[tuple[float, str]]:
    span = _span(page)
    if span:
        yield from ((_WIDTH * part / 4, say.number(round(span * part / 4))) for part in range(5))


def _grades(shares: Sequence[float], names: str, say: Speech) -> list[tuple[str, str]]:
    told = [f"{say('from')} {say.percent(share)}" for share in shares]
    return [
        (say.number(name) if name.isdigit() else name, words)
        for name, words in zip(names, [*told, say("else")], strict=True)
    ]


def _temperature(say: Speech) -> Callable[[str], str]:
    return lambda name: say.of(_CHOICES["temperature"][name])


def _band(
    minimums: Mapping[str, float], rest: str, named: Callable[[str], str], say: Speech
) -> list[BandPart]:
    """From the bottom of the scale to its top; the best has tone 0."""
    rising = sorted(minimums, key=lambda name: minimums[name])
    names, starts = [rest, *rising], [0, *(minimums[name] for name in rising)]
    ends = [*starts[1:], 100]
    rows = zip(names, starts, ends, strict=True)
    last = len(names) - 1
    return [
        BandPart(named(name), end - start, say.number(start), last - index)
        for index, (name, start, end) in enumerate(rows)
    ]


_TONES: Mapping[str, int] = {
    name: tone
    for tone, names in enumerate(
        (
            ("champion",),
            ("loyal", "potential_loyalist"),
            ("new_customer", "promising"),
            ("need_attention", "about_to_sleep"),
            ("at_risk", "cant_lose_them"),
            ("hibernating",),
        )
    )
    for name in names
}


def _cells(say: Speech) -> Iterator[Cell]:
    """The lately above, the frequent at the end of the line."""
    for recency, row in SEGMENTS.items():
        for frequency, name in enumerate(row):
            yield Cell(say.of(RFM_SEGMENTS[name]), frequency, 5 - recency, _TONES[name])


def _advice(row: Page, page: Page, say: Speech) -> Advice:
    whom = [
        _whom(kind, value, page, say) for kind, values in row["when"].items() for value in values
    ]
    level = row.get("service_level")
    what = [say.said(row[name]) for name in ("text", "campaign") if name in row]
    note = say("within", level["days"]) if level else ""
    return Advice(whom or [say("everybody")], " · ".join(what), note)


def _whom(kind: str, value: str, page: Page, say: Speech) -> str:
    if kind == "segment":
        own = {one["id"]: one["text"] for one in page.get("segments", ())}
        return say.said(own[value]) if value in own else say.of(RFM_SEGMENTS[value])
    if kind == "class":
        return f"{say('class_letter')} {value}"
    if kind == "tier":
        levels = page["loyalty"]["tiers"]["levels"]
        return say.said(next(one["text"] for one in levels if one["id"] == value))
    if kind == "grade":
        return f"{value[0]}{say.number(value[1])}"
    choices = _CHOICES["temperature" if kind == "temperature" else "stage_segment"]
    return say.of(choices.get(value) or STAGES[value])

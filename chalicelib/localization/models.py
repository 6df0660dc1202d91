"""What is said of fitted models, and why one is not used. Every function gives both languages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from chalicelib.core.model import Text
from chalicelib.localization.dates import date_name
from chalicelib.localization.numbers import number, persian


def decimals(value: float, places: int = 3) -> Text:
    r"""A number with so many places.

    >>> decimals(0.78345).en
    '0.783'
    """
    told = f"{value:.{places}f}"
    return Text(told, persian(told))


def percent(share: float) -> Text:
    r"""A share.

    >>> percent(0.186)
    Text(en='18.6 %', fa='\u2068۱۸٫۶\u2069 درصد')
    """
    told = f"{100 * share:.1f}".removesuffix(".0")
    return Text(f"{told} %", f"{persian(told)} درصد")


USED = Text("used", "به کار می‌رود")
NOT_USED = Text("not used", "به کار نمی‌رود")


def stays_in_use(day: date) -> Text:
    """Of the model before one that is not used.

    >>> stays_in_use(date(2026, 3, 21)).en
    'the one of 21 March 2026 stays in use'
    """
    en, fa = date_name(day, "gregorian").en, date_name(day, "jalali").fa
    return Text(f"the one of {en} stays in use", f"مدل {fa} همچنان به کار می‌رود")


def nothing_to_learn_from() -> Text:
    return Text(
        "Nothing to learn from: no closed cases",
        "داده‌ای برای یادگیری نیست: هیچ موردی بسته نشده است",
    )


def too_few_outcomes(did: int, others: int, needed: int) -> Text:
    """Names the rarer outcome.

    >>> too_few_outcomes(12, 80, 30).en
    'Not enough outcomes (12 of 30 that succeeded; 80 that did not)'
    """
    a, b, n = number(did), number(others), number(needed)
    if did <= others:
        return Text(
            f"Not enough outcomes ({a.en} of {n.en} that succeeded; {b.en} that did not)",
            f"نتیجه‌های کافی نیست ({a.fa} موفق از {n.fa} لازم؛ {b.fa} ناموفق)",
        )
    return Text(
        f"Not enough outcomes ({b.en} of {n.en} that did not succeed; {a.en} that did)",
        f"نتیجه‌های کافی نیست ({b.fa} ناموفق از {n.fa} لازم؛ {a.fa} موفق)",
    )


def nothing_tells_apart() -> Text:
    return Text(
        "No field tells cases apart: all have the same value everywhere",
        "هیچ فیلدی موردها را از هم جدا نمی‌کند: مقدار همه یکسان است",
    )


def sampled(kept: int, left_out: int) -> Text:
    """Of those whom a model is learned of.

    >>> sampled(50000, 2345).en
    'Learned of a sample: 50,000 of 52,345, whatever came of them'
    """
    a, b = number(kept), number(kept + left_out)
    return Text(
        f"Learned of a sample: {a.en} of {b.en}, whatever came of them",
        f"از نمونه‌ای آموخته است: {a.fa} از {b.fa}، با هر نتیجه‌ای که داشته‌اند",
    )


def malformed(subjects: int) -> Text:
    """Of people whose facts nothing could be made of; the log names them.

    >>> malformed(3).en
    'Records that taught nothing, as their facts are malformed: 3'
    """
    count = number(subjects)
    return Text(
        f"Records that taught nothing, as their facts are malformed: {count.en}",
        f"{count.fa} رکورد چیزی نیاموختند، چون داده‌هایشان نادرست است",
    )


def not_converged() -> Text:
    return Text(
        "The weights of the model did not settle, so they are not used",
        "وزن‌های مدل به مقدار ثابتی نرسیدند و به کار نمی‌روند",
    )


def one_outcome_only(rows: int) -> Text:
    count = number(rows)
    return Text(
        f"The {count.en} newest cases all ended alike, so the model cannot be judged by them",
        f"{count.fa} مورد تازه‌تر همه یک نتیجه داشته‌اند و مدل را نمی‌توان با آن‌ها سنجید",
    )


def beats_the_base_rate(loss: float, base: float, rows: int) -> Text:
    """Of the newest cases, by log-loss.

    >>> beats_the_base_rate(0.38, 0.43, 2466).en
    'Foretells the newest 2,466 cases better than the base rate: log-loss 0.380 against 0.430'
    """
    a, b, count = decimals(loss), decimals(base), number(rows)
    return Text(
        f"Foretells the newest {count.en} cases better than the base rate: "
        f"log-loss {a.en} against {b.en}",
        f"{count.fa} مورد تازه‌تر را بهتر از نرخ پایه پیش‌بینی می‌کند: "
        f"زیان لگاریتمی {a.fa} در برابر {b.fa}",
    )


def does_not_beat_the_base_rate(loss: float, base: float, rows: int) -> Text:
    a, b, count = decimals(loss), decimals(base), number(rows)
    return Text(
        f"Foretells the newest {count.en} cases no better than the base rate: "
        f"log-loss {a.en} against {b.en}",
        f"{count.fa} مورد تازه‌تر را بهتر از نرخ پایه پیش‌بینی نمی‌کند: "
        f"زیان لگاریتمی {a.fa} در برابر {b.fa}",
    )


def does_not_beat(loss: float, rival: float, name: Text) -> Text:
    a, b = decimals(loss), decimals(rival)
    return Text(
        f"No better than {name.en}: log-loss {a.en} against {b.en}",
        f"بهتر از {name.fa} نیست: زیان لگاریتمی {a.fa} در برابر {b.fa}",
    )


def not_compared(rarer: int, needed: int, name: Text) -> Text:
    """With something that was trained before.

    >>> not_compared(12, 30, RUNNING).en
    'Not held against the model in force: 12 of the 30 new cases of either outcome that are needed'
    """
    a, b = number(rarer), number(needed)
    return Text(
        f"Not held against {name.en}: {a.en} of the {b.en} new cases of either outcome "
        "that are needed",
        f"با {name.fa} سنجیده نشد: {a.fa} مورد تازه از {b.fa} موردی که از هر نتیجه لازم است",
    )


def known_only_as_now(kept: Sequence[str], left_out: Sequence[str]) -> Text:
    """Of attributes, of which no history is kept.

    >>> known_only_as_now(["source"], ["status"]).en
    'Attributes are known only as they are now: taken as they were are source, left out status'
    """
    some, others = ", ".join(kept) or "none", ", ".join(left_out) or "none"
    some_fa, others_fa = "، ".join(kept) or "هیچ", "، ".join(left_out) or "هیچ"
    return Text(
        "Attributes are known only as they are now: "
        f"taken as they were are {some}, left out {others}",
        f"ویژگی‌ها تنها به شکل امروزشان معلوم‌اند: پذیرفته {some_fa}، کنار گذاشته {others_fa}",
    )


def no_beginning() -> Text:
    return Text(
        "Of nobody it is known since when: nothing that they did is known, and prediction.leads"
        " names no date in since",
        "آغاز آشنایی با هیچ‌کس معلوم نیست: نه فعالیتی ثبت شده و نه prediction.leads.since تاریخی"
        " را نام برده است",
    )


RUNNING = Text("the model in force", "مدل جاری")
STAGE_SHARES = Text("the share that was won of each stage", "سهم بردهای هر مرحله")
BY_TENURE = Text("the number of renewals alone", "شمار تمدیدها به‌تنهایی")
COMMON = Text("the model of all", "مدل مشترک همه")


def learned_of(rows: int, did: int) -> Text:
    """How much a model knows.

    >>> learned_of(12330, 1908).en
    'Learned of 12,330 closed cases, of which 1,908 succeeded'
    """
    a, b = number(rows), number(did)
    return Text(
        f"Learned of {a.en} closed cases, of which {b.en} succeeded",
        f"از {a.fa} مورد بسته‌شده آموخته است که {b.fa} مورد موفق بوده",
    )


def still_learning(needed: int) -> Text:
    count = number(needed)
    return Text(
        f"Still learning: a logistic model needs {count.en} outcomes of each kind "
        "and ten per free parameter",
        f"هنوز در حال یادگیری: مدل لجستیک {count.fa} نتیجه از هر نوع "
        f"و {number(10).fa} نتیجه برای هر پارامتر آزاد می‌خواهد",
    )


def judged_by_lot() -> Text:
    return Text(
        "The times of the cases are not known, so that a fifth drawn by lot judged the model "
        "instead of the newest",
        "زمان موردها معلوم نیست، پس به جای تازه‌ترین‌ها یک‌پنجم تصادفی مدل را سنجیده است",
    )


def not_used(names: Sequence[str], why: Text) -> Text:
    """Names fields.

    >>> not_used(["gender", "name"], Text("never used", "…")).en
    'Left out: gender, name (never used)'
    """
    return Text(
        f"Left out: {', '.join(names)} ({why.en})", f"کنار گذاشته شد: {'، '.join(names)} ({why.fa})"
    )


PERSONAL = Text("a person is not judged by these", "آدم‌ها را با این‌ها نمی‌سنجیم")
CONSTANT = Text("the same for all", "برای همه یکسان")


def ranks_by_itself(field: str, area: float) -> Text:
    """Of a field that has to be looked at.

    >>> ranks_by_itself("closed_by", 0.98).en
    'closed_by alone tells the outcome (AUC 0.980): it is probably filled by it, and was left out'
    """
    told = decimals(area)
    return Text(
        f"{field} alone tells the outcome (AUC {told.en}): "
        "it is probably filled by it, and was left out",
        f"{field} به‌تنهایی نتیجه را لو می‌دهد (AUC {told.fa})؛ "
        "احتمالاً خود نتیجه آن را پر می‌کند و کنار گذاشته شد",
    )


def filled_by_the_outcome(field: str, did: float, others: float) -> Text:
    """Of a field that has to be looked at; shares for whom it is filled.

    >>> filled_by_the_outcome("PageValues", 0.806, 0.114).en
    'PageValues is filled for 80.6 % of successes and 11.4 % of others: it is probably filled \
by the outcome, and was left out'
    """
    a, b = percent(did), percent(others)
    return Text(
        f"{field} is filled for {a.en} of successes and {b.en} of others: "
        "it is probably filled by the outcome, and was left out",
        f"{field} در {a.fa} موفق‌ها و {b.fa} بقیه پر است؛ "
        "احتمالاً خود نتیجه آن را پر می‌کند و کنار گذاشته شد",
    )


def segment_has_its_own(value: str, loss: float, common: float) -> Text:
    a, b = decimals(loss), decimals(common)
    return Text(
        f"{value} has a model of its own: log-loss {a.en}, that of all {b.en}",
        f"{value} مدل خودش را دارد: زیان لگاریتمی {a.fa}، مدل مشترک {b.fa}",
    )


def segment_shares(value: str) -> Text:
    return Text(
        f"A model of {value} alone would foretell it no better than that of all",
        f"مدل جداگانه برای {value} بهتر از مدل مشترک پیش‌بینی نمی‌کند",
    )


def no_room_for_segment(value: str) -> Text:
    return Text(
        f"No room is left for a model of {value} alone, which shares that of all",
        f"برای مدل جداگانهٔ {value} جایی نمانده است و مدل مشترک به کار می‌رود",
    )


def raises_the_odds(factor: float) -> Text:
    """What one field does to the odds.

    >>> raises_the_odds(1.8).en, raises_the_odds(0.5).en
    ('raises the odds 1.8 times', 'lowers the odds 2.0 times')
    """
    if factor >= 1:
        times = decimals(factor, 1)
        return Text(f"raises the odds {times.en} times", f"شانس را {times.fa} برابر می‌کند")
    times = decimals(1 / factor, 1)
    return Text(f"lowers the odds {times.en} times", f"شانس را {times.fa} برابر کم می‌کند")


def too_few_customers(count: int, needed: int) -> Text:
    a, b = number(count), number(needed)
    return Text(
        f"Not enough customers for clusters ({a.en} of {b.en})",
        f"مشتری کافی برای خوشه‌بندی نیست ({a.fa} از {b.fa})",
    )


def all_customers_alike() -> Text:
    return Text(
        "No clusters: all customers are alike in every feature",
        "خوشه‌ای نیست: همهٔ مشتریان در همهٔ ویژگی‌ها یکسان‌اند",
    )


def too_few_places(places: int, least: int) -> Text:
    a, b = number(places), number(least)
    return Text(
        f"No clusters: customers stand in only {a.en} places, {b.en} groups at least are wanted",
        f"خوشه‌ای نیست: مشتریان تنها در {a.fa} جای متفاوت‌اند و دست‌کم {b.fa} گروه لازم است",
    )


def no_number_of_clusters(reasons: Sequence[Text]) -> Text:
    return Text(
        "No number of clusters holds: " + "; ".join(reason.en for reason in reasons),
        "هیچ تعداد خوشه‌ای پایدار نیست: " + "؛ ".join(reason.fa for reason in reasons),
    )


def small_cluster(k: int, smallest: int) -> Text:
    a, b = number(k), number(smallest)
    return Text(f"of {a.en} the smallest has {b.en}", f"از {a.fa} خوشه کوچک‌ترین {b.fa} نفر دارد")


def unsteady_clusters(k: int, agreement: float) -> Text:
    a, b = number(k), decimals(agreement, 2)
    return Text(
        f"{a.en} come out otherwise in other samples (agreement {b.en})",
        f"{a.fa} خوشه در نمونه‌های دیگر جور دیگری می‌شود (توافق {b.fa})",
    )


def clustered(customers: int, k: int, silhouette: float) -> Text:
    """How many customers are in how many clusters.

    >>> clustered(2357, 4, 0.41).en
    '2,357 customers in 4 clusters, silhouette 0.41'
    """
    a, b, c = number(customers), number(k), decimals(silhouette, 2)
    return Text(
        f"{a.en} customers in {b.en} clusters, silhouette {c.en}",
        f"{a.fa} مشتری در {b.fa} خوشه، ضریب نیم‌رخ {c.fa}",
    )


def drifted(field: str, psi: float) -> Text:
    """Of a field, or of the score.

    >>> drifted("source", 0.31).en
    'source is no longer spread as in training (PSI 0.310)'
    """
    told = decimals(psi)
    return Text(
        f"{field} is no longer spread as in training (PSI {told.en})",
        f"توزیع {field} دیگر مانند زمان آموزش نیست (PSI {told.fa})",
    )


def off_by(observed: int, expected: float) -> Text:
    a, b = number(observed), decimals(expected, 1)
    return Text(
        f"{a.en} succeeded lately where {b.en} were expected",
        f"به‌تازگی {a.fa} مورد موفق شد و {b.fa} مورد پیش‌بینی شده بود",
    )


def odds_set_anew(day: date, rows: int) -> Text:
    """Of a model that is otherwise as it was.

    >>> odds_set_anew(date(2026, 5, 2), 312).en
    'Its odds were set anew on 2 May 2026 by what came of 312 cases'
    """
    en, fa, count = date_name(day, "gregorian").en, date_name(day, "jalali").fa, number(rows)
    return Text(
        f"Its odds were set anew on {en} by what came of {count.en} cases",
        f"شانس‌های آن در {fa} با نتیجهٔ {count.fa} مورد از نو تنظیم شد",
    )


def old_model(days: int) -> Text:
    told = number(days)
    return Text(f"Trained {told.en} days ago", f"{told.fa} روز پیش آموزش دیده است")


SCORE = Text("The score", "امتیاز")

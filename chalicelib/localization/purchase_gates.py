"""What a model card says of a model of purchases, of spend or of renewals, in both languages."""

from __future__ import annotations

from chalicelib.core.model import Text
from chalicelib.localization.numbers import number, persian, tenths


def too_few_customers(known: int, needed: int) -> Text:
    """How many there are of those that are needed.

    >>> too_few_customers(40, 100).en
    '40 of the 100 customers that a model of purchases needs'
    """
    n, of = number(known), number(needed)
    return Text(
        f"{n.en} of the {of.en} customers that a model of purchases needs",
        f"{n.fa} مشتری از {of.fa} مشتری که الگوی خرید نیاز دارد",
    )


def too_few_repeaters(known: int, needed: int) -> Text:
    n, of = number(known), number(needed)
    return Text(
        f"{n.en} of the {of.en} customers with a second purchase that are needed",
        f"{n.fa} مشتری با خرید دوم از {of.fa} مشتری که لازم است",
    )


def nobody_came_back() -> Text:
    return Text(
        "Nobody bought a second time, so there is nothing to predict from",
        "هیچ مشتری بار دوم خرید نکرده است و مبنایی برای پیش‌بینی نیست",
    )


def too_few_for_a_rate(known: int, needed: int) -> Text:
    n, of = number(known), number(needed)
    return Text(
        f"Only {n.en} came back: below {of.en} not even a rate of purchases is told",
        f"تنها {n.fa} مشتری بازگشته است: کمتر از {of.fa} حتی نرخ خرید هم گفته نمی‌شود",
    )


def too_short(gaps: float, needed: int) -> Text:
    """``gaps`` is the history's length in the median gap between two purchases."""
    n, of = tenths(gaps), number(needed)
    return Text(
        f"The history is {n.en} usual gaps between purchases long, and {of.en} are needed",
        f"تاریخچه به درازای {n.fa} فاصلهٔ معمول میان خریدهاست و {of.fa} لازم است",
    )


def all_alike() -> Text:
    return Text(
        "All customers have the same history, so nothing sets them apart",
        "تاریخچهٔ همهٔ مشتریان یکسان است و چیزی آنها را از هم جدا نمی‌کند",
    )


def fitted_on(customers: int, repeaters: int) -> Text:
    n, of = number(repeaters), number(customers)
    return Text(
        f"Fitted on {of.en} customers, {n.en} of whom bought again",
        f"برازش‌شده بر {of.fa} مشتری که {n.fa} نفرشان دوباره خریده‌اند",
    )


def weak_data() -> Text:
    return Text(
        "The data alone do not determine the model, which was drawn towards usual values",
        "داده‌ها به‌تنهایی الگو را تعیین نمی‌کنند و الگو به مقدارهای معمول نزدیک شده است",
    )


def too_few_for_use(left: int, stayed: int, needed: int) -> Text:
    """Renewals that were looked at.

    >>> too_few_for_use(40, 700, 120).en
    '40 left and 700 stayed: from 120 of each on, use and tickets count as well'
    """
    a, b, n = number(left), number(stayed), number(needed)
    return Text(
        f"{a.en} left and {b.en} stayed: from {n.en} of each on, use and tickets count as well",
        f"{a.fa} رفته و {b.fa} مانده‌اند: از {n.fa} مورد هر کدام، میزان استفاده و تیکت‌ها نیز "
        "به حساب می‌آید",
    )


def use_fitted_on(left: int, stayed: int) -> Text:
    a, b = number(left), number(stayed)
    return Text(
        f"Learned of {a.en} who left at a renewal and {b.en} who stayed, by what they had done",
        f"از {a.fa} مشترک که در تمدید رفته‌اند و {b.fa} مشترک که مانده‌اند، "
        "بر پایهٔ رفتارشان آموخته است",
    )


def no_maximum() -> Text:
    return Text(
        "The fit found no maximum, so the model is not used",
        "برازش به بیشینه نرسید و الگو به کار نمی‌رود",
    )


def rate_instead() -> Text:
    return Text(
        "A rate of purchases that grows old serves instead, which is a rule of thumb",
        "به جای آن نرخ خریدی که با گذر زمان کم می‌شود به کار می‌رود که قاعده‌ای سرانگشتی است",
    )


def total_holds(ratio: float) -> Text:
    """``ratio`` is what was predicted over what came."""
    percent = _percent(ratio)
    return Text(
        f"Tried on the past, it foretold {percent.en} of the purchases that came",
        f"در آزمون گذشته {percent.fa} خریدهای واقعی را پیش‌بینی کرد",
    )


def total_fails(ratio: float) -> Text:
    percent = _percent(ratio)
    return Text(
        f"Tried on the past, it foretold {percent.en} of the purchases that came: "
        "expected counts are not shown, only who comes before whom",
        f"در آزمون گذشته {percent.fa} خریدهای واقعی را پیش‌بینی کرد: "
        "تعداد مورد انتظار نشان داده نمی‌شود، تنها ترتیب مشتریان",
    )


def not_tried() -> Text:
    return Text(
        "There is too little history to try it on the past",
        "تاریخچه برای آزمون بر گذشته کافی نیست",
    )


def began_long_before(customers: int) -> Text:
    """Their first orders, that is.

    >>> began_long_before(1).en
    '1 of the customers began long before all others and was left out of the trial on the past: \
look at the date of the first order'
    """
    n = number(customers)
    was, date_ = ("was", "date of the first order")
    if customers > 1:
        was, date_ = ("were", "dates of their first orders")
    return Text(
        f"{n.en} of the customers began long before all others and {was} left out of the trial on "
        f"the past: look at the {date_}",
        f"{n.fa} مشتری بسیار پیش از دیگران آغاز کرده و در آزمون گذشته به حساب نیامده است: تاریخ "
        "نخستین سفارش بررسی شود",
    )


def mean_within(share: float) -> Text:
    """Half of an 80 % interval of what is expected of all together.

    >>> mean_within(0.067).en
    'By other customers of the same kind the purchases of all would be foretold within ±7 %, four \
times of five; of one customer that says nothing'
    """
    percent = _percent(share)
    return Text(
        f"By other customers of the same kind the purchases of all would be foretold within "
        f"±{percent.en}, four times of five; of one customer that says nothing",
        f"با مشتریانی دیگر از همین دست، پیش‌بینی مجموع خریدها در چهار مورد از پنج مورد تا "
        f"±{percent.fa} فرق می‌کرد؛ این دربارهٔ یک مشتری چیزی نمی‌گوید",
    )


def calibrated_by(customers: int, days: int, foretold: float, came: float) -> Text:
    """Shares of the customers of a past day.

    >>> calibrated_by(2357, 90, 0.203, 0.181).en
    'Chances were set right by 2,357 customers of the past: 20 % were foretold to buy within \
90 days, and 18 % did'
    """
    n, within, told, did = number(customers), number(days), _percent(foretold), _percent(came)
    return Text(
        f"Chances were set right by {n.en} customers of the past: {told.en} were foretold to buy "
        f"within {within.en} days, and {did.en} did",
        f"احتمال‌ها با {n.fa} مشتری گذشته تصحیح شد: پیش‌بینی خرید تا {within.fa} روز "
        f"{told.fa} بود و {did.fa} خریدند",
    )


def not_calibrated(customers: int, needed: int) -> Text:
    """Also where nearly all, or nearly none, of enough customers bought."""
    n, of = number(customers), number(needed)
    return Text(
        f"Chances are as the model has them: {of.en} customers of the past, some of whom bought "
        f"and some did not, are needed to set them right, and there were {n.en}",
        f"احتمال‌ها همان گفتهٔ الگوست: برای تصحیح {of.fa} مشتری گذشته از خریدار و غیرخریدار "
        f"لازم است و {n.fa} مشتری بود",
    )


def calibration_too_short(days: int) -> Text:
    n = number(days)
    return Text(
        f"Chances are as the model has them: the trial on the past is shorter than {n.en} days",
        f"احتمال‌ها همان گفتهٔ الگوست: آزمون گذشته کوتاه‌تر از {n.fa} روز است",
    )


def no_spend() -> Text:
    return Text(
        "No repeat purchase has an amount above nought, so no spend is predicted",
        "هیچ خرید دوباره‌ای مبلغ بیش از صفر ندارد و مبلغ خرید پیش‌بینی نمی‌شود",
    )


def shrunken_spend(known: int, needed: int) -> Text:
    n, of = number(known), number(needed)
    return Text(
        f"{n.en} of the {of.en} customers that a model of spend needs: own means, "
        "drawn towards the mean of all, serve instead",
        f"{n.fa} مشتری از {of.fa} مشتری که الگوی مبلغ نیاز دارد: به جای آن میانگین هر مشتری، "
        "نزدیک‌شده به میانگین همه، به کار می‌رود",
    )


def spend_fitted_on(known: int) -> Text:
    n = number(known)
    return Text(
        f"Spend was fitted on {n.en} customers who bought again",
        f"مبلغ خرید بر {n.fa} مشتری با خرید دوباره برازش شد",
    )


def spend_all_alike() -> Text:
    return Text(
        "All spend the same, so the mean serves for everybody",
        "مبلغ خرید همه یکسان است و میانگین برای همه به کار می‌رود",
    )


def spend_without_maximum() -> Text:
    return Text(
        "Own means, drawn towards the mean of all, serve in place of a model of spend, whose fit "
        "found no maximum",
        "میانگین هر مشتری، نزدیک‌شده به میانگین همه، به جای الگوی مبلغ به کار می‌رود که برازش آن به "
        "بیشینه نرسید",
    )


def spend_of_a_year() -> Text:
    return Text(
        "As prices rise, a customer's mean is that of the year up to their last purchase",
        "چون قیمت‌ها بالا می‌رود، میانگین هر مشتری از یک سال منتهی به آخرین خرید اوست",
    )


def no_mean() -> Text:
    return Text(
        "A few amounts are so large that they have no mean; the model was held back",
        "چند مبلغ چنان بزرگ‌اند که میانگین ندارند؛ الگو مهار شد",
    )


def spend_and_frequency(correlation: float) -> Text:
    told = f"{correlation:+.2f}"
    return Text(
        f"Who buys often spends otherwise (correlation {told}): read spend with care",
        f"مبلغ خرید با تعداد خرید هم‌بسته است ({persian(told)}): با احتیاط خوانده شود",
    )


def spend_by_frequency(correlation: float) -> Text:
    told = f"{correlation:+.2f}"
    return Text(
        f"Spend depends on how often one buys (correlation {told}) and is told by that",
        f"مبلغ خرید به تعداد خرید وابسته است ({persian(told)}) و بر پایهٔ آن گفته می‌شود",
    )


def no_renewals() -> Text:
    return Text(
        "Nobody has left or stayed at a renewal so far, so nothing is learned of renewals",
        "هنوز کسی در زمان تمدید نرفته یا نمانده است و دربارهٔ تمدید چیزی آموخته نمی‌شود",
    )


def too_few_renewals(lost: int, stayed: int, needed: int) -> Text:
    gone, still, of = number(lost), number(stayed), number(needed)
    return Text(
        f"{gone.en} left and {still.en} stayed at a renewal, and {of.en} of each are needed",
        f"{gone.fa} نفر در زمان تمدید رفته و {still.fa} نفر مانده‌اند و از هر کدام {of.fa} لازم است",
    )


def renewals_fitted_on(lost: int, stayed: int) -> Text:
    gone, still = number(lost), number(stayed)
    return Text(
        f"Learned of {gone.en} who left and {still.en} who stayed",
        f"آموخته از {gone.fa} نفر که رفته و {still.fa} نفر که مانده‌اند",
    )


def _percent(ratio: float) -> Text:
    percent = number(round(100 * ratio))
    return Text(f"{percent.en} %", f"{percent.fa}٪")

from chalicelib.core.model import Text
from chalicelib.localization.sentences import happened, with_points


def bare(text):
    return text.replace("\u2068", "").replace("\u2069", "")


ONE = Text("Opened an e-mail", "یک ایمیل را باز کرد")
MANY = Text("Opened {count} e-mails", "{count} ایمیل را باز کرد")
LAST = Text("4 days ago", "۴ روز پیش")


def test_a_reason_says_what_how_often_how_long_ago_and_how_much():
    reason = with_points(happened(ONE, MANY, 3, LAST), 12)
    assert reason.en == "Opened 3 e-mails, last 4 days ago (+12)"
    assert bare(reason.fa) == "۳ ایمیل را باز کرد، آخرین بار ۴ روز پیش (+۱۲)"


def test_a_single_time_needs_no_last():
    reason = with_points(happened(ONE, MANY, 1, LAST), -2)
    assert reason.en == "Opened an e-mail 4 days ago (-2)"
    assert bare(reason.fa) == "یک ایمیل را باز کرد، ۴ روز پیش (−۲)"


def test_braces_of_an_admin_are_text():
    reason = happened(ONE, Text("{count.__class__} {0}", ""), 2, LAST)
    assert reason.en == "{count.__class__} {0}, last 4 days ago"

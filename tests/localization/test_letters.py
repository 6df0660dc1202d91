import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.localization.letters import display_form, key_form

PERSIAN = st.text(
    st.one_of(
        st.characters(min_codepoint=0x600, max_codepoint=0x6FF),
        st.characters(min_codepoint=0xFE70, max_codepoint=0xFEFF),
        st.sampled_from(" \u200c\u200f\u200e\u2066\tabIİßﬁ"),
    )
)


@given(st.one_of(st.text(), PERSIAN))
def test_22_12_both_forms_are_idempotent(text):
    assert display_form(display_form(text)) == display_form(text)
    assert key_form(key_form(text)) == key_form(text)


@given(PERSIAN)
def test_19_the_key_form_does_not_care_for_the_display_form(text):
    assert key_form(display_form(text)) == key_form(text)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("شركة", "شرکة"),
        ("علي", "علی"),
        ("موسى", "موسی"),
        ("ســلام", "سلام"),
        ("مُدیر", "مدیر"),
        ("۱۴۰۴ و ٤٥", "1404 و 45"),
        ("\u200fتهران\u200e", "تهران"),
        ("می\u200cرود", "می\u200cرود"),
        ("می\u200c\u200cرود", "می\u200cرود"),
        ("\u200cمی \u200cرود\u200c", "می رود"),
        ("ﻣﺪﯾﺮ", "مدیر"),
    ],
)
def test_19_the_display_form_has_one_spelling_for_what_looks_alike(typed, shown):
    assert display_form(typed) == shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("می\u200cکند", "میکند"),
        ("آذر", "اذر"),
        ("مسئول", "مسیول"),
        ("مؤسسه", "موسسه"),
        ("صفحهٔ قیمت", "صفحه قیمت"),
        ("صفحۀ قیمت", "صفحه قیمت"),
        ("املاء", "املا"),
        ("شركت", "شرکت"),
        ("STRASSE", "straße"),
    ],
)
def test_19_spellings_of_one_word_meet_in_the_key_form(one, other):
    assert key_form(one) == key_form(other)


def test_19_different_words_stay_different():
    assert key_form("مدیر") != key_form("مدیریت")

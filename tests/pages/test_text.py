import pytest
from streamlit.testing.v1 import AppTest

from pages.components import text

HOSTILE = [
    "![x](http://evil.example/a.png)",
    "[l](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    ":red[warning] :smile: :material/home:",
    "$x^2$ **b** _i_ ~~s~~ `c`",
    "# not a heading",
    "1. not a list",
    "www.evil.example a@evil.example http://evil.example",
    "&lt;b&gt; &#x41;",
    "\\",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_in_markdown_every_sign_that_could_mean_something_is_escaped(name):
    shown = text.markdown(name)
    unescaped = shown.replace("\\\\", "").split("\\")
    assert not any(sign in part[1:] for part in unescaped[1:] for sign in "![](){}<>*_`$#:~")
    visible = shown.replace("\u2060", "").strip("\u2068\u2069")
    assert visible.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\") == name


@pytest.mark.parametrize("name", HOSTILE)
def test_in_html_and_charts_no_tag_survives(name):
    assert "<" not in text.html(name)
    assert '"' not in text.html(name)
    assert "<" not in text.plotly(name)


def test_a_name_cannot_leave_its_line_or_turn_its_surroundings():
    assert text.plain("a\nb\tc\u202egpj.exe") == "a b cgpj.exe"
    assert text.bdi("قطة").startswith("<bdi")


def test_compound_emoji_stay_whole():
    family = "👩‍👩‍👧 क्‍ष"
    assert text.plain(family) == family


def test_an_endless_name_is_shortened_and_an_empty_one_named():
    assert len(text.plain("x" * 300)) == 80
    assert text.plain("\u200b \n") == "(no name)"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "over 99 %"),
        (0.994, "over 99 %"),
        (0.5, "50 %"),
        (0.004, "under 1 %"),
        (0, "under 1 %"),
    ],
)
def test_no_probability_is_shown_as_certain(share, words):
    assert text.percent(share) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "about a second"),
        (7.2, "about 7 seconds"),
        (44, "about 45 seconds"),
        (200, "about 3 minutes"),
        (9000, "about 2.5 hours"),
    ],
)
def test_times_are_rounded_to_what_one_can_remember(seconds, words):
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("n", "words"), [(1, "1 class"), (2, "2 classes"), (1204, "1,204 classes")]
)
def test_counts_are_said_with_the_right_word(n, words):
    assert text.count(n, "class", "classes") == words


@pytest.mark.parametrize(
    ("shown", "apart"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a (2)", "a (3)"]),
        (["a (2)", "a", "a"], ["a (2)", "a", "a (3)"]),
    ],
)
def test_texts_that_look_alike_are_numbered(shown, apart):
    assert text.apart(shown) == apart


def test_names_that_differ_where_nobody_sees_it_are_shown_apart():
    long = "x" * 90
    names = [long + "1", long + "2", "a", "a\u200b"]
    said = text.among(names)
    assert len({said(name) for name in names}) == 4
    assert said("new\u200b") == "new"


def test_streamlit_shows_an_escaped_name_in_a_label():
    def screen():
        import streamlit as st

        from pages.components import text

        st.button(text.markdown("![x](http://evil.example/a.png)"))

    shown = AppTest.from_function(screen, default_timeout=120).run()
    assert shown.button[0].label.replace("\\", "").replace("\u2060", "").strip("\u2068\u2069") == (
        "![x](http://evil.example/a.png)"
    )


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.831, 0.943), "likely 83–94 %"),
        ((0.0, 0.2), "likely at most 20 %"),
        ((0.9, 0.904), "likely 90 %"),
        ((0.0, 0.004), "likely under 1 %"),
        ((0.996, 1.0), "likely over 99 %"),
        ((0.8, 0.998), "likely at least 80 %"),
    ],
)
def test_an_interval_is_said_in_percent(interval, words):
    assert text.likely(interval) == words

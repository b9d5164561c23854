"""robots.txt: what each of the cases of google/robotstxt asks of a matcher, told in our own words, and what is odd.

Every row is a robots.txt (`|` ends a line), a product token, and the paths of http://a.test it allows and refuses. The
cases decided otherwise on purpose are in OTHERWISE and in docs/politeness.md.
"""

from __future__ import annotations

import pytest
from conftest import cpu_within
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.frontier.rules import MAX_BYTES, MAX_LINE_CHARS, Rules, text_of
from pipelines.patterns import encoded, matches, path_of
from pipelines.rights import product_token

ALL_BUT = "user-agent: ant|disallow: /|allow: "
SCRIPTS = ("/name.php", "/folder/name.php")

CASES: tuple[tuple[str, str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("nothing is written", "", "ant", ("",), ()),
    ("we have no name", "user-agent: ant|disallow: /", "", ("",), ()),
    ("no path is the root", "user-agent: ant|disallow: /", "ant", (), ("",)),
    ("nothing at all", "", "", ("",), ()),
    ("name, colon, value", "user-agent: ant|disallow: /", "ant", (), ("/x/y",)),
    ("names nobody knows", "foo: ant|bar: /", "ant", ("/x/y",), ()),
    ("a forgotten colon", "user-agent ant|disallow /", "ant", (), ("/x/y",)),
    *(
        ("groups, and rules before any", "allow: /early/||user-agent: ant|disallow: /|allow: /x/|user-agent: bee|"
         "disallow: /|allow: /y/|||allow: /w/|user-agent: cow||user-agent: ant|allow: /z/|disallow: /", agent, yes, no)
        for agent, yes, no in (("ant", ("/x/b", "/z/d"), ("/y/c", "/early/")),
                               ("bee", ("/y/c", "/w/a"), ("/z/d", "/early/")), ("cow", ("/z/d",), ("/early/",)))
    ),
    *(("a sitemap closes no group", "User-agent: bee|Sitemap: https://a.test/map|User-agent: *|Disallow: /", agent, (),
       ("/",)) for agent in ("ant", "bee")),
    *(("an unknown line closes no group", "User-agent: ant|Not-Known: x|User-agent: *|Disallow: /", agent, (), ("/",))
      for agent in ("ant", "bee")),
    *(("names in any case", text, "ant", ("/x/y",), ("/a/b",)) for text in (
        "USER-AGENT: ant|ALLOW: /x/|DISALLOW: /", "user-agent: ant|allow: /x/|disallow: /",
        "uSeR-aGeNt: ant|AlLoW: /x/|dIsAlLoW: /")),
    *(("agents in any case, up to the first space", f"User-Agent: {agent}|Allow: /x/|Disallow: /", asked, ("/x/y",),
       ("/a/b",)) for agent in ("ANT HILL", "ant hill", "AnT hIlL") for asked in ("Ant", "ant")),
    ("a name before a space", "User-Agent: *|Disallow: /|User-Agent: ant hill|Allow: /x/|Disallow: /", "ant",
     ("/x/y",), ()),
    ("a name with a space is nobody's", "User-Agent: *|Disallow: /|User-Agent: ant hill|Allow: /x/|Disallow: /",
     "ant hill", (), ("/x/y",)),
    ("an empty file", "", "ant", ("/x/y",), ()),
    ("our group before everybody's", "user-agent: *|allow: /|user-agent: ant|disallow: /", "ant", (), ("/x/y",)),
    ("everybody's group", "user-agent: *|allow: /|user-agent: ant|disallow: /", "bee", ("/x/y",), ()),
    ("groups of others only", "user-agent: ant|allow: /|user-agent: bee|disallow: /|user-agent: cow|disallow: /",
     "dog", ("/x/y",), ()),
    ("paths mind their case", "user-agent: ant|disallow: /x/", "ant", (), ("/x/y",)),
    ("paths mind their case", "user-agent: ant|disallow: /X/", "ant", ("/x/y",), ()),
    # the longest match
    ("longest refuses", "user-agent: ant|disallow: /x/page.html|allow: /x/", "ant", (), ("/x/page.html",)),
    ("longest allows", "user-agent: ant|allow: /x/page.html|disallow: /x/", "ant", ("/x/page.html",), ("/x/",)),
    ("two empty rules", "user-agent: ant|disallow: |allow: ", "ant", ("/x/page.html",), ()),
    ("equals allow", "user-agent: ant|disallow: /|allow: /", "ant", ("/x/page.html",), ()),
    ("one character longer", "user-agent: ant|disallow: /x|allow: /x/", "ant", ("/x/",), ("/x",)),
    ("equal pages allow", "user-agent: ant|disallow: /x/page.html|allow: /x/page.html", "ant", ("/x/page.html",), ()),
    ("a wildcard counts", "user-agent: ant|allow: /page|disallow: /*.html", "ant", ("/page",), ("/page.html",)),
    ("longer than a wildcard", "user-agent: ant|allow: /x/page.|disallow: /*.html", "ant", ("/x/page.html",),
     ("/x/y.html",)),
    ("only the own group", "User-agent: *|Disallow: /x/|User-agent: ant|Disallow: /y/", "ant", ("/x/page",),
     ("/y/page",)),
    # encoding
    ("an address in a query", ALL_BUT + "/a/b?q=t&r=http://a.test?s&p", "ant", ("/a/b?q=t&r=http://a.test?s&p",), ()),
    ("a rule not encoded", ALL_BUT + "/a/ツ", "ant", ("/a/%E3%83%84",), ()),
    ("a rule encoded", ALL_BUT + "/a/%E3%83%84", "ant", ("/a/%E3%83%84",), ()),
    ("letters encoded", ALL_BUT + "/a/%62%61%7A", "ant", ("/a/%62%61%7A",), ()),
    # special characters
    ("a star between", "User-agent: ant|Disallow: /a/b/c|Allow: /a/*/d", "ant", ("/a/c", "/a//c", "/a/x/c"),
     ("/a/b/c",)),
    ("an end", "User-agent: ant|Disallow: /a/b$|Allow: /a/b/d", "ant", ("/a/b/d", "/a/b/", "/a/b/x"), ("/a/b",)),
    ("comments", "User-agent: ant|# Disallow: /|Disallow: /a/c#d|Allow: /", "ant", ("/a/b",), ("/a/c",)),
    ("an index is its folder", "User-Agent: *|Allow: /in/index.html|Disallow: /", "ant", ("/in/", "/in/index.html"),
     ("/in/index.htm", "/out")),
    # long lines
    *(("a line too long is cut", f"user-agent: ant|disallow: {long}/end", "ant", ("/fux",), (f"{long}/fux",))
      for long in ("/x/" + "a" * (MAX_LINE_CHARS - 13),)),
    *(("lines too long are cut", f"user-agent: ant|disallow: /|allow: {one}/end|allow: {two}/end", "ant",
       (f"{one}/end", f"{two}/fux"), ("/",))
      for one, two in (("/x/" + "a" * (MAX_LINE_CHARS - 10), "/x/" + "b" * (MAX_LINE_CHARS - 10)),)),
    # what paths mean
    *(("a beginning", ALL_BUT + rule, "ant",
       ("/fish", "/fish.html", "/fish/cod.html", "/fishheads", "/fishheads/good.html", "/fish.html?id=any"),
       ("/bar", "/Fish.asp", "/catfish", "/?id=fish")) for rule in ("/fish", "/fish*")),
    ("a folder", ALL_BUT + "/fish/", "ant",
     ("/fish/", "/fish/cod", "/fish/?cod", "/fish/cod.html", "/fish/?id=any"),
     ("/bar", "/fish", "/fish.html", "/Fish/Cod.html")),
    ("scripts", ALL_BUT + "/*.php", "ant",
     (*SCRIPTS, "/folder/name.php?x", "//folder/any.php.html", "/name.php/", "/index?f=name.php/"),
     ("/bar", "/php/", "/index?php", "/windows.PHP")),
    ("scripts to their end", ALL_BUT + "/*.php$", "ant", SCRIPTS,
     ("/bar", "/name.php?x", "/name.php/", "/name.php5", "/php/", "/name?php", "/aaaphpaaa", "//windows.PHP")),
    ("a star inside", ALL_BUT + "/fish*.php", "ant", ("/fish.php", "/fishheads/cat.php?x"), ("/bar", "/Fish.PHP")),
    ("longer allows", "user-agent: ant|allow: /p|disallow: /", "ant", ("/page",), ()),
    ("equal folders allow", "user-agent: ant|allow: /folder|disallow: /folder", "ant", ("/folder/page",), ()),
    ("longer star refuses", "user-agent: ant|allow: /page|disallow: /*.htm", "ant", (), ("/page.htm",)),
    ("the root alone", "user-agent: ant|allow: /$|disallow: /", "ant", ("/",), ("/page.html",)),
)  # fmt: skip

# google/robotstxt leaves it to its caller to encode URLs, and does not decode what RFC 9309, 2.2.2 says MUST be
OTHERWISE = (
    ("a URL not encoded, a rule not encoded", ALL_BUT + "/a/ツ", "/a/ツ"),
    ("a URL not encoded, a rule encoded", ALL_BUT + "/a/%E3%83%84", "/a/ツ"),
    ("letters encoded in the rule only", ALL_BUT + "/a/%62%61%7A", "/a/baz"),
)


def _asked() -> list[tuple[str, str, str, str, bool]]:
    return [
        (name, text.replace("|", "\n"), agent, path, allowed)
        for name, text, agent, yes, no in CASES
        for path, allowed in [*((p, True) for p in yes), *((p, False) for p in no)]
    ]


@pytest.mark.parametrize(("name", "text", "agent", "path", "allowed"), _asked())
def test_which_rule_decides(name: str, text: str, agent: str, path: str, allowed: bool) -> None:
    assert Rules(text, agent).allows(f"http://a.test{path}" if path else "") is allowed, name


@pytest.mark.parametrize(("name", "text", "path"), OTHERWISE)
def test_what_is_decided_otherwise_on_purpose(name: str, text: str, path: str) -> None:
    assert Rules(text.replace("|", "\n"), "ant").allows(f"http://a.test{path}"), name


@pytest.mark.parametrize(
    ("agent", "token"),
    [("Ant", "Ant"), ("Ant-Hill", "Ant-Hill"), ("Ant_Hill", "Ant_Hill"), ("", ""), ("ツ", ""), ("Ant*", "Ant"),
     (" Ant ", ""), ("Ant/2.1", "Ant"), ("Ant Hill", "Ant")],
)  # fmt: skip
def test_a_product_token_is_letters_hyphens_and_underscores(agent: str, token: str) -> None:
    assert product_token(agent) == token


@pytest.mark.parametrize(
    "body",
    [b"User-Agent: ant\nAllow: /some/path\nUser-Agent: bee\n\n\nDisallow: /\n",
     b"User-Agent: ant\r\nAllow: /some/path\r\nUser-Agent: bee\r\n\r\n\r\nDisallow: /\r\n",
     b"User-Agent: ant\rAllow: /some/path\rUser-Agent: bee\r\r\rDisallow: /\r",
     b"User-Agent: ant\nAllow: /some/path\nUser-Agent: bee\n\n\nDisallow: /",
     b"User-Agent: ant\nAllow: /some/path\r\nUser-Agent: bee\n\r\n\nDisallow: /"],
)  # fmt: skip
def test_lines_end_in_any_way(body: bytes) -> None:
    text = text_of(body)
    assert Rules(text, "ant").allows("http://a.test/some/other")
    assert not Rules(text, "bee").allows("http://a.test/some/other")


@pytest.mark.parametrize(
    ("body", "understood"),
    [(b"\xef\xbb\xbfUser-Agent: ant\nDisallow: /\n", True), (b"\xef\xbbUser-Agent: ant\nDisallow: /\n", True),
     (b"\xefUser-Agent: ant\nDisallow: /\n", True), (b"\xef\x11\xbfUser-Agent: ant\nDisallow: /\n", False),
     (b"User-Agent: ant\n\xef\xbb\xbfDisallow: /\n", False),
     ("\ufeffUser-Agent: ant\nDisallow: /\n".encode("utf-16-le"), True),
     ("\ufeffUser-Agent: ant\nDisallow: /\n".encode("utf-16-be"), True)],
)  # fmt: skip
def test_a_byte_order_mark_is_skipped_where_it_begins_the_file(body: bytes, understood: bool) -> None:
    assert Rules(text_of(body), "ant").allows("http://a.test/x") is not understood


@pytest.mark.parametrize(
    ("url", "path"),
    [("", "/"), ("http://a.test", "/"), ("http://a.test/", "/"), ("http://a.test/a", "/a"), ("http://a.test/a/", "/a/"),
     ("http://a.test/a/b?c=http://d.e/", "/a/b?c=http://d.e/"), ("http://a.test/a/b?c=d&e=f#part", "/a/b?c=d&e=f"),
     ("a.test", "/"), ("a.test/", "/"), ("a.test/a", "/a"), ("a.test/a/", "/a/"),
     ("a.test/a/b?c=d&e=f#part", "/a/b?c=d&e=f"), ("a", "/"), ("a/", "/"), ("/a", "/a"), ("a/b", "/b"),
     ("a.test?a", "/?a"), ("a.test/a;b#c", "/a;b"), ("//a/b/c", "/b/c")],
)  # fmt: skip
def test_rules_are_held_against_path_and_query(url: str, path: str) -> None:
    assert path_of(url) == path


@pytest.mark.parametrize(
    ("path", "one"),
    [("http://a.test", "http://a.test"), ("/a/b/c", "/a/b/c"), ("á", "%C3%A1"), ("%aa", "%AA"), ("/%2f%7e", "/%2F~")],
)
def test_paths_have_one_spelling(path: str, one: str) -> None:
    assert encoded(path) == one


def test_a_path_that_is_no_utf8_is_still_a_rule() -> None:
    rule = Rules(text_of(b"User-agent: *\nDisallow: /caf\xe9\n"), "ant")
    assert not rule.allows("http://a.test/caf%E9")


def test_500_kib_count_and_the_line_torn_there_does_not() -> None:
    head = b"User-agent: *\nDisallow: /a\n"
    filler = b"#" * (MAX_BYTES - len(head) - len(b"\nDisallow: /")) + b"\nDisallow: /only-this\n"
    rule = Rules(text_of(head + filler), "ant")
    assert not rule.allows("http://a.test/a")
    assert rule.allows("http://a.test/b")


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [("User-agent: *|Crawl-delay: 7", 7.0), ("User-agent: *|crawl-delay:2.5|Crawl-delay: 1", 2.5),
     ("User-agent: *|Crawl-delay: 9||User-agent: ant|Disallow: /x", None),
     ("User-agent: ant|Crawl-delay: 3|User-agent: bee|Crawl-delay: 8|Disallow: /", 8.0),
     ("User-agent: *|Crawl-delay: soon", None), ("User-agent: *|Crawl-delay: -1", None),
     ("User-agent: *|Crawl-delay: inf", None), ("User-agent: *|Crawl-delay: nan", None), ("Crawl-delay: 5", None)],
)  # fmt: skip
def test_a_crawl_delay_is_that_of_our_group(text: str, delay_s: float | None) -> None:
    assert Rules(text.replace("|", "\n"), "ant").delay_s == delay_s


@given(st.binary(max_size=400), st.text(max_size=60))
@example(b"User-agent: *\nDisallow: /%\xff%4\n", "http://a.test/%\ud800")
def test_no_robots_txt_and_no_url_is_too_odd(body: bytes, url: str) -> None:
    assert Rules(text_of(body), "ant").allows(url) in (True, False)


_TEXT = st.text("/ab*$", max_size=8)


@given(_TEXT, _TEXT)
def test_a_pattern_matches_what_its_meaning_says(pattern: str, path: str) -> None:
    def means(p: str, t: str) -> bool:
        if not p:
            return True
        if p == "$":
            return not t
        if p[0] == "*":
            return any(means(p[1:], t[at:]) for at in range(len(t) + 1))
        return t[:1] == p[0] and means(p[1:], t[1:])

    assert matches(path, pattern) == means(pattern, path)


def test_a_robots_txt_of_traps_is_read_in_a_bounded_time() -> None:
    trap = "User-agent: *\n" + "".join(f"Disallow: /{'*a' * 8}{n}$\n" for n in range(20_000))
    # each wildcard costs its parts, and no more: a matcher that goes back over them would never end
    with cpu_within(10):
        assert Rules(text_of(trap.encode()), "ant").allows("http://a.test/" + "a" * 1_000)

"""What counts as the same URL, and which shapes are traps."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import urls
from pipelines.urls import canonical, host_of, key, looks_like_trap, site_of, template_of, words_of

many = settings(max_examples=200, deadline=None, database=None)
hosts = st.sampled_from(
    ["a.test", "www.news.example", "EXAMPLE.com", "bücher.example", "xn--bcher-kva.example", "[::1]"]
)
ports = st.sampled_from(["", ":80", ":443", ":8080", ":", ":99999", ":0"])
plain_characters = "abcXYZ019-_~./"
odd_characters = plain_characters + "%2fé ;=,:@&+()'\"<>{}[]|\\^`*!$日#"
paths = st.text(alphabet=odd_characters, max_size=30).map(lambda path: "/" + path if path else "")
queries = st.text(alphabet="abpid=&;0159%+ é._~/?[]<>-", max_size=30).map(lambda query: "?" + query if query else "")


@st.composite
def odd_urls(draw: st.DrawFn) -> str:
    user = draw(st.sampled_from(["", "user@", "user:secret@"]))
    return f"{draw(st.sampled_from(['http', 'https', 'HTTPS']))}://{user}{draw(hosts)}{draw(ports)}{draw(paths)}{draw(queries)}"


@many
@given(odd_urls() | st.text(max_size=60) | st.text(max_size=40).map(lambda rest: "http://a.test/" + rest))
def test_what_is_canonical_stays_as_it_is(url: str) -> None:
    found = canonical(url)
    assert found is None or canonical(found) == found


@many
@given(odd_urls() | st.text(max_size=60), st.none() | odd_urls())
def test_only_web_addresses_of_bounded_length_come_out(url: str, base: str | None) -> None:
    found = canonical(url, base)
    if found is not None:
        parts = urlsplit(found)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert "@" not in parts.netloc and not parts.fragment
        assert found.isascii() and found.isprintable() and " " not in found
        assert len(found) <= urls.MAX_URL_CHARS


@many
@given(
    st.sampled_from(["a.test", "www.news.example", "a-b.c_d.test"]),
    st.text(alphabet=plain_characters, max_size=40),
    st.text(alphabet="abutm_sidp=&019.~-", max_size=40),
)
def test_the_fast_way_and_the_slow_way_agree(host: str, path: str, query: str) -> None:
    url = f"https://{host}/{path}{'?' + query if query else ''}"
    slow = urls._from_any(url)
    assert canonical(url) == slow
    plain = urls._PLAIN.fullmatch(url)
    assert plain is None or urls._from_plain(plain[1], plain[2], plain[3]) == slow


selecting = st.sampled_from(
    ["id", "p", "newsid", "articleid", "article", "story", "cid", "uid", "eid", "nid", "page", "date", "q", "s", "ref",
     "source", "keyword", "gallery", "t", "view", "no", "sid", "ncid"]
)  # fmt: skip


@many
@given(st.lists(st.tuples(selecting, st.integers(0, 99_999)), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_a_parameter_that_may_select_the_article_stays(pairs: list[tuple[str, int]]) -> None:
    query = "&".join(f"{name}={number}" for name, number in pairs)
    found = canonical(f"https://a.test/article?utm_source=x&{query}&fbclid=abc#top")
    assert found is not None
    assert sorted(parse_qsl(urlsplit(found).query)) == sorted((name, str(number)) for name, number in pairs)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.test", "https://a.test/"),
        ("HTTPS://A.Test:443/x#frag", "https://a.test/x"),
        ("http://a.test:80/x", "http://a.test/x"),
        ("http://a.test:8080/x", "http://a.test:8080/x"),
        ("http://a.test./x", "http://a.test/x"),
        ("https://user:secret@a.test/x", "https://a.test/x"),
        ("https://a.test/x/../y/./z//w", "https://a.test/y/z/w"),
        ("https://a.test/article?id=5", "https://a.test/article?id=5"),
        ("https://a.test/story?12345", "https://a.test/story?12345"),
        ("https://a.test/?b=2&a=1", "https://a.test/?a=1&b=2"),
        ("https://a.test/x?utm_source=a&utm_medium=b&gclid=1&fbclid=2&id=3", "https://a.test/x?id=3"),
        ("https://a.test/x?ref=homepage", "https://a.test/x"),
        ("https://a.test/x?ref=2024-17", "https://a.test/x?ref=2024-17"),
        ("https://a.test/x;jsessionid=0A1B2C?id=1", "https://a.test/x?id=1"),
        ("https://a.test/x?PHPSESSID=abc&id=1", "https://a.test/x?id=1"),
        ("https://a.test/x?sid=0123456789abcdef0123", "https://a.test/x"),
        ("https://a.test/x?sid=17", "https://a.test/x?sid=17"),
        ("https://a.test/x?a=1&amp;b=2", "https://a.test/x?a=1&b=2"),
        ("https://bücher.example/é", "https://xn--bcher-kva.example/%C3%A9"),
        ("https://a.test/%c3%a9%41", "https://a.test/%C3%A9A"),
        ("https://a.test/a b?q=c d", "https://a.test/a%20b?q=c%20d"),
        ("http:\\\\a.test\\x", "http://a.test/x"),
        ("http://a.test\\@b.test/", "http://a.test/@b.test/"),
        ("https://a.test/go?id=5&next=https://b.test/x", "https://a.test/go?id=5&next=https://b.test/x"),
    ],
)
def test_one_page_has_one_spelling(url: str, expected: str) -> None:
    assert canonical(url) == expected


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("/x", "https://a.test/x"),
        ("x", "https://a.test/dir/x"),
        ("../x?b#c", "https://a.test/x?b"),
        ("//b.test/x", "https://b.test/x"),
        ("?page=2", "https://a.test/dir/page?page=2"),
        ("https://c.test/", "https://c.test/"),
        ("", None),
        ("#top", None),
        ("mailto:someone@a.test", None),
        ("javascript:void(0)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("ftp://a.test/x", None),
        ("http://[::1", None),
    ],
)
def test_a_relative_link_is_joined_to_its_page(href: str, expected: str | None) -> None:
    assert canonical(href, "https://a.test/dir/page") == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.test/x",
        "https://",
        "https:///x",
        "https://a..test/",
        "https://-.test:x/",
        "https://a.test:99999/",
        "https://a.test:0/",
        "https://a.test/\x00",
        "https://a.test/a\nb",
        "https://a.test/\u202egnp",
        "https://ex%61mple.com/",
        "https://a.test/" + "x" * 2083,
        "https://a.test/?" + "&".join(f"k{n}=1" for n in range(9)),
        "https://a.test/?" + "&" * 5000,
        "https://" + "a" * 64 + ".test/",
    ],
)
def test_what_cannot_name_a_page_is_refused(url: str) -> None:
    assert canonical(url) is None


def test_eight_parameters_are_allowed_and_trackers_do_not_count() -> None:
    wanted = "&".join(f"k{n}=1" for n in range(8))
    assert canonical(f"https://a.test/?{wanted}&utm_source=x") == f"https://a.test/?{wanted}"


@many
@given(st.text(max_size=50))
def test_a_key_fits_a_signed_64_bit_column(text: str) -> None:
    assert -(2**63) <= key("https://a.test/" + text.encode("utf-8", "replace").decode()) < 2**63


def test_keys_never_change() -> None:
    assert key("https://a.test/article?id=5") == 249518769556293610


@pytest.mark.parametrize(
    ("url", "host", "site"),
    [
        ("https://news.a.example.co.uk/x", "news.a.example.co.uk", "example.co.uk"),
        ("https://www.example.com:8080?x", "www.example.com:8080", "example.com"),
        ("https://daily.northhaven.test/x", "daily.northhaven.test", "northhaven.test"),
        ("https://northhaven.test/", "northhaven.test", "northhaven.test"),
        ("http://localhost:80/", "localhost:80", "localhost"),
        ("http://127.0.0.1:9/", "127.0.0.1:9", "127.0.0.1"),
        ("http://[::1]:9/", "[::1]:9", "[::1]"),
        ("http://user@A.test#x", "a.test", "a.test"),
        ("nothing", "", ""),
    ],
)
def test_host_and_site_of_a_url(url: str, host: str, site: str) -> None:
    assert (host_of(url), site_of(host_of(url))) == (host, site)


def test_the_words_of_a_path_come_without_digits_and_ending() -> None:
    assert words_of("https://a.test/2024/05/World/night-train_returns-123.html?x=y") == [
        "world",
        "night",
        "train",
        "returns",
    ]
    assert words_of("https://a.test/caf%C3%A9") == ["café"]
    assert words_of("https://a.test") == []


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        ("https://a.test/", "/"),
        ("https://a.test/news/2024/05/the-night-train-is-back", "/news/N/N/S"),
        ("https://a.test/News/page2?b=1&a=2", "/news/pageN?a&b"),
        ("https://a.test/story-123456.html", "/S"),
    ],
)
def test_the_shape_of_a_url(url: str, shape: str) -> None:
    assert template_of(url) == shape


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/news/2024/05/a-story", None),
        ("/events/2024/05/12/harbour-festival-opens", None),
        ("/world/europe/world-cup", None),
        ("/10/10/10/story", None),
        ("/a.b/zip", None),
        ("/a/b/c/a/b", "repeated-segments"),
        ("/x/news/y/news/z/news", "repeated-segments"),
        ("/" + "/".join("abcdefghijklm"), "too-deep"),
        ("/calendar/2031/05", "calendar"),
        ("/events/2024/05/12/", "calendar"),
        ("/archive/3024/05/01", "calendar"),
        ("/archive/1802/05/01/story", "calendar"),
        ("/shows?month=2099-05", "calendar"),
        ("/calendar?date=2025-05-01", "calendar"),
        ("/list?date=2025-05-01", None),
        ("/picture.JPG", "not-a-page"),
        ("/report.pdf?download=1", "not-a-page"),
        ("/bundle.js", "not-a-page"),
        ("/story.html", None),
        ("/story.php", None),
    ],
)
def test_traps_are_known_by_their_shape(path: str, reason: str | None) -> None:
    assert looks_like_trap("https://a.test" + path) == reason


@many
@given(st.text(max_size=200))
def test_shapes_of_anything_never_raise(text: str) -> None:
    for look in (words_of, template_of, looks_like_trap, host_of):
        look(text)
    site_of(text)

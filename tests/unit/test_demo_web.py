"""The demo web: enough pages, the hazards it promises, nothing that gives the gold labels away."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from patience import PATIENCE_S

from crawler.demo import gold
from crawler.demo.answers import Answer
from crawler.demo.copies import retell, swap_words
from crawler.demo.sites import BY_HOST, ON_TOPIC, SITES
from crawler.demo.web import DemoWeb
from crawler.demo.world import Placed
from crawler.demo.written import read_all

SUBJECTS = sorted({subject for subject, _ in read_all()})
TRAPS = re.compile(r"/calendar/(?!2026/1[12])|/region/coast/region/|[?&]page=\d{3}")
NOISE = re.compile(r";jsessionid=\w+|[?&](sid|utm_\w+)=\w+")
LINK = re.compile(r"""(?:href=["']|<loc>|<link>|Sitemap: )([^"'<\s]+)""")


@pytest.fixture(scope="module")
def web() -> DemoWeb:
    return DemoWeb.build()


@pytest.fixture(scope="module")
def bodies() -> dict[str, str]:
    fresh = DemoWeb.build()
    return {url: text(get(fresh, url)) for url in fresh.urls}


def get(web: DemoWeb, url: str) -> Answer:
    """Ask up to three times, as a patient crawler does."""
    for _ in range(3):
        answer = web.answer("GET", url, {})
        if answer.status not in {429, 503}:
            break
    return answer


def text(answer: Answer) -> str:
    """Return what the body says, whatever its encoding."""
    if answer.headers.get("content-type") == "application/gzip":
        return gzip.decompress(answer.body).decode()
    latin = "8859-1" in answer.headers.get("content-type", "")
    return answer.body.decode("latin-1" if latin else "utf-8", "replace")


def walk(web: DemoWeb, *, machine: bool = True) -> dict[str, int]:
    """Visit everything robots.txt allows, breadth first; returns each address and its depth."""
    queue = deque((url, 0) for url in web.start_urls)
    if machine:
        queue.extend((site.home + "robots.txt", 0) for site in SITES)
    seen = dict(queue)
    while queue:
        url, depth = queue.popleft()
        answer = get(web, url)
        found = [answer.headers["location"]] if "location" in answer.headers else LINK.findall(text(answer))
        for href in found:
            target = NOISE.sub("", urljoin(url, unescape(href))).split("#")[0]
            parts = urlsplit(target)
            if target in seen or parts.scheme != "http" or parts.netloc not in BY_HOST or TRAPS.search(target):
                continue
            if gold.allowed(target) and (machine or not re.search(r"\.xml", target)):
                seen[target] = depth + 1
                queue.append((target, depth + 1))
    return seen


@pytest.fixture(scope="module")
def reached(web: DemoWeb) -> dict[str, int]:
    return walk(web)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def shingles(paragraphs: tuple[str, ...]) -> frozenset[int]:
    flat = words(" ".join(paragraphs))
    return frozenset(hash(tuple(flat[at : at + 4])) for at in range(len(flat) - 3))


def alike(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)


def filler(web: DemoWeb) -> list[Placed]:
    return [one for one in web.world.placed if one.story == f"{one.article.site}/{one.article.slug}"]


def originals(web: DemoWeb) -> Iterator[tuple[str, Placed]]:
    labels = {article.slug: subject for subject, article in read_all()}
    return (
        (labels[one.story], one) for one in web.world.placed if one.story in labels and one.story == one.article.slug
    )


def test_there_are_enough_pages_on_twelve_sites(web: DemoWeb) -> None:
    pages = web.kinds.total() - web.kinds["machine"]
    assert pages >= 1_500
    assert len(web.sites) == len(web.start_urls) == 12
    assert all(answer.status == 200 for answer in (get(web, url) for url in web.start_urls))


def test_the_hand_written_articles_are_many_and_of_real_length() -> None:
    articles = [article for _, article in read_all()]
    assert len(articles) >= 48
    assert {article.language for article in articles} == {"en", "de"}
    assert all(article.site in BY_HOST for article in articles)
    slugs = Counter(article.slug for article in articles)
    assert max(slugs.values()) == 1, "the gold labels go by slug"
    wrong = {article.slug: article.words for article in articles if not 300 <= article.words <= 900}
    assert not wrong


@pytest.mark.parametrize("subject", ON_TOPIC)
def test_every_fetchable_story_can_be_reached(web: DemoWeb, reached: dict[str, int], subject: str) -> None:
    stories = gold.planted(web, subject)
    missed = [story.id for story in stories if story.fetchable and not reached.keys() & set(story.urls)]
    assert not missed
    assert all(not (reached.keys() & set(story.urls)) for story in stories if not story.fetchable)


def test_some_stories_are_only_in_feeds_or_sitemaps_and_some_lie_deep(web: DemoWeb, reached: dict[str, int]) -> None:
    by_links = walk(web, machine=False)
    roles = Counter(one.role for _, one in originals(web))
    for _, one in originals(web):
        if one.role in {"feed", "news"}:
            assert one.url not in by_links and one.url in reached
    assert roles["feed"] and roles["news"] and roles["private"] and roles["tunnel"] >= 4
    assert sum(by_links.get(one.url, 0) >= 3 for _, one in originals(web)) >= 5


def test_a_tunnelled_story_is_linked_from_an_everyday_page_and_from_no_other(
    web: DemoWeb, bodies: dict[str, str]
) -> None:
    everyday = {url for one in filler(web) for url in one.urls}
    for _, one in originals(web):
        if one.role == "tunnel":
            path = urlsplit(one.url).path
            pages = [url for url, body in bodies.items() if f'{path}"' in NOISE.sub("", body)]
            assert set(pages) - {one.url} <= everyday
            assert len(pages) >= 2


def test_the_same_seed_gives_the_same_pages(bodies: dict[str, str]) -> None:
    again = DemoWeb.build()
    assert again.urls == list(bodies)
    assert all(text(get(again, url)) == body for url, body in bodies.items())
    assert DemoWeb.build(2).urls != again.urls


def test_no_page_gives_the_gold_labels_away(bodies: dict[str, str]) -> None:
    compound = [subject for subject in SUBJECTS if "-" in subject]
    assert not [(url, label) for url, body in bodies.items() for label in compound if label in url + body]
    attribute = re.compile(r"""(?:class|id|name|rel|data-[\w-]+)=["']([^"']*)""")
    marks = {word for body in bodies.values() for value in attribute.findall(body) for word in value.split()}
    assert not marks & set(SUBJECTS)
    assert not [url for url in bodies if set(urlsplit(url).path.split("/")) & set(ON_TOPIC)]


def test_every_article_says_that_it_is_made_up(web: DemoWeb, bodies: dict[str, str]) -> None:
    for one in web.world.placed:
        for url in one.urls:
            assert "suchlike demo web" in bodies[url] and "fictional" in bodies[url], url
    assert len({site.skin for site in SITES}) >= 5


def test_everyday_articles_are_of_length_and_not_copies_of_each_other(web: DemoWeb) -> None:
    articles = [one.article for one in filler(web)]
    assert len(articles) >= 750
    assert all(150 <= article.words <= 350 for article in articles)
    sets = [shingles(article.paragraphs) for article in articles]
    near = sum(alike(one, other) > 0.6 for at, one in enumerate(sets) for other in sets[:at])
    assert near <= 3


def test_everyday_articles_are_never_about_the_subjects(web: DemoWeb) -> None:
    about = re.compile(
        r"\b(dredg\w*|silt\w*|sediment\w*|harbou?rs?|sleeper\w*|couchette\w*|bees?|hives?|honey\w*|bienen?)\b", re.I
    )
    for one in filler(web):
        assert not about.search(" ".join((one.article.title, one.article.standfirst, *one.article.paragraphs)))


def test_agency_copies_are_light_edits_or_verbatim(web: DemoWeb) -> None:
    first = {one.story: one for _, one in originals(web)}
    copies = [one for one in web.world.placed if one.article.section == "agency" and one.story in first]
    on_topic = {story.id for subject in ON_TOPIC for story in gold.planted(web, subject)}
    assert len({one.story for one in copies} & on_topic) >= 8
    scores = [alike(shingles(one.article.paragraphs), shingles(first[one.story].article.paragraphs)) for one in copies]
    assert 1.0 in scores and min(scores) > 0.4 and min(scores) < 0.9


def test_an_edited_copy_has_another_headline_and_three_to_eight_percent_other_words(web: DemoWeb) -> None:
    for _, one in originals(web):
        if one.article.language == "en":
            copy = retell(one.article, "ledger.test", timedelta(minutes=4), web.world.rng("retold"))
            assert copy.title != one.article.title and "(Coastal Wire)" in copy.paragraphs[0]
            swapped = swap_words(one.article.paragraphs, 0.05, web.world.rng("swapped"))
            pairs = list(zip(" ".join(one.article.paragraphs).split(), " ".join(swapped).split(), strict=True))
            assert 0.03 <= sum(old != new for old, new in pairs) / len(pairs) <= 0.08


def test_the_sites_promise_what_real_crawls_meet(web: DemoWeb) -> None:
    status = {
        "http://ledger.test/subscribers/portfolio": 403,
        "http://tidewater-herald.test/live/2": 500,
        "http://inland-echo.test/loop/a": 302,
        "http://meridian-times.test/out": 302,
        "http://northhaven-post.test/nowhere": 404,
        "http://scoreline.test/nowhere": 200,
        "http://inland-echo.test/calendar/9999/12": 200,
        "http://meridian-times.test/region/coast/region/coast/": 200,
        "http://kitchen-table.test/empty": 200,
    }
    assert {url: web.answer("GET", url, {}).status for url in status} == status
    assert web.answer("GET", "http://kitchen-table.test/empty", {}).body == b""
    assert "not found" in text(web.answer("GET", "http://scoreline.test/nowhere", {}))
    assert text(web.answer("GET", "http://kitchen-table.test/old/guestbook", {})).count("<div>") == 20_000
    line = web.answer("GET", "http://inland-echo.test/open-data/parking", {}).body
    assert len(line) > 1_900_000 and b"\n" not in line
    assert web.answer("GET", "http://ledger.test/files/annual-report.pdf", {}).body.startswith(b"%PDF")


def test_a_page_that_was_too_busy_answers_later() -> None:
    web = DemoWeb.build()
    seen = [[web.answer("GET", url, {}).status for _ in range(4)] for url in web._flaky]
    assert sorted(seen) == [[429, 429, 200, 200], [503, 200, 200, 200], [503, 200, 200, 200]]


def test_the_endless_tag_repeats_its_last_page_and_always_offers_another(web: DemoWeb) -> None:
    start = f"http://kitchen-table.test{web._endless}"
    far, further = (text(web.answer("GET", f"{start}?page={page}", {})) for page in (500, 501))
    assert "?page=501" in far and "?page=502" in further
    titles = re.compile(r"<div class=\"m-card\"><h2>(.*?)</h2>")
    assert [re.sub("<.*?>", "", one) for one in titles.findall(far)] == [
        re.sub("<.*?>", "", one) for one in titles.findall(further)
    ]


def test_session_ids_and_tracking_lead_to_the_same_page(web: DemoWeb, bodies: dict[str, str]) -> None:
    plain = next(one.url for one in web.world.placed if one.article.site == "tidewater-herald.test")
    same = {get(web, plain + noise).body for noise in ("", ";jsessionid=0a1b", "?sid=77", "?utm_source=x&utm_medium=y")}
    assert len(same) == 1
    assert any(";jsessionid=" in body for body in bodies.values())


def test_redirects_lead_to_articles_in_up_to_three_steps(web: DemoWeb, bodies: dict[str, str]) -> None:
    start = next(match[0] for body in bodies.values() if (match := re.search(r"(?<=\")/r/1/\d+", body)))
    url, steps = f"http://railview.test{start}", 0
    while "location" in (answer := web.answer("GET", url, {})).headers:
        url, steps = urljoin(url, answer.headers["location"]), steps + 1
    assert steps == 3 and answer.status == 200 and url in web.world.by_url


def test_odd_encodings_are_declared(web: DemoWeb) -> None:
    german = [web.answer("GET", one.url, {}) for one in web.world.placed if one.article.language == "de"]
    assert 3 <= sum("8859-1" in answer.headers["content-type"] for answer in german) < len(german)
    packed = web.answer("GET", "http://coastal-wire.test/", {"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and b"Coastal Wire" in gzip.decompress(packed.body)
    known = web.answer("GET", "http://ledger.test/about", {})
    assert web.answer("GET", "http://ledger.test/about", {"if-none-match": known.headers["etag"]}).status == 304
    assert web.answer("HEAD", "http://ledger.test/about", {}).body == b""


@pytest.mark.parametrize("url", ["http://example.com/", "https://ledger.test/", "http://127.0.0.1/", "/about"])
def test_anything_outside_the_demo_web_is_refused(web: DemoWeb, url: str) -> None:
    assert web.answer("GET", url, {}).status == 403


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "crawler.demo.server", "--port-file", str(tmp_path / "port")]
    command += ["--log", str(tmp_path / "log")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        assert (tmp_path / "port").read_text().strip() == address.rpartition(":")[2]
        yield process, int(address.rpartition(":")[2])
        process.kill()


def test_the_server_answers_as_proxy_and_as_origin_and_ends_with_its_parent(
    server: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    process, port = server
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    asked = {
        "http://ledger.test/about": 200,
        "http://example.com/": 403,
        "http://ledger.test/nowhere": 404,
    }
    for url, status in asked.items():
        connection.request("GET", url)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    connection.request("GET", "/about", headers={"Host": "ledger.test"})
    answer = connection.getresponse()
    assert answer.status == 200 and b"fictional" in answer.read()
    connection.request("HEAD", "http://ledger.test/about")
    answer = connection.getresponse()
    assert int(answer.headers["content-length"]) > 1_000 and answer.read() == b""
    connection.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["status"] for line in lines] == [200, 403, 404, 200, 200]
    assert {"t", "host", "path", "status"} == lines[0].keys()
    assert process.stdin
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("method", "target", "header", "status"),
    [
        ("CONNECT", "ledger.test:443", "", 403),
        ("POST", "http://ledger.test/about", "", 405),
        ("GET", "http://ledger.test/about", "x" * 20_000, 431),
    ],
)
def test_the_server_refuses_tunnels_and_oversized_requests(
    server: tuple[subprocess.Popen[str], int], method: str, target: str, header: str, status: int
) -> None:
    process, port = server
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.putrequest(method, target, skip_host=True)
    connection.putheader("Host", "ledger.test")
    connection.putheader("X-Long", header)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == status
    answer.read()
    connection.close()
    process.terminate()
    assert process.wait(PATIENCE_S) == 0

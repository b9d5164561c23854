"""Every page in a real browser: it shows what is stored, asks nobody else, complains of nothing, and reads well."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import until
from looking import Served, Visit, client, serving, visiting
from lxml import etree

from crawler.project import Project
from pipelines.stores import articles, open_store, tallies, tellings

PATHS = ["/", "/results", "/stories", "/sources", "/queues", "/failures", "/seeds", "/sources?q=ledger"]
LOOKS = [("light", 1100), ("dark", 360)]


def stored(folder: Path) -> list[dict[str, Any]]:
    """What the store holds, best first."""
    with open_store(f"sqlite:///{folder / 'replay.db'}", create=False).read() as connection:
        return list(articles.listed(connection))


def more_paths(folder: Path) -> list[str]:
    """The pages that are about one thing each: the best article, a story with copies, a site."""
    with open_store(f"sqlite:///{folder / 'replay.db'}", create=False).read() as connection:
        best = next(iter(articles.listed(connection)))
        original = tellings.originals(connection)[0][0]
        story = articles.of_rows(connection, [original])[original]["story"]
    return [f"/article/{best['id']}", f"/story/{story}", f"/source/{best['site']}"]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_reads_well_and_fits(
    chromium: Any, dashboard: Served, results: Path, scheme: str, width: int
) -> None:
    looks = {"color_scheme": scheme, "viewport": {"width": width, "height": 740}}
    for visit in visiting(chromium, dashboard.base, dashboard.door, **looks):
        for path in [*PATHS, *more_paths(results)]:
            page = visit.go(path)
            assert page.locator(".badge").inner_text() == "REPLAY", path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than {width}"
            found = Axe().run(page).response["violations"]
            if width > 1000:
                head = "document.querySelector('header.top nav').offsetTop - document.querySelector('.who').offsetTop"
                assert abs(page.evaluate(head)) < 20, f"the head of {path} takes two lines"
            serious = [(one["id"], one["nodes"][0]["html"][:200]) for one in found
                       if one["impact"] in ("serious", "critical")]  # fmt: skip
            assert serious == [], path


def test_the_overview_adds_up(visit: Visit, results: Path) -> None:
    page = visit.go("/")
    visit.until("document.querySelectorAll('#fates tbody tr').length > 3")
    held = stored(results)
    with open_store(f"sqlite:///{results / 'replay.db'}", create=False).read() as connection:
        matches = tallies.matches(connection)
    assert page.locator("#numbers dd").first.inner_text() == str(matches)
    assert page.locator("#latest li").count() == min(12, len(held))
    fates = page.locator("#fates tbody tr:not(.reason) td.num").all_inner_texts()
    assert f"{sum(map(int, fates))} pages fetched" in page.locator("#fates caption").inner_text()
    visit.until("document.querySelector('#harvest canvas') !== null")
    latest = [column[-1] for column in json.loads(page.locator("#harvest").get_attribute("data-numbers"))]
    legend = page.locator("#harvest .u-legend .u-value").all_inner_texts()
    assert legend == [f"{latest[0]:.0f}", f"{latest[1]:.1f}", f"{latest[2]:.0f}"]


def test_results_are_in_order_and_lead_to_their_articles(visit: Visit, results: Path) -> None:
    page = visit.go("/results")
    held = stored(results)
    assert page.locator("#rows a[data-open]").all_inner_texts() == [one["title"] for one in held[:50]]
    page.locator("#rows a[data-open]").first.click()
    page.wait_for_url("**/article/*")
    assert page.locator("h1").inner_text() == held[0]["title"]
    assert page.locator(".text mark").count() > 3
    assert page.locator(".seed").count() == 1
    shown = [float(text.replace("\u2212", "-")) for text in page.locator(".parts td.num").all_inner_texts()]
    logit = float(page.locator(".parts caption").inner_text().split("add up to ")[1].split(",")[0])
    assert abs(sum(shown) - logit) < 0.03
    text = page.locator(".facts").inner_text()
    assert held[0]["sha256"] in text
    assert f"curl --location --compressed --user-agent suchlike/0.1 {held[0]['url']}" in text


def test_filters_that_nothing_fits_say_so_and_how_to_go_on(visit: Visit) -> None:
    page = visit.go("/results?since=yesterday")
    assert page.get_by_role("alert").inner_text().startswith("From: 'yesterday' is no day")
    page = visit.go("/results?q=zeppelins")
    assert "No match fits these filters" in page.locator("#rows .empty").inner_text()
    page.get_by_role("link", name="Clear them").click()
    page.wait_for_url("**/results")
    assert page.locator("#rows li[data-row]").count() > 3


def test_paper_shows_what_was_found_and_nothing_to_press(visit: Visit) -> None:
    page = visit.go("/results")
    page.emulate_media(media="print")
    assert page.locator("#rows .what").first.is_visible()
    for pressed in ("header.top nav", "#filters", ".rater", "[data-select]"):
        assert not page.locator(pressed).first.is_visible(), pressed


def test_a_rating_that_cannot_be_done_says_why_beside_the_page(visit: Visit) -> None:
    page = visit.go("/results")
    page.get_by_role("button", name="+ like", exact=True).click()
    visit.until("document.querySelector('#sheet [role=alert]') !== null")
    assert page.locator("#sheet").inner_text() == "Select what you want to rate first."
    page.keyboard.press("Escape")
    assert page.locator("#sheet").inner_text() == ""
    assert [one for one in visit.complaints if "400" not in one] == []
    visit.complaints.clear()


def test_a_search_finds_while_one_types(visit: Visit) -> None:
    page = visit.go("/results")
    page.locator("#q").press_sequentially("dredging tender")
    visit.until("document.querySelectorAll('#rows .snippet mark').length > 0")
    assert "q=dredging" in page.url
    for title in page.locator("#rows .what").all_inner_texts():
        assert "dredging" in title.lower() or "tender" in title.lower()


def test_the_slider_says_what_a_threshold_would_keep(visit: Visit, results: Path) -> None:
    page = visit.go("/results")
    page.locator("#least").fill("0.9")
    visit.until("document.getElementById('kept').textContent.startsWith('a threshold of 0.90')")
    visit.until("location.search.includes('least=0.9')")
    best = [one for one in stored(results) if one["score"] >= 0.9]
    visit.until(f"document.querySelectorAll('#rows li[data-row]').length === {min(50, len(best))}")
    curve = json.loads(page.locator(".slider").get_attribute("data-curve"))
    assert f"keeps {curve[90]} of {curve[0]}" in page.locator("#kept").inner_text().replace("\u202f", "")


@pytest.mark.parametrize(("path", "place"), [("/results", "#kept"), ("/seeds", "#thresholds ~ form output")])
def test_the_threshold_in_force_keeps_what_matches(visit: Visit, path: str, place: str) -> None:
    visit.until("document.querySelector('#numbers dd') !== null")
    matching = visit.page.locator("#numbers dd").first.inner_text().split()[0]
    visit.go(path)
    visit.until(f"document.querySelector('{place}')?.textContent.includes(' keeps {matching} of ')")
    if path == "/seeds":
        visit.until(f"document.querySelector('figure .u-legend').textContent.includes('{matching}')")


def test_where_languages_are_asked_for_it_is_said_that_the_slider_goes_by_the_score_alone(copied: Path) -> None:
    assert len(stored(copied)) > 0
    Project(copied).rejudge(languages=["de"])
    asked = client(copied)
    until(lambda: "judged articles" in asked.get("/seeds").text, "the totals")
    seeds, results = asked.get("/seeds").text, asked.get("/results").text
    assert "by the score alone" in seeds and "the slider goes by the score alone" in results
    curve = json.loads(html.unescape(re.findall(r'data-curve="([^"]+)"', results)[0]))
    threshold = float(re.findall(r'data-now="([^"]+)"', results)[0])
    kept = re.findall(r"keeps ([\d\u202f]+) of", results)[0].replace("\u202f", "")
    assert int(kept) == curve[round(threshold * 100)] > 0


def test_two_tellings_of_a_story_are_compared(visit: Visit) -> None:
    page = visit.go("/stories")
    assert "told more than once, the latest found first" in page.locator("main p").first.inner_text()
    page.locator("a[data-open]").first.click()
    page.wait_for_url("**/story/*")
    assert page.locator("tbody tr[data-row]").count() >= 2
    assert page.locator("table.diff tbody tr").count() >= 1
    page.locator("input[name=a]").last.check()
    page.locator("input[name=b]").first.check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**a=*")
    assert page.locator("table.diff").count() == 1


def test_the_keyboard_is_enough(visit: Visit, results: Path) -> None:
    page = visit.go("/")
    page.keyboard.press("2")
    page.wait_for_url("**/results")
    held = stored(results)
    for key in "jjk":
        page.keyboard.press(key)
    assert page.locator("[aria-current=true] a[data-open]").inner_text() == held[0]["title"]
    page.keyboard.press("x")
    assert page.locator("[data-select]").first.is_checked()
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/article/*")
    assert page.locator("h1").inner_text() == held[1]["title"]
    page.keyboard.press("/")
    page.wait_for_url("**/results")
    page.keyboard.press("/")
    page.keyboard.type("silt")
    visit.until("location.search.includes('q=silt')")


def test_seeds_show_who_resembles_whom(visit: Visit, results: Path) -> None:
    page = visit.go("/seeds")
    loaded = "document.readyState === 'complete'"
    visit.until(f"{loaded} && (document.querySelector('table.matrix') !== null || (location.reload(), false))")
    number = sum(1 for file in (results / "seeds").iterdir() if file.name != "seed.toml")
    rows = page.locator("table.matrix tbody tr")
    assert rows.count() == number > 1
    assert page.locator("table.matrix tbody td").count() == number**2
    assert page.locator("ul.words li").count() >= 10


@pytest.fixture
def changeable(chromium: Any, copied: Path) -> Iterator[Visit]:
    """A tab on a dashboard whose store may be changed."""
    for served in serving(copied):
        yield from visiting(chromium, served.base, served.door)


@pytest.mark.slow
def test_a_rating_is_shown_first_then_done_then_taken_back(changeable: Visit, copied: Path) -> None:
    page = changeable.go("/results")
    page.keyboard.press("j")
    title = page.locator("[aria-current=true] a[data-open]").inner_text()
    page.keyboard.press("-")
    changeable.until("document.querySelector('#sheet .sheet') !== null")
    assert "would leave" in page.locator("#sheet").inner_text()
    assert title in [one["title"] for one in stored(copied)]
    page.keyboard.press("Enter")  # the button has the focus
    changeable.until("document.querySelector('#sheet .sheet') === null")
    assert title not in [one["title"] for one in stored(copied)]
    page = changeable.go("/seeds")
    page.get_by_role("button", name="Take the last one back").click()
    changeable.until("document.querySelector('#sheet .sheet') !== null")
    page.get_by_role("button", name="Do it").click()
    changeable.until("document.querySelector('#sheet .sheet') === null")
    assert title in [one["title"] for one in stored(copied)]


@pytest.mark.slow
def test_everything_works_without_javascript(chromium: Any, copied: Path) -> None:
    for served in serving(copied):
        for visit in visiting(chromium, served.base, served.door, java_script_enabled=False):
            for path in [*PATHS, *more_paths(copied)]:
                assert visit.go(path).locator("main").inner_text().strip(), path
            page = visit.go("/")
            assert page.locator("#harvest svg polyline").count() == 1
            page.goto(f"{served.base}/results")
            page.locator("#q").fill("dredging")
            page.get_by_role("button", name="Show").click()
            assert "q=dredging" in page.url
            assert page.locator("#rows mark").count() > 0
            page.goto(f"{served.base}/results?least=0.95")
            title = page.locator("a[data-open]").first.inner_text()
            page.locator("button[name=unlike]").first.click()
            page.get_by_role("button", name="Do it").click()
            page.wait_for_url("**/results**")
            assert title not in [one["title"] for one in stored(copied)]
            page.goto(f"{served.base}/source/ledger.test")
            page.get_by_role("button", name="Block", exact=True).click()
            assert page.locator("h1 .chip").inner_text() == "blocked"
            page.get_by_role("button", name="Unblock").click()
            assert page.locator("h1 .chip").count() == 0


def test_without_a_store_it_says_what_to_do(tmp_path: Path) -> None:
    answer = client(tmp_path).get("/")
    assert answer.status_code == 200
    assert "<code>suchlike run</code>" in answer.text and "`" not in answer.text
    assert client(tmp_path).get("/api/v1/articles").status_code == 400


def test_the_api_tells_what_the_command_line_tells(results: Path, suchlike: Any) -> None:
    asked = client(results)
    first = asked.get("/api/v1/articles", params={"limit": "10"}).json()
    rest = asked.get("/api/v1/articles", params={"limit": "200", "after": first["after"]}).json()
    held = [{k: v for k, v in one.items() if k != "text"} for one in stored(results)]
    assert first["articles"] + rest["articles"] == held
    assert rest["after"] is None
    url = held[0]["url"]
    assert asked.get("/api/v1/show", params={"url": url}).json()["article"]["title"] == held[0]["title"]
    assert asked.get("/api/v1/explain", params={"url": url}).json()["parts"]
    found = asked.get("/api/v1/search", params={"q": "dredging", "text": "1"}).json()["articles"]
    assert all("dredging" in f"{one['title']} {one['text']}".lower() for one in found)
    fates = asked.get("/api/v1/fates").json()
    assert fates["fetched"] == fates["stored"] + fates["duplicate"] + sum(fates["dropped"].values()) + sum(
        fates["dead"].values()
    )
    assert asked.get("/api/v1/stories").json()["stories"][0]["copies"]
    status = asked.get("/api/v1/status").json()
    assert set(status) == {"queues", "workers", "frontier", "runs", "pressure", "tuning", "schedules"}
    assert asked.get("/api/v1/show", params={"url": "https://nowhere.test/"}).status_code == 400
    assert "error" in asked.get("/api/v1/search", params={"q": ""}).json()


def test_feeds_hold_the_latest_matches_and_open_by_their_own_key(results: Path) -> None:
    stranger = client(results, known=False)
    for path in ("/feed.xml", "/feed.json"):
        assert stranger.get(path).status_code == 401
        assert stranger.get(path, params={"key": "a" * 32}).status_code == 401
    key = stranger.app.state.access.feed_key  # type: ignore[attr-defined]  # Starlette's
    assert stranger.get("/results", params={"key": key}).status_code == 401
    told = stranger.get("/feed.json", params={"key": key}).json()
    held = stored(results)
    assert {one["url"] for one in told["items"]} == {one["url"] for one in held[:50]}
    atom = stranger.get("/feed.xml", params={"key": key, "profile": "harbour"})
    assert atom.headers["content-type"].startswith("application/atom+xml")
    assert len(etree.fromstring(atom.content).findall("{*}entry")) == len(told["items"])
    nobody = stranger.get("/feed.json", params={"key": key, "profile": "nobody"})
    assert nobody.json()["items"] == []


def test_metrics_are_open_on_this_machine_and_nowhere_else(results: Path) -> None:
    local = client(results, known=False)
    text = local.get("/metrics").text
    assert "suchlike_run_pages" in text and "suchlike_up 1.0" in text
    assert local.get("/metrics", headers={"host": "evil.example"}).status_code == 421
    public = client(results, known=False, is_local=False)
    assert public.get("/metrics").status_code == 401
    shown = {"authorization": "Bearer a-token-that-nobody-guesses"}
    assert public.get("/metrics", headers=shown).status_code == 200
    proxied = client(results, known=False, hosts=frozenset({"desk.example"}))
    assert proxied.get("/metrics", headers={"host": "desk.example"}).status_code == 401

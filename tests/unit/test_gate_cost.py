"""The gate spares what is unlike: one lexbor parse, no trafilatura, no lxml; and it hardly loses what is alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crawler.demo.web import DemoWeb
from crawler.reading.gate import Gate, is_html
from pipelines import seeds
from pipelines.extract import NotAnArticle, extract
from pipelines.likeness.profile import Profile
from pipelines.stores.states import State

ROOT = Path(__file__).resolve().parents[2]
LOOKS = """
import sys
from selectolax import lexbor
from crawler.reading import glance
from crawler.reading.gate import Gate
from pipelines.likeness.profile import Profile
from pipelines.stores.states import State

parses = []
def counted(*arguments, **named):
    parses.append(1)
    return lexbor.LexborHTMLParser(*arguments, **named)
glance.LexborHTMLParser = counted

seed = "The harbour will be dredged so that larger ships can berth at the fourth quay of the old port. " * 8
gate = Gate(Profile.learn([("seed", "Dredging", seed, "en")]), keeps_all=False)
bread = "<p>Knead the dough for ten minutes until it is smooth, then leave it in a warm bowl under a damp towel.</p>"
page = f"<html><head><title>A loaf of rye</title></head><body><article>{bread * 9}</article></body></html>".encode()
for number in range(20):
    look = gate.look(page, f"https://food.test/{number}", {"content-type": "text/html"})
    assert (look.state, look.reason) == (State.DROPPED, "unlike"), look
print(len(parses), *sorted({name.partition(".")[0] for name in sys.modules} & {"trafilatura", "lxml", "htmldate"}))
"""


def test_a_gated_page_is_parsed_once_by_lexbor_and_by_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", LOOKS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["20"]


@pytest.mark.slow
def test_on_the_demo_the_gate_spares_seven_in_ten_pages_and_loses_one_in_a_hundred_of_the_matches_at_most() -> None:
    read = seeds.read([ROOT / "seeds" / "harbour-dredging"]).seeds
    profile = Profile.learn([(one.name, one.title, one.text, one.language) for one in read])
    gate, web = Gate(profile, keeps_all=False), DemoWeb.build()
    looked, spared, kept, lost = 0, 0, 0, []
    # every third of some 1,500 pages: the others are of the same making
    for url in web.urls[::3]:
        answer = web.answer("GET", url, {})
        if answer.status != 200 or not is_html(answer.body, answer.headers):
            continue
        looked += 1
        passed = gate.look(answer.body, url, answer.headers).state == State.FETCHED
        spared += not passed
        try:
            found = extract(answer.body, url, headers=answer.headers)
        except NotAnArticle:
            continue
        likeness = profile.score(found.title, found.text, found.language)
        if likeness.score >= profile.threshold():
            kept += 1
            lost += [] if passed else [url]
    assert looked > 300
    assert spared >= 0.7 * looked
    assert kept > 5
    assert len(lost) <= 0.01 * kept, lost

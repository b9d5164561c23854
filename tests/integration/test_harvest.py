"""The order of the frontier on recorded webs: what a crawl finds with its budget, against the orders it must beat."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import harvest
from pipelines.likeness.read import Reader

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "web" / "pages.jsonl.gz"
# none that was looked at while the order was made
SUBJECTS = ("Geography.European_Geography.European_Countries", "People.Writers_and_critics", "Science.Biology.Plants")


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the benchmark remembers of its readings ends with the test."""
    for method in ("read", "vectors"):
        monkeypatch.setattr(Reader, method, getattr(Reader, method))


def found(*arguments: str) -> harvest.Curves:
    """Start -> order -> the mean curve of recall."""
    orders = [word for order in ("focus", "shark", "breadth") for word in ("--order", order)]
    curves, _ = harvest.measure(harvest.chosen_by([*arguments, *orders, "--jobs", "1"]))
    return curves


@pytest.mark.slow
def test_on_the_demo_web_the_order_finds_twice_what_breadth_first_does() -> None:
    by = found("--web", "demo", "--start", "starts", "--pages", "300")["starts"]
    assert by["focus"][-1] >= 2 * by["breadth"][-1] > 0
    assert sum(by["focus"]) >= sum(by["shark"])


@pytest.mark.slow
@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded web is not beside the project")
def test_on_a_recorded_web_the_order_is_ahead_of_breadth_first_and_shark_search() -> None:
    subjects = [word for subject in SUBJECTS for word in ("--subject", f"subject.{subject}")]
    curves = found("--web", str(RECORDED), *subjects)
    for by in curves.values():
        assert by["focus"][-1] >= 1.3 * by["breadth"][-1] > 0
        assert by["focus"][-1] >= 1.1 * by["shark"][-1] > 0

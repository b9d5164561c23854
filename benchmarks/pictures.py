"""Takes the pictures of the dashboard in docs/pictures: every page, light and dark, of a demo that has run.

    suchlike demo && python benchmarks/pictures.py suchlike-demo

Needs the test extra and Debian's Chromium; nothing is fetched from anywhere.
"""

from __future__ import annotations

import argparse
import base64
import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run"]  # fmt: skip
PAGES = ("overview", "results", "article", "stories", "story", "sources", "queues", "failures", "seeds")
SIZE = {"width": 1100, "height": 700}
TOKEN = "the-token-of-the-pictures"
OUT = Path(__file__).parents[1] / "docs" / "pictures"


def main() -> None:
    """Serves the demo's folder and looks at each page twice."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    folder = asked.parse_args().folder
    OUT.mkdir(exist_ok=True)
    server = subprocess.Popen(
        [sys.executable, "-m", "crawler", "-C", str(folder), "--mode", "demo", "web"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "SUCHLIKE_WEB__TOKEN": TOKEN},
    )  # fmt: skip
    assert server.stderr is not None
    try:
        door = server.stderr.readline().split()[-1]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            for scheme in ("light", "dark"):
                page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
                page.set_default_timeout(120_000)
                page.goto(door)
                base = door.partition("/?")[0]
                page.wait_for_url(f"{base}/")
                for name in PAGES:
                    show(page, base, name)
                    page.wait_for_timeout(800)
                    (OUT / f"{name}-{scheme}.webp").write_bytes(taken(page))
            browser.close()
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()


def taken(page: Page) -> bytes:
    """What is in view, as WebP: of Playwright's own formats none is as small."""
    asked = {"format": "webp", "quality": 72}
    return base64.b64decode(page.context.new_cdp_session(page).send("Page.captureScreenshot", asked)["data"])


def show(page: Page, base: str, name: str) -> None:
    """Opens a page; an article and a story by the first link that leads to one."""
    listed = {"article": "results", "story": "stories"}.get(name, name)
    page.goto(base + ("/" if listed == "overview" else f"/{listed}"))
    while "eing counted" in page.content() or "eing worked out" in page.content():
        page.wait_for_timeout(500)
        page.reload()
    if name != listed:
        page.locator("a[data-open]").nth(1 if name == "article" else 0).click()
        page.wait_for_url(f"**/{name}/*")


if __name__ == "__main__":
    main()

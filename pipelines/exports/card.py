"""The dataset card: what a corpus is, where it came from and what its publishers say about its use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_SITES = 20
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#"})


def card(title: str, told: Mapping[str, Any]) -> str:
    """README.md of a Hugging Face folder; `told` is the manifest's entry of the whole."""
    return f"---\n{_front(title, told)}---\n\n# {_plain(title)}\n\n{_about(told)}\n{_made(told)}\n{_rights(told)}"


def _front(title: str, told: Mapping[str, Any]) -> str:
    """The card's YAML, of which JSON is a part, but for its escapes of letters."""
    number = told["articles"]
    size = next((name for most, name in _SIZES if number < most), "n>1M")
    files = [{"split": one["split"], "path": one["file"]} for one in told["splits"]]
    lines = {
        "pretty_name": " ".join(title.split()),
        "language": sorted(code for code in told["languages"] if len(code) in (2, 3) and code.isalpha()),
        "size_categories": [size],
        "license": "other",
        "license_name": "of-the-publishers",
        "tags": ["news", "web-crawl", "suchlike"],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in lines.items())


def _about(told: Mapping[str, Any]) -> str:
    span = told["published"]
    dates = f", published from {span[0][:10]} to {span[1][:10]}" if span else ""
    sites = sorted(told["sites"].items(), key=lambda one: (-one[1], one[0]))
    rows = "".join(f"| {_plain(site)} | {number} |\n" for site, number in sites[:_SITES])
    more = f"\n… and {len(sites) - _SITES} sites more.\n" if len(sites) > _SITES else ""
    splits = ", ".join(f"{one['split']} {one['articles']}" for one in told["splits"])
    return (
        f"{told['articles']} articles from {len(sites)} sites{dates}, found because they resemble a few example "
        f"articles.\n\nSplits: {splits}. All articles that tell one story are in one split.\n\n"
        f"| site | articles |\n|---|---|\n{rows}{more}"
    )


def _made(told: Mapping[str, Any]) -> str:
    seeds = "".join(f"- {_plain(one['name'])} (sha256 of its text: `{one['sha256']}`)\n" for one in told["seeds"])
    mode = {"demo": "an invented web: no article here is real", "replay": "recorded pages", "online": "the web"}
    tools = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    return (
        f"## How it was made\n\nCrawled from {mode.get(told.get('mode', ''), 'the web')} by suchlike ({tools}), "
        f"configuration `{told.get('config', '')}`. `score` is how much an article resembles the seeds (0 to 1), "
        "`copy_of` the URL of the original where it is a copy.\n"
        + (f"\nSeeds:\n\n{seeds}" if seeds else "")
        + "\n`MANIFEST.json` holds the SHA-256 of every file; `suchlike verify` checks them.\n"
    )


def _rights(told: Mapping[str, Any]) -> str:
    rights, left = told["rights"], told["left_out"]
    omitted = ", ".join(f"{number} ({reason})" for reason, number in left.items()) or "none"
    filtered = f"Left out for what their pages say, for the purpose of {told['purpose']}: {omitted}."
    return (
        "## Rights\n\nThe texts are their publishers'. Nothing here grants a licence to them.\n\n"
        f"Of the articles here, {rights['tdm_reserved']} reserve text and data mining, {rights['noindex']} ask not to "
        f"be indexed. {filtered if told['purpose'] else 'None was left out for what its page says.'}\n"
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).translate(_SIGNS)

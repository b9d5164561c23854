"""Pages of the documentation site that follow from the code: made anew whenever it is built, so never stale."""

from __future__ import annotations

import ast
import inspect
import json
import re
import tempfile
import textwrap
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from crawler import Match, Matches, Project
from crawler.cli.app import app
from crawler.cli.configuring import _plain, _toml, _variable, has_variable, meanings
from crawler.cli.examples import EXAMPLES
from pipelines.provenance import settings
from pipelines.stores.wanted import Wanted

ROOT = Path(__file__).parent.parent
# said once, above all verbs
_EVERYWHERE = re.compile(r"\*\*At any place\*\*:\n\n(?:\* .*\n)+\n?")
_USAGE = re.compile(r"^(##+) suchlike ([\w -]+)\n\n```console\n.*?```\n", re.MULTILINE | re.DOTALL)


def on_files(site: Any, config: Any) -> Any:
    """Adds the pages to those in docs/."""
    pages = {
        "reference/verbs.md": verbs(),
        "reference/settings.md": every_setting(),
        "reference/records.md": records(),
        "reference/python.md": python(),
        "notebook.md": notebook(ROOT / "docs" / "notebook.ipynb"),
        "contributing.md": at_the_root("CONTRIBUTING.md"),
        "changelog.md": at_the_root("CHANGELOG.md"),
    }
    for name, text in pages.items():
        site.append(File.generated(config, name, content=text))
    return site


def at_the_root(name: str) -> str:
    """A page of the repository's root, whose links into docs/ lead beside it here."""
    return (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")


def verbs() -> str:
    """Every verb as its help tells it, with its example."""
    text = app.generate_docs(output_format="markdown")
    flags = _EVERYWHERE.search(text)
    assert flags is not None

    def with_example(usage: re.Match[str]) -> str:
        example = EXAMPLES.get(usage[2])
        return f"{usage[0]}\nExample: `{example}`\n" if example else usage[0]

    body = _USAGE.sub(with_example, _EVERYWHERE.sub("", text[text.index("\n## suchlike ") :]))
    return f"# Verbs\n\nAs `suchlike VERB --help` tells them.\n\n{flags[0]}\n{body}"


def every_setting() -> str:
    """Every setting with its default, its meaning and its variable."""
    told = meanings()
    lines = [
        "# Settings",
        "",
        "Lines of `suchlike.toml`, all optional, or environment variables, which win over it. `suchlike config show`",
        "prints each value and where it was set. You choose the names of profiles and schedules.",
        "",
    ]
    section = ""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "suchlike.toml").write_text('[profile.floods]\n[schedule]\nfloods = "every 6h"\n')
        for one in settings(Path(folder)):
            name, _, key = one.key.rpartition(".")
            if name != section:
                section = name
                lines += ["", f"## [{section}]", "", "| setting | default | | environment |", "|---|---|---|---|"]
            elif not name and key == "mode":
                lines += ["| setting | default | | environment |", "|---|---|---|---|"]
            meaning = told[_plain(one.key)]
            if not any(choice in meaning for choice in one.choices) and one.choices:
                meaning += f"; one of {', '.join(one.choices)}"
            variable = f"`{_variable(one.key)}`" if has_variable(one.key) else ""
            lines.append(f"| `{key}` | `{_toml(one.default)}` | {meaning} | {variable} |")
    return "\n".join(lines) + "\n"


def records() -> str:
    """What other programs may rely on, as `suchlike help contract` prints it."""
    contract = (files("crawler.cli") / "contract.md").read_text(encoding="utf-8")
    return f"{contract}\nWhat each field of an article means: [Exports](../exports.md#fields).\n"


def python() -> str:
    """The classes of the Python API with what their docstrings say."""
    parts = ["# Python", "", "As the docstrings tell it; [the guide](../guide.md#python) shows it in use.", ""]
    for one, place in (
        (Project, "crawler"),
        (Matches, "crawler"),
        (Match, "crawler"),
        (Wanted, "pipelines.stores.wanted"),
    ):
        parts += [f"## {one.__name__}", "", "```python", f"from {place} import {one.__name__}", "```", ""]
        parts += [inspect.getdoc(one) or "", "", *_members(one)]
    return "\n".join(parts)


def _members(one: type) -> Iterator[str]:
    """Fields and public methods of a class, as its source has them."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
    assert isinstance(tree, ast.ClassDef)
    fields = [ast.unparse(node) for node in tree.body if isinstance(node, ast.AnnAssign)]
    if fields := [field for field in fields if not field.startswith("_")]:
        yield "\n".join(["```python", *fields, "```", ""])
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not (told := ast.get_docstring(node)):
            continue
        if node.name == "__init__" or not node.name.startswith("_"):
            name = one.__name__ if node.name == "__init__" else node.name
            taken = "" if node.decorator_list else f"({ast.unparse(node.args).removeprefix('self').removeprefix(', ')})"
            given = f" -> {ast.unparse(node.returns)}" if node.returns and name == node.name else ""
            typed = textwrap.fill(f"{name}{taken}{given}", 80)
            yield f"### {name}\n\n```python\n{typed}\n```\n\n{told}\n"


def notebook(file: Path) -> str:
    """A notebook's cells, without what they gave."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    parts = [
        text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
        for cell, text in zip(cells, texts, strict=True)
    ]
    return "\n\n".join([*parts, "[Download this notebook](notebook.ipynb)"]) + "\n"

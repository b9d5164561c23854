"""Files of any kind become a seed set; each bad one is told in one sentence, and the others still work."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from conftest import bounded_by_permissions, cpu_within

from crawler.project import Project
from pipelines import seeds
from pipelines.errors import SeedError
from pipelines.likeness.profile import Profile
from pipelines.seeds import SeedSet, keeping, read
from pipelines.seeds.read import MAX_TEXTS

SENTENCES = [
    "The harbour board voted on Tuesday to dredge the northern channel twice a year, at a cost of four million crowns.",
    "Ingrid Solle, who chairs it, said that the silt had come faster than anyone expected after such a wet autumn.",
    "Fishermen had asked for the work to wait until the herring were gone, and were told on Friday that it could not.",
]
OTHER = [sentence.replace("the", "some").replace("The", "Every") for sentence in SENTENCES[::-1]]
TEXT = "\n".join(SENTENCES)
HEADLINES = "\n".join(f"Councillors argue over road number {number} and its lamps" for number in range(8))
SETS = Path(__file__).parents[2] / "seeds"

Make = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "harbour"
    made.mkdir()
    (made / "good.txt").write_text(TEXT, "utf-8")
    return made


def html(paragraphs: list[str]) -> str:
    body = "".join(f"<p>{sentence}</p>" for sentence in paragraphs)
    link = '<link rel="canonical" href="https://paper.test/mud">'
    return f"<html><head><title>Mud is back</title>{link}</head><body><h1>Mud is back</h1>{body}</body></html>"


def only(found: SeedSet) -> seeds.Seed:
    assert [problem.message for problem in found.problems] == []
    assert len(found.seeds) == 1
    return found.seeds[0]


@pytest.mark.parametrize(
    ("name", "content", "title", "url"),
    [
        ("mud.txt", "Mud is back in the harbour\n\n" + TEXT, "Mud is back in the harbour", ""),
        ("mud", TEXT, "The harbour board voted on Tuesday to dredge the northern channel twice …", ""),
        ("mud.md", f'---\ntitle: "Mud"\nurl: https://paper.test/mud\n---\n{TEXT}', "Mud", "https://paper.test/mud"),
        ("mud.md", f"# Mud is **back**\n\n[The](https://x.test) story.\n\n{TEXT}", "Mud is back", ""),
        ("mud.html", html(SENTENCES), "Mud is back", "https://paper.test/mud"),
        ("mud.json", json.dumps({"title": "Mud", "body": TEXT, "url": "https://a.test/"}), "Mud", "https://a.test/"),
        ("mud.jsonl", json.dumps({"headline": "Mud", "articleBody": TEXT}) + "\n\n", "Mud", ""),
        ("mud.eml", f"Subject: Fwd: Mud\nContent-Type: text/plain; charset=utf-8\n\n{TEXT}\n\n-- \nJane\n", "Mud", ""),
        ("mud.eml", f"Subject: Mud\nContent-Type: text/html\n\n{html(SENTENCES)}", "Mud", "https://paper.test/mud"),
    ],
)
def test_each_kind_of_file_is_read(tmp_path: Path, name: str, content: str, title: str, url: str) -> None:
    file = tmp_path / name
    file.write_text(content, "utf-8")
    seed = only(read([file]))
    assert (seed.name, seed.path, seed.title, seed.url) == ("mud", str(file), title, url)
    assert seed.text.endswith(TEXT)
    assert seed.language == "en"
    assert seed.dropped_lines == ()


def test_packed_pages_and_old_charsets_are_read(tmp_path: Path) -> None:
    (tmp_path / "page.html.gz").write_bytes(gzip.compress(html(SENTENCES).encode()))
    (tmp_path / "old.txt").write_bytes("\r\n".join(["Grüße aus dem Hafen, sagte sie.", *OTHER]).encode("cp1252"))
    found = read([tmp_path])
    assert [seed.name for seed in found.seeds] == ["old", "page"]
    assert found.seeds[0].text.startswith("Grüße aus dem Hafen")


def test_stray_headlines_are_dropped_and_told_unless_cut_is_off(folder: Path) -> None:
    (folder / "good.txt").write_text(f"{TEXT}\n\n\n{HEADLINES}\n", "utf-8")
    seed = only(read([folder]))
    assert seed.dropped_lines == tuple(HEADLINES.splitlines())
    assert seed.text == TEXT
    (folder / "seed.toml").write_text('[files."good.txt"]\ncut = false\n', "utf-8")
    assert only(read([folder])).text == f"{TEXT}\n{HEADLINES}"


def test_addresses_are_kept_to_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.url").write_text("[InternetShortcut]\r\nURL=https://paper.test/1\r\n", "utf-8")
    (tmp_path / "some.urls").write_text("# mud\nhttps://paper.test/2\n\nhttps://paper.test/1\n", "utf-8")
    (tmp_path / "list.txt").write_text("https://paper.test/3\nhttps://paper.test/4\n", "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"# from elsewhere\nhttps://paper.test/5\n{tmp_path}\n"))
    found = read(["-", "https://paper.test/6"])
    assert found.urls == tuple(f"https://paper.test/{number}" for number in (5, 3, 4, 1, 2, 6))
    assert not found.seeds
    assert not found.problems


def test_seed_toml_names_the_set_and_passes_settings_on(folder: Path) -> None:
    (folder / "seed.toml").write_text(
        'name = "floods"\nabout = "mud"\nlanguage = "de"\nthreshold = 0.4\nfeeds = ["https://a.test/rss"]\n'
        '[files."good.txt"]\ntitle = "Mud"\nurl = "https://a.test/mud"\n[[expect]]\nfile = "good.txt"\n',
        "utf-8",
    )
    found = read([folder])
    assert (found.name, found.about) == ("floods", "mud")
    assert found.settings == {"threshold": 0.4, "feeds": ["https://a.test/rss"]}
    seed = only(found)
    assert (seed.language, seed.title, seed.url) == ("de", "Mud", "https://a.test/mud")


def test_a_schedule_in_seed_toml_is_said_to_count_for_nothing(folder: Path) -> None:
    (folder / "seed.toml").write_text('every = "1h"\n', "utf-8")
    found = read([folder])
    assert len(found.seeds) == 1 and found.settings == {}
    (problem,) = found.problems
    assert problem.message == (
        f'{folder / "seed.toml"}: every = "1h" counts for nothing here; write it in the profile, in suchlike.toml.'
    )


def test_what_the_project_or_a_flag_says_beats_seed_toml_also_where_it_is_a_default(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "seed.toml").write_text('grain = "beat"\nthreshold = 0.4\n', "utf-8")
    (tmp_path / "suchlike.toml").write_text("[profile.mud]\n")
    project, found = Project(tmp_path), read([folder])

    def wanted(overrides: dict[str, Any] | None = None) -> tuple[str, str | float]:
        _, profile = project.config(overrides, found).only_profile()
        return profile.grain, profile.threshold

    assert wanted() == ("beat", 0.4)
    assert wanted({"profile": {"mud": {"grain": "topic"}}}) == ("topic", 0.4)
    assert wanted({"profile": {"mud": {"threshold": "auto"}}}) == ("beat", "auto")
    (tmp_path / "suchlike.toml").write_text('[profile.mud]\nthreshold = "auto"\n')
    assert wanted() == ("beat", "auto")
    monkeypatch.setenv("SUCHLIKE_PROFILE__MUD__GRAIN", "topic")
    assert wanted() == ("topic", "auto")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('treshold = "auto"', "unknown key treshold; did you mean threshold?"),
        ("xyz = 1", "known are name, about"),
        ('[files."good.txt"]\nkut = false', 'files."good.txt".kut; did you mean cut?'),
        ('feeds = "https://a.test/rss"', "feeds must be a list"),
        ("threshold = true", "threshold must be text"),
        ("sites = [1]", "sites must be a list"),
        ("[files]\nx = 1", "is not a table"),
        ("name = ", "is not TOML"),
        ("cut = 'no'", "cut must be true or false"),
        ('name = "mud"\nthreshold = nan', "seed.toml, line 2: threshold = 'nan' is not a threshold; write auto"),
        ("threshold = 50", "line 1: threshold = '50' is not"),
        ("threshold = -0.1", "line 1: threshold = '-0.1' is not"),
        ('threshold = "lose"', "line 1: threshold = 'lose' is not"),
    ],
)
def test_a_wrong_seed_toml_is_an_error_that_names_the_key(folder: Path, toml: str, says: str) -> None:
    (folder / "seed.toml").write_text(toml, "utf-8")
    with pytest.raises(SeedError) as caught:
        read([folder])
    assert says in str(caught.value)
    assert "seed.toml" in str(caught.value)


def big(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50_000_000)


def bomb(path: Path) -> None:
    path.write_bytes(gzip.compress(b"a" * 25_000_000))


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        here = Path.cwd()
        os.chdir(path.parent)
        opened.bind(path.name)
        os.chdir(here)


def text(content: str) -> Make:
    return lambda path: path.write_text(content, "utf-8")


BAD: list[tuple[str, Make, str]] = [
    ("empty.txt", text(" \n"), "it is empty"),
    ("short.txt", text("Only a few words here."), "it has 5 words"),
    ("binary.txt", lambda path: path.write_bytes(bytes(range(32)) * 50), "it is not text"),
    ("picture.html", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500)), "not-html"),
    ("report.pdf", lambda path: path.write_bytes(b"%PDF-1.7"), "suchlike reads .txt"),
    ("big.txt", big, "50 MB"),
    ("bomb.html.gz", bomb, "more than 20 MB"),
    ("cut.html.gz", lambda path: path.write_bytes(gzip.compress(b"<p>a" * 999)[:-9]), "cut off"),
    ("notpacked.html.gz", text("<p>words"), "it is not gzip"),
    ("broken.json", text('{"title": "Mud",\n "text": "more"\n "url": ""}'), "broken at line 3"),
    ("deep.json", text("[" * 100_000), "its JSON is broken"),
    ("other.json", text('{"headline": "Mud"}'), 'is no JSON object with a "text"'),
    ("rows.jsonl", text('{"text": "' + " ".join(OTHER) + '"}\n{"text": \n7\n'), "line 2 (and 1 more)"),
    ("menu.html", text("<html><body><ul>" + "<li><a href='/'>Home and away</a></li>" * 40 + "</ul>"), "no article"),
    ("nothing.html", text("<html><body></body></html>"), "no-text"),
    ("lines.urls", text("https://paper.test/1\nnot an address\nftp://paper.test/\n"), 'line 2 "not an address"'),
    ("lines.txt", text("https://a.test/1\nhttps://a.test/2\nhttps://a.test/3\nrubbish\n"), "line 4"),
    ("mail.eml", text("Subject: nothing\n\n"), "the mail has no text"),
    ("shortcut.url", text("[InternetShortcut]\nURL=file:///etc/passwd\n"), "without a line URL=https://"),
    ("twin.txt", text(TEXT.replace("four million", "5 million")), "the same text as good"),
    ("pipe.txt", os.mkfifo, "not an ordinary file"),
    ("device.txt", lambda path: path.symlink_to("/dev/zero"), "outside the folder"),
    ("outside.txt", lambda path: path.symlink_to(__file__), "outside the folder"),
    ("dangling.txt", lambda path: path.symlink_to(path.parent / "gone.txt"), "cannot be read"),
    ("socket.txt", listen, "not an ordinary file"),
    ("figures.txt", text("1 2 3 4 5 6 7 8 9 10 " * 20), "hardly a word that is written in letters"),
]


@pytest.mark.parametrize(("name", "make", "says"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_file_is_one_problem_and_the_others_work(folder: Path, name: str, make: Make, says: str) -> None:
    (folder / "zz.txt").write_text("\n".join(OTHER[::-1]), "utf-8") if name == "rows.jsonl" else None
    make(folder / name)
    with cpu_within(10):
        found = read([folder])
    assert "good" in [seed.name for seed in found.seeds]
    problem = next(problem for problem in found.problems if problem.path == str(folder / name))
    assert says in problem.message
    assert problem.message.startswith(str(folder / name))
    assert problem.message.endswith(".")
    assert sum(one.path == problem.path for one in found.problems) == 1


def test_an_unreadable_file_is_a_problem(folder: Path) -> None:
    (folder / "locked.txt").write_text(TEXT, "utf-8")
    (folder / "locked.txt").chmod(0)
    code = "import sys; from pipelines.seeds import read; print(read([sys.argv[1]]).problems[0].message)"
    said = subprocess.run([*bounded_by_permissions(), sys.executable, "-c", code, str(folder)], capture_output=True,
                          text=True, check=True, cwd=Path(__file__).parents[2])  # fmt: skip
    assert str(folder / "locked.txt") in said.stdout and "permissions" in said.stdout


def test_a_name_that_no_file_can_have_is_a_problem(folder: Path) -> None:
    assert "cannot be read" in read([folder, "one\0two.txt"]).problems[0].message


@pytest.mark.parametrize("paths", [["nowhere"], ["nowhere.txt"], []])
def test_no_seed_at_all_is_an_error(tmp_path: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SeedError, match="No seed"):
        read(paths)
    (tmp_path / "folder").mkdir()
    with pytest.raises(SeedError, match="put a few example articles"):
        read(["folder"])


def test_one_level_of_subfolders_is_read_and_names_stay_apart(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "good.txt").write_text("\n".join(OTHER), "utf-8")
    (folder / ".hidden.txt").write_text("secret", "utf-8")
    (folder / "README.md").write_text("About these seeds", "utf-8")
    found = read([folder])
    assert [seed.name for seed in found.seeds] == ["good", "good-2"]
    assert found.problems == ()


def test_no_two_seeds_have_one_name(folder: Path) -> None:
    for at, name in enumerate(["a-2.txt", "a.md", "a.txt"]):
        (folder / name).write_text(" ".join(f"{word}{at}" for word in TEXT.split()), "utf-8")
    names = [seed.name for seed in read([folder]).seeds]
    assert len(set(names)) == len(names) == 4


def test_half_a_character_and_a_name_in_no_charset_are_replaced(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"m\xfcd")
    folder.mkdir()
    (folder / "half.json").write_text(json.dumps({"title": "Mud \ud83d", "text": TEXT + " \ud83d"}), "utf-8")
    (folder / os.fsdecode(b"sl\xfcdge.txt")).write_text("\n".join(OTHER), "utf-8")
    (folder / os.fsdecode(b"b\xe4d.txt")).write_text("short", "utf-8")
    found = read([folder])
    assert (found.name, [seed.name for seed in found.seeds]) == ("m?d", ["half", "sl?dge"])
    assert found.seeds[0].title == "Mud ?"
    for told in [*found.problems, *found.seeds]:
        json.dumps(asdict(told), ensure_ascii=False, default=str).encode("utf-8")
    judged = [(seed.name, seed.title, seed.text, seed.language) for seed in found.seeds]
    assert Profile.from_bytes(Profile.learn(judged).to_bytes()).names == ("half", "sl?dge")


def test_a_copy_is_found_among_seeds_that_share_their_furniture(folder: Path) -> None:
    furniture = "\n".join(f"{sentence} {sentence[::-1]}." for sentence in OTHER)
    for at in range(3):
        own = " ".join(f"{word}{at}" for word in TEXT.split())
        (folder / f"{at}.txt").write_text(f"{furniture}\n{own}.", "utf-8")
    (folder / "copy.txt").write_text((folder / "2.txt").read_text("utf-8"), "utf-8")
    (folder / "zcopy.txt").write_text((folder / "1.txt").read_text("utf-8"), "utf-8")
    found = read([folder])
    assert [Path(problem.path).name for problem in found.problems] == ["copy.txt", "zcopy.txt"]
    assert "the same text as 1" in found.problems[1].message


def test_more_seeds_than_can_be_learned_from_are_left_out_and_told(folder: Path) -> None:
    rows = [" ".join(f"{word}{at}" for word in TEXT.split()) for at in range(seeds.MAX_SEEDS + 1)]
    (folder / "rows.jsonl").write_text("not json\n" + "\n".join(json.dumps({"text": row}) for row in rows), "utf-8")
    (folder / "z.txt").write_text("\n".join(OTHER), "utf-8")
    found = read([folder])
    assert len(found.seeds) == seeds.MAX_SEEDS
    assert [problem.message.partition(": ")[2] for problem in found.problems] == [
        "line 201 and 1 articles after it were left out, for a seed set has at most 200 articles; choose the most "
        "typical ones (and 1 more complaints).",
        "it was left out, for a seed set has at most 200 articles; choose the most typical ones.",
    ]


def test_texts_nothing_is_learned_from_may_be_more(folder: Path) -> None:
    rows = [" ".join(f"{word}{at}" for word in TEXT.split()) for at in range(seeds.MAX_SEEDS + 2)]
    file = folder / "rows.jsonl"
    file.write_text("\n".join(json.dumps({"text": row}) for row in rows), "utf-8")
    assert len(seeds.offered([file], judged=True).seeds) == len(rows)
    file.write_text("\n".join(json.dumps({"text": row}) for row in [rows[0], *rows]), "utf-8")
    copied = seeds.offered([file], judged=True)
    assert len(copied.seeds) == len(rows) + 1 and not copied.problems
    file.write_text(f"{json.dumps({'text': TEXT})}\n" * (MAX_TEXTS + 1), "utf-8")
    (problem,) = seeds.offered([file], judged=True).problems
    assert "line 5001 was left out, for at most 5000 articles of a file are read; put the others" in problem.message


@pytest.mark.parametrize("name", ["notice.txt", "README", "License.txt.GZ"])
def test_a_seed_that_is_called_like_something_else_is_written_under_another_name(tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    source.write_bytes(gzip.compress(TEXT.encode()) if name.endswith("GZ") else TEXT.encode())
    written = keeping.write(tmp_path / "project", source)
    assert written.name == f"seed-{name.removesuffix('.GZ')}"
    assert only(read([tmp_path / "project"])).text == only(read([source])).text


def test_seeds_are_written_under_a_safe_name_once_and_removed(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / ".. my article (1).txt"
    source.write_text(TEXT, "utf-8")
    project = tmp_path / "project" / "seeds"
    written = keeping.write(project, source)
    assert written == project / "my-article-1.txt"
    assert keeping.write(project, source) == written
    source.write_text("\n".join(OTHER), "utf-8")
    assert keeping.write(project, source).name == "my-article-1-2.txt"
    assert keeping.write(project, "https://paper.test/1") == keeping.write(project, "https://paper.test/1")
    assert read([project]).urls == ("https://paper.test/1",)
    assert keeping.remove(project, "my-article-1") == [written]
    keeping.remove(project, "https://paper.test/1")
    assert read([project]).urls == ()
    for name in ("my-article-1", "../harbour/good.txt", ""):
        with pytest.raises(SeedError, match="has no seed called"):
            keeping.remove(project, name)
    assert (folder / "good.txt").exists()


@pytest.mark.parametrize("ending", ["json", "jsonl", "jsonl.gz"])
def test_every_seed_goes_by_the_name_it_is_listed_under(folder: Path, ending: str) -> None:
    rows = [{"text": " ".join(f"{word}{at}" for word in TEXT.split()) + "\u2028end"} for at in range(4)]
    several = json.dumps(rows) if ending == "json" else "".join(f"{json.dumps(r, ensure_ascii=False)}\n" for r in rows)
    packed = gzip.compress(several.encode()) if ending.endswith("gz") else several.encode()
    (folder / f"rows.{ending}").write_bytes(packed)
    (folder / "good.html").write_text(html([f"{word} {word[::-1]} {TEXT[::-1]}" for word in OTHER]), "utf-8")
    (folder / "more").mkdir()
    (folder / "more" / "good-2.txt").write_text(" ".join(f"{word}x" for word in TEXT.split()), "utf-8")
    held = {seed.name: seed for seed in read([folder]).seeds}
    assert {"good", "good-2", "good-2-2", "rows-1", "rows-4"} <= held.keys()
    with pytest.raises(SeedError, match="no seed called rows-5"):
        keeping.remove(folder, "rows-1", "rows-5")
    files = keeping.remove(folder, "rows-1", "good-2", "rows-3")
    assert files == [Path(held[name].path) for name in ("rows-1", "good-2", "rows-3")]
    gone = {held[name].text for name in ("rows-1", "good-2", "rows-3")}
    assert {seed.text for seed in read([folder]).seeds} == {seed.text for seed in held.values()} - gone
    keeping.remove(folder, "rows-1", "rows-2")
    assert not (folder / f"rows.{ending}").exists()


def test_an_address_goes_from_whatever_file_lists_it_and_the_last_takes_the_file_along(folder: Path) -> None:
    (folder / "list.txt").write_text("# mine\nhttps://paper.test/1\nhttps://paper.test/2\n", "utf-8")
    keeping.write(folder, "https://paper.test/3")
    keeping.remove(folder, "https://paper.test/1")
    assert read([folder]).urls == ("https://paper.test/3", "https://paper.test/2")
    keeping.remove(folder, "https://paper.test/3", "https://paper.test/2")
    assert not {"list.txt", keeping.ADDRESSES} & {path.name for path in folder.iterdir()}
    assert read([folder]).problems == ()


@pytest.mark.parametrize("content", ["", "too short", "\0\1\2\3" * 99])
def test_what_cannot_be_a_seed_is_not_written(tmp_path: Path, content: str) -> None:
    source = tmp_path / "bad.txt"
    source.write_text(content, "utf-8")
    with pytest.raises(SeedError, match=r"bad\.txt"):
        keeping.write(tmp_path / "project", source)
    with pytest.raises(SeedError, match="is a folder"):
        keeping.write(tmp_path / "project", tmp_path)


@pytest.mark.parametrize("folder", sorted(SETS.glob("*/seed.toml")), ids=lambda path: path.parent.name)
def test_the_shipped_sets_are_whole(folder: Path) -> None:
    import tomllib

    said = tomllib.loads(folder.read_text("utf-8"))
    found = read([folder.parent])
    assert found.problems == ()
    by_file = {Path(seed.path).name: seed for seed in found.seeds}
    for expected in said.get("expect", []):
        seed = by_file[expected["file"]]
        assert seed.title == expected.get("title", seed.title)
        assert seed.words >= expected["min_words"]
        assert len(seed.dropped_lines) == expected["dropped_lines"]

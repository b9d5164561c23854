"""The dozen sites of the demo web: what each looks like and publishes, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Site:
    """One site. `topics` maps its everyday subjects to sections; `path` names its way of building addresses."""

    host: str
    name: str
    motto: str
    skin: str
    path: Literal["dated", "story", "numbered", "sectioned", "opaque"]
    topics: dict[str, str] = field(default_factory=dict)
    filler: int = 0
    language: str = "en"
    pager: Literal["path", "query"] = "path"
    feed: Literal["rss", "atom", "broken", ""] = ""
    variants: tuple[Literal["print", "amp"], ...] = ()
    tags: bool = True
    sitemap: Literal["index", "news", ""] = ""
    private: bool = False
    sessions: bool = False
    delay_s: float = 0.0

    @property
    def home(self) -> str:
        """The address of the front page."""
        return f"http://{self.host}/"


SITES: tuple[Site, ...] = (
    Site(
        "northhaven-post.test",
        "The Northhaven Post",
        "Every morning since 1871",
        "paper",
        "dated",
        {
            "council": "council",
            "courts": "courts",
            "weather": "weather",
            "school": "education",
            "health": "health",
            "theatre": "culture",
            "traffic": "transport",
            "housing": "property",
            "obituaries": "people",
            "football": "sport",
        },
        filler=85,
        feed="rss",
        variants=("print",),
        private=True,
    ),
    Site(
        "coastal-wire.test",
        "Coastal Wire",
        "The news agency of the coast",
        "wire",
        "story",
        {
            "markets": "business",
            "weather": "environment",
            "courts": "courts",
            "health": "national",
            "athletics": "sport",
            "council": "regions",
        },
        filler=85,
        feed="rss",
        variants=("amp",),
        tags=False,
        sitemap="news",
        pager="query",
    ),
    Site(
        "ledger.test",
        "The Ledger",
        "Money, soberly",
        "broadsheet",
        "numbered",
        {"markets": "markets", "housing": "companies", "technology": "business", "council": "economy"},
        filler=70,
        variants=("print", "amp"),
        tags=False,
        sitemap="index",
        private=True,
    ),
    Site(
        "tidewater-herald.test",
        "Tidewater Herald",
        "News between the bridges",
        "paper",
        "sectioned",
        {
            "council": "local",
            "traffic": "transport",
            "school": "schools",
            "theatre": "arts",
            "gardening": "leisure",
            "obituaries": "lives",
            "weather": "weather",
        },
        filler=70,
        feed="broken",
        sessions=True,
    ),
    Site(
        "inland-echo.test",
        "Inland Echo",
        "From the other side of the hills",
        "local",
        "opaque",
        {
            "farming": "farming",
            "weather": "local",
            "school": "community",
            "football": "sport",
            "theatre": "culture",
            "courts": "crime",
        },
        filler=70,
        sitemap="index",
        pager="query",
    ),
    Site(
        "railview.test",
        "Railview",
        "Everything on wheels and tracks",
        "magazine",
        "sectioned",
        {"traffic": "operators", "travel": "reportage", "technology": "infrastructure", "obituaries": "people"},
        filler=70,
        feed="rss",
        variants=("amp",),
        private=True,
    ),
    Site(
        "allmende-bote.test",
        "Allmende-Bote",
        "Zeitung für alle",
        "local",
        "dated",
        {"rat": "lokales", "wetter": "region", "sport_de": "sport", "kultur_de": "kultur"},
        filler=75,
        language="de",
        feed="rss",
        variants=("print",),
    ),
    Site(
        "meridian-times.test",
        "Meridian Times",
        "The capital's paper of record",
        "broadsheet",
        "dated",
        {
            "markets": "economy",
            "health": "national",
            "theatre": "culture",
            "technology": "media",
            "travel": "family",
            "courts": "politics",
            "council": "city",
        },
        filler=80,
        pager="query",
    ),
    Site(
        "field-and-hive.test",
        "Field & Hive",
        "A monthly for those who grow things",
        "magazine",
        "sectioned",
        {"gardening": "garden", "farming": "fields", "recipes": "larder"},
        filler=45,
        feed="atom",
        private=True,
        delay_s=0.3,
    ),
    Site(
        "kitchen-table.test",
        "Kitchen Table",
        "Cooking and making",
        "magazine",
        "story",
        {"recipes": "recipes", "gardening": "home", "travel": "eating-out"},
        filler=70,
        pager="query",
    ),
    Site(
        "scoreline.test",
        "Scoreline",
        "Sport, all of it",
        "score",
        "numbered",
        {"football": "football", "athletics": "athletics"},
        filler=70,
        tags=False,
    ),
    Site("sealed-archive.test", "Sealed Archive", "Deposited copies", "wire", "numbered", tags=False),
)
BY_HOST = {site.host: site for site in SITES}
ON_TOPIC = ("harbour-dredging", "honeybees", "night-trains")

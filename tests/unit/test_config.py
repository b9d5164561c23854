"""One configuration from file, environment and flags; whatever is wrong is one sentence that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.config import Config, load
from pipelines.configfile import drop_line, set_line
from pipelines.durations import duration_s, rate_delay_s
from pipelines.errors import ConfigError
from pipelines.layers import ENV_SHORT

SHORT = {".".join(path): name for name, path in ENV_SHORT.items()}


def written(folder: Path, text: str, env: dict[str, str] | None = None, flags: dict[str, Any] | None = None) -> Config:
    (folder / "suchlike.toml").write_text(text, "utf-8")
    return load(folder, flags, env or {})


def test_an_empty_folder_has_the_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, env={})
    assert config == Config(folder=str(tmp_path.resolve()))
    assert config.database == f"sqlite:///{tmp_path.resolve() / 'suchlike.db'}"
    assert (config.delay_s, config.time_s) == (1.0, 0.0)
    assert config.only_profile() == (tmp_path.name, config.only_profile(tmp_path.name)[1])


def test_flags_beat_the_environment_which_beats_the_file_which_beats_the_defaults(tmp_path: Path) -> None:
    text = "[crawl]\npages = 1\nmatches = 1\ncrawlers = 2\n[queue]\nredis = 'redis://file'\n"
    env = {"SUCHLIKE_CRAWL__PAGES": "2", "SUCHLIKE_CRAWL__MATCHES": "2", "SUCHLIKE_REDIS": "redis://env"}
    config = written(tmp_path, text, env, {"crawl": {"pages": 3, "matches": None}})
    assert (config.crawl.pages, config.crawl.matches, config.crawl.crawlers) == (3, 2, 2)
    assert (config.crawl.depth, config.queue.redis) == (12, "redis://env")


def test_the_environment_is_read_in_the_types_it_needs(tmp_path: Path) -> None:
    env = {
        "SUCHLIKE_CRAWL__ROAM": "false", "SUCHLIKE_QUEUE__WORKERS": "3", "SUCHLIKE_MODE": "not read: it has no section",
        "SUCHLIKE_SOURCES__SITES": "https://a.test, https://b.test,", "SUCHLIKE_SOURCES__FEEDS": "",
        "SUCHLIKE_PROFILE__FLOODS__THRESHOLD": "0.4", "SUCHLIKE_SCHEDULE__FLOODS": "6h",
        "SUCHLIKE_CRAWL__RATE": "100/1s", "HOME": "/",
    }  # fmt: skip
    config = load(tmp_path, env=env)
    assert (config.crawl.roam, config.queue.workers, config.mode) == (False, 3, "online")
    assert (config.sources.sites, config.sources.feeds) == (["https://a.test", "https://b.test"], [])
    assert (config.profile["floods"].threshold, config.schedule) == ("0.4", {"floods": "6h"})
    assert config.delay_s == 0.01


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[crawl]\n\npagse = 3", "{file}, line 3: there is no 'pagse' in crawl; did you mean 'pages'?"),
        ("[crawls]\npages = 3", "{file}, line 1: there is no 'crawls' in the top level; did you mean 'crawl'?"),
        ("zzz = 3", "{file}, line 1: there is no 'zzz' in the top level."),
        ("[crawl]\npages = 'many'", "{file}, line 2: crawl.pages has a wrong value: expected `int`, got `str`."),
        ("[crawl]\npages = -1", "{file}, line 2: crawl.pages has a wrong value: expected `int` >= 0."),
        ("crawl.pages = 'x'", "{file}, line 1: crawl.pages has a wrong value: expected `int`, got `str`."),
        ("crawl = { pages = 'x' }", "{file}, line 1: crawl.pages has a wrong value: expected `int`, got `str`."),
        ("crawl = 3", "{file}, line 1: crawl has a wrong value: expected `object`, got `int`."),
        (
            "[sources]\nblock = []\nsites = [5]",
            "{file}, line 3: sources.sites[0] has a wrong value: expected `str`, got `int`.",
        ),
        (
            "[profile.b]\nthreshold = 0.5\n[profile.a]\nthreshhold = 1",
            "{file}, line 4: there is no 'threshhold' in profile.a; did you mean 'threshold'?",
        ),
        (
            "[profile.b]\nseeds = 'b/'\n[profile.a]\nseeds = 3.5",
            "{file}, line 4: profile.a.seeds has a wrong value: expected `str | array`, got `float`.",
        ),
        ("[schedule]\nok = '6h'\na = 5", "{file}, line 3: schedule.a has a wrong value: expected `str`, got `int`."),
        (
            "[store]\nkeep = 'some'",
            "{file}, line 2: store.keep has a wrong value: invalid enum value 'some'; write matches or all.",
        ),
        ("[crawl", "{file} is not TOML: Expected ']' at the end of a table declaration (at end of document)."),
        ("[profile.a]\nthreshold = 2", "{file}, line 2: profile.a.threshold = 2.0 must lie between 0 and 1."),
        (
            "[profile.a]\nthreshold = 'lose'",
            "{file}, line 2: profile.a.threshold = 'lose' is not a threshold; "
            "write auto, strict, loose or a number from 0 to 1.",
        ),
        (
            "[crawl]\nrate = 'fast'",
            "{file}, line 2: crawl.rate = 'fast' is not a rate; write requests per time, such as 1/1s or 1/2s.",
        ),
        (
            "[notify]\nwebhooks = ['https://a.example/hook']",
            "{file}, line 2: notify.webhooks needs notify.secret to sign with; SUCHLIKE_NOTIFY__SECRET sets it, too.",
        ),
        (
            "[crawl]\ntime = 'soon'",
            "{file}, line 2: crawl.time = 'soon' is not a time; write it like 30s, 10m, 2h or 1d.",
        ),
        (
            "[queue]\nredis = 'redi://:s3/cret@host'",
            "{file}, line 2: queue.redis = 'redi://***@host' is not an address; "
            "write embedded, redis://host:port/0, rediss://… or unix:///path.",
        ),
        (
            "[store]\ndatabase = 'mysql://u:s3/cr@t@host/db'",
            "{file}, line 2: store.database = 'mysql://***@host/db' is not an address; "
            "write sqlite:///file.db or postgresql+psycopg://host/name.",
        ),
        (
            '[crawl]\nidentify = "one\\ntwo"',
            "{file}, line 2: crawl.identify = 'one\\ntwo' must be one line, for it is sent to every server.",
        ),
        (
            "[crawl]\nproxy = 'u:s3cret@host:80'",
            "{file}, line 2: crawl.proxy = '***@host:80' is not an address; write http://host:port.",
        ),
    ],
)
def test_what_is_wrong_in_the_file_is_one_sentence_that_names_it(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, text)
    assert str(caught.value) == sentence.format(file=tmp_path.resolve() / "suchlike.toml")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("env", "flags", "sentence"),
    [
        ({"SUCHLIKE_CRAWL__PAGSE": "1"}, {}, "In the environment: there is no 'pagse' in crawl; did you mean 'pages'?"),
        (
            {"SUCHLIKE_CRAWL__PAGES": "x"},
            {},
            "In the environment: crawl.pages has a wrong value: expected `int`, got `str`.",
        ),
        (
            {"SUCHLIKE_CRAWL__RATE": "1/1s", "SUCHLIKE_CRAWL__RATE__X": "1"},
            {},
            "In the environment: SUCHLIKE_CRAWL__RATE__X sets a part of rate, which is one value.",
        ),
        (
            {"SUCHLIKE_REDIS": "bogus"},
            {},
            "In the environment: queue.redis = 'bogus' is not an address; "
            "write embedded, redis://host:port/0, rediss://… or unix:///path.",
        ),
        (
            {"SUCHLIKE_CRAWL__TIME": "5m"},
            {"crawl": {"time": "soon"}},
            "--for 'soon' is not a time; write it like 30s, 10m, 2h or 1d.",
        ),
        (
            {"SUCHLIKE_PROFILE__A__SINCE": "soon"},
            {},
            "In the environment: profile.a.since 'soon' is no day; "
            "write it like 2026-11-01, or 30d for thirty days ago.",
        ),
        (
            {"SUCHLIKE_CRAWL__PAGES": "5"},
            {"crawl": {"pages": -5}},
            "--pages has a wrong value: expected `int` >= 0.",
        ),
    ],
)
def test_what_is_wrong_elsewhere_says_where(
    tmp_path: Path, env: dict[str, str], flags: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, "[crawl]\npages = 7", env, flags)
    assert str(caught.value) == sentence


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "suchlike.toml").mkdir()
    with pytest.raises(ConfigError, match=r"suchlike\.toml cannot be read: "):
        load(tmp_path, env={})
    (tmp_path / "latin").mkdir()
    (tmp_path / "latin" / "suchlike.toml").write_bytes("[crawl]\nidentify = 'Zoë'".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"suchlike\.toml cannot be read: "):
        load(tmp_path / "latin", env={})


def test_the_mark_some_editors_put_first_does_no_harm(tmp_path: Path) -> None:
    assert written(tmp_path, "\ufeff[crawl]\npages = 3").crawl.pages == 3


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("", "sqlite:///{folder}/suchlike.db"),
        ("sqlite:///mine.db", "sqlite:///{folder}/mine.db"),
        ("sqlite:////elsewhere/mine.db", "sqlite:////elsewhere/mine.db"),
        ("postgresql+psycopg://u@h/n", "postgresql+psycopg://u@h/n"),
    ],
)
def test_the_database_of_a_project(tmp_path: Path, address: str, expected: str) -> None:
    config = written(tmp_path, f"[store]\ndatabase = '{address}'")
    assert config.database == expected.format(folder=tmp_path.resolve())


def test_each_mode_has_a_database_of_its_own(tmp_path: Path) -> None:
    held = {mode: load(tmp_path, {"mode": mode}, {}).database for mode in ("online", "demo", "replay")}
    assert len(set(held.values())) == 3


def test_one_of_several_profiles_must_be_named(tmp_path: Path) -> None:
    config = written(tmp_path, "[profile.floods]\nseeds = 'a/'\n[profile.trains]\nseeds = 'b/'")
    assert config.only_profile("trains")[1].seeds == "b/"
    with pytest.raises(ConfigError, match=r"several profiles \(floods, trains\); name one with --profile"):
        config.only_profile()
    with pytest.raises(ConfigError, match=r"no profile 'train' in suchlike.toml; did you mean 'trains'\?"):
        config.only_profile("train")


def test_the_digest_changes_with_what_shapes_results_and_with_nothing_else(tmp_path: Path) -> None:
    plain = load(tmp_path, env={})
    elsewhere = load(tmp_path.parent, env={"SUCHLIKE_QUEUE__WORKERS": "4"})
    assert plain.digest == elsewhere.digest
    assert plain.digest != load(tmp_path, {"crawl": {"depth": 3}}, {}).digest


def test_a_run_keeps_no_secret_and_is_joined_by_whoever_has_them(tmp_path: Path) -> None:
    said = {
        "crawl": {"proxy": "http://me:hunter2@proxy.example:3128"}, "queue": {"redis": "rediss://:hunter2@host:1/0"},
        "store": {"database": "postgresql+psycopg://me:hunter2@host/x?password=hunter2"},
        "sources": {"feeds": ["https://me:hunter2@feeds.example/a.xml?key=hunter2"]},
        "notify": {"webhooks": ["https://hooks.example/hunter2"], "secret": "hunter2"}, "web": {"token": "hunter2"},
    }  # fmt: skip
    config = load(tmp_path, said, {})
    kept = config.kept
    assert b"hunter2" not in msgspec.json.encode(kept) and kept.kept == kept and kept.digest == config.digest
    assert kept.crawl.proxy == "http://***@proxy.example:3128"
    joined = kept.in_hands_of(config)
    assert (joined.crawl, joined.queue, joined.store) == (config.crawl, config.queue, config.store)
    told = load(tmp_path, {}, config.environment)
    assert kept.in_hands_of(told).crawl == config.crawl
    with pytest.raises(ConfigError, match="SUCHLIKE_CRAWL__PROXY"):
        kept.in_hands_of(load(tmp_path, {}, {}))


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400), ("1.5h", 5400), ("90", 90)]
)
def test_times_are_read_with_their_units(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5m", "1w", "m", "1h30m", "1e3s", "nan", "inf"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a time; write it like 30s, 10m, 2h or 1d"):
        duration_s(text)


@pytest.mark.parametrize("text", ["36526d", "999999999d", "4000000000", "9" * 400])
def test_a_time_of_more_than_a_hundred_years_is_refused(tmp_path: Path, text: str) -> None:
    assert duration_s("36525d") < 3.2e9
    with pytest.raises(ConfigError, match="is longer than a hundred years"):
        load(tmp_path, {"crawl": {"revisions": text}}, {})


@pytest.mark.parametrize(("rate", "delay"), [("1/1s", 1), ("1/2s", 2), ("100/1s", 0.01), ("30/1m", 2), ("2", 0.5)])
def test_rates_are_the_seconds_between_two_requests(rate: str, delay: float) -> None:
    assert rate_delay_s(rate) == delay


@pytest.mark.parametrize("rate", ["", "/", "0/1s", "-1/1s", "1/0s", "nan/1s", "inf/1s", "1/1w", "x/1s", "1/1s/1s"])
def test_what_is_no_rate_is_refused(rate: str) -> None:
    with pytest.raises(ConfigError, match="is not a rate"):
        rate_delay_s(rate)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)
_KEYS = st.sampled_from(["crawl", "pages", "profile", "seeds", "threshold", "store", "schedule", "sources", "x"])


def test_a_name_that_is_no_line_does_not_break_the_sentence() -> None:
    with pytest.raises(ConfigError, match=r"profile\.a\\nb\.since 'x' is no day"):
        load(Path("/nonexistent"), {"profile": {"a\nb": {"since": "x"}}}, {})


# the first text of a fresh machine takes as long as its table of all characters: no fault of ours
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(overrides=st.dictionaries(_KEYS, st.dictionaries(_KEYS, _VALUES, max_size=3) | _VALUES, max_size=3))
def test_whatever_is_set_gives_a_configuration_or_one_sentence(overrides: dict[str, Any]) -> None:
    try:
        config = load(Path("/nonexistent"), overrides, {})
    except ConfigError as error:
        assert "\n" not in str(error)
        assert str(error).endswith((".", "?"))
    else:
        assert config.delay_s > 0


def test_a_line_is_written_where_a_link_leads_and_all_others_stay_as_they_are(tmp_path: Path) -> None:
    kept, file = tmp_path / "kept.toml", tmp_path / "suchlike.toml"
    kept.write_bytes(b"# ours\r\n[crawl]\r\npages = 7  # few\r\n")
    file.symlink_to(kept)
    set_line(tmp_path, "schedule", "floods", "6h")
    assert file.is_symlink() and kept.read_bytes().startswith(b"# ours\r\n[crawl]\r\npages = 7  # few\r\n")
    assert load(tmp_path).schedule == {"floods": "6h"}
    assert drop_line(tmp_path, "schedule", "floods") and file.is_symlink()
    assert load(tmp_path).schedule == {}

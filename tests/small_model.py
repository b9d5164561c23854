"""A real model2vec model of a few words, for tests: a random vector for each."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase

from pipelines.likeness.tokens import words

DIMENSIONS = 48


def save(folder: Path, texts: Sequence[str], salt: str = "") -> Path:
    """Saves one that knows the words of these texts, but for the commonest; with another salt, other vectors."""
    known = sorted(word for word in set(words(" ".join(texts))) if len(word) > 3)
    rows = [np.random.default_rng(zlib.crc32((salt + word).encode())).normal(size=DIMENSIONS) for word in known]
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, **{word: at for at, word in enumerate(known, 1)}}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    StaticModel(np.array([np.zeros(DIMENSIONS), *rows], np.float32), tokenizer).save_pretrained(folder)
    return folder

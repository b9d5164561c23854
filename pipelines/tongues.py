"""The codes that languages go by here, and what is meant by other names of them."""

from __future__ import annotations

from typing import Final

# what the language of an article can be: two letters of ISO 639-1, or three of those without two that a teller of
# languages knows (fastText's lid.176, py3langid); `als` is their Alemannic
_CODES: Final = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nd ne ng
    nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st
    su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    ace als ary arz ast azb bar bcl bpy bxr cbk ceb ckb crh diq dsb dty eml ext frr fuv gcf gcr gom grc guw hbo hif
    hsb ilo jbo kab krc lez lij lmo lrc ltg mai mhr min mrj mwl myv mzn nah nap nds new nso pam pcm pfl pms pnb rue
    sah scn sco sdh tyv uzs vec vep vls war wuu xal xmf yue
"""
CODES: Final = frozenset(_CODES.split())
# what CLDR has neither a name nor a code for, and what it calls by a code that is none of these
_BESIDE: Final = {
    "cz": "cs", "dk": "da", "gr": "el", "jp": "ja", "ua": "uk", "cn": "zh", "mandarin": "zh", "farsi": "fa",
    "castilian": "es", "flemish": "nl", "nynorsk": "nn", "nob": "no", "bengali": "bn", "filipino": "tl", "tgl": "tl",
}  # fmt: skip


def meant(word: str) -> str | None:
    """The code that is written for a language called `word` (in small letters): `de` for german, deu and ger."""
    from babel.core import Locale, get_global  # takes a while, and is wanted only where something was mistyped

    names = {name.lower(): code for code, name in Locale("en").languages.items()}
    code = _BESIDE.get(word) or get_global("language_aliases").get(word) or names.get(word)
    return code if code in CODES else None

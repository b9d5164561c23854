"""News agencies by name: an article that credits one is likely its text, and other outlets' too. Pure.

A name counts in a byline, in brackets in the opening line (a dateline such as `PARIS (AFP) -`) or the last one
(`- dpa`); not in mid-sentence, where it may be what the article is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_NAMES: Final = {
    "AP": "Associated Press|The Associated Press|AP",
    "Reuters": "Thomson Reuters|Reuters",
    "AFP": "Agence France-Presse|Agence France Presse|AFP",
    "PA": "Press Association|PA Media|PA",
    "UPI": "United Press International|UPI",
    "Bloomberg": "Bloomberg News|Bloomberg",
    "dpa": "Deutsche Presse-Agentur|dpa|DPA",
    "APA": "Austria Presse Agentur|APA",
    "Keystone-SDA": "Keystone-SDA|Keystone-ATS",
    "EFE": "Agencia EFE|EFE",
    "Europa Press": "Europa Press",
    "ANSA": "ANSA",
    "Lusa": "Agência Lusa|Lusa",
    "Belga": "Belga",
    "ANP": "ANP",
    "NTB": "NTB",
    "TT": "TT Nyhetsbyrån",
    "Ritzau": "Ritzau",
    "PAP": "PAP",
    "CTK": "ČTK|CTK",
    "TASS": "ITAR-TASS|TASS|ТАСС",  # noqa: RUF001  # Cyrillic
    "RIA Novosti": "RIA Novosti|РИА Новости",
    "Interfax": "Interfax|Интерфакс",
    "Ukrinform": "Ukrinform|Укрінформ",
    "Xinhua": "Xinhua News Agency|Xinhua|新华社|新華社",
    "Kyodo": "Kyodo News|Kyodo|共同通信",
    "Jiji": "Jiji Press|時事通信",
    "Yonhap": "Yonhap News Agency|Yonhap|연합뉴스",
    "PTI": "Press Trust of India|PTI",
    "ANI": "Asian News International|ANI",
    "IANS": "IANS",
    "Bernama": "Bernama",
    "Antara": "Antara",
    "Anadolu": "Anadolu Agency|Anadolu Ajansı|Anadolu",  # noqa: RUF001  # Turkish
    "AAP": "Australian Associated Press|AAP",
    "The Canadian Press": "The Canadian Press|Canadian Press|La Presse Canadienne",
    "Inter Press Service": "Inter Press Service",
    "Agência Brasil": "Agência Brasil",
    "Télam": "Télam|Telam",
    "Notimex": "Notimex",
    "MENA": "MENA",
    "PANA": "PANA",
    "The Conversation": "The Conversation",
}
_OF: Final = {name: agency for agency, names in _NAMES.items() for name in names.split("|")}
_ANY: Final = "|".join(re.escape(name) for name in sorted(_OF, key=len, reverse=True))
_BYLINE: Final = re.compile(rf"(?<!\w)(?:{_ANY})(?!\w)")
_BRACKETED: Final = re.compile(
    rf"[(\[/]\s*({_ANY})(?:\s*[/,|][^)\]\n]{{0,40}})?\s*[)\]/]|^({_ANY})\s*(?:[-\u2013\u2014|]|$)", re.MULTILINE
)
_OPENING_CHARS: Final = 160
_CLOSING_CHARS: Final = 100


def credited(authors: Iterable[str], text: str) -> str:
    """The agency an article credits in its byline, dateline or sign-off, by its usual name; empty if none."""
    for author in authors:
        if found := _BYLINE.search(author[:200]):
            return _OF[found.group()]
    ends = f"{text[:_OPENING_CHARS].partition(chr(10))[0]}\n{text[-_CLOSING_CHARS:].rpartition(chr(10))[2]}"
    if found := _BRACKETED.search(ends):
        return _OF[found[1] or found[2]]
    return ""

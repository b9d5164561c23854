"""Versions, differences and stories on a terminal."""

from __future__ import annotations

from typing import Any

from crawler.cli.session import Session

_SIGNS = {"+": ("{+", "+}"), "-": ("[-", "-]"), "=": ("", "")}


def history(session: Session, told: dict[str, Any]) -> None:
    """Prints what `crawler.versions.history` found."""
    session.out(told["url"])
    for one in told["revisions"]:
        session.out(f" revision {one['revision']}   {one['fetched_at']}   {one['words']} words   {one['title']}")
        if one["headline_before"] is not None:
            session.out(f"  headline  was “{one['headline_before']}”")
        changes(session, one["changes"])


def difference(session: Session, told: dict[str, Any]) -> None:
    """Prints what `crawler.versions.differences` found: from the canonical article to this copy of it."""
    session.out(f"{told['url']}\n copy of   {told['canonical']}   {why(told)}")
    if told["headline"] != told["canonical_headline"]:
        session.out(f" headline  “{told['canonical_headline']}”\n   here    “{told['headline']}”")
    changes(session, told["changes"])
    if not told["changes"]:
        session.out(" the text is the same")


def changes(session: Session, found: list[dict[str, Any]]) -> None:
    """A line for each paragraph that came, went or was edited."""
    for one in found:
        text = one["text"]
        if one["pieces"]:
            text = " ".join(
                f"{_SIGNS[piece['mark']][0]}{piece['text']}{_SIGNS[piece['mark']][1]}" for piece in one["pieces"]
            )
        session.out(f"  {one['mark']} {one['at']:>3}  {text}")


def why(told: dict[str, Any]) -> str:
    """How one knows that an article is a copy, in a few words."""
    shown, kind = told["evidence"], told["kind"]
    said = []
    if shown.get("address") == "canonical":
        said.append("names the same address")
    elif shown.get("address"):
        said.append("a variant of its address")
    if "text" in shown:
        said.append("the same text")
    if "passages" in shown:
        number = "one passage" if shown["passages"] == 1 else f"{shown['passages']} passages"
        said.append(
            f"{shown['of_shorter']:.0%} of the shorter and {shown['of_longer']:.0%} of the longer text in {number} of "
            f"up to {shown['longest']} words"
        )
    if shown.get("agency"):
        said.append(f"credits {shown['agency']}")
    share = "" if told["similarity"] is None else f" {told['similarity']:.0%}"
    return f"{kind or 'copy'}{share}" + (f": {'; '.join(said)}" if said else "")


def story(session: Session, told: dict[str, Any] | None) -> None:
    """Prints the story an article tells, where it is told more than once."""
    if told is None or not (told["copies"] or told["kind"]):
        return
    if told["kind"]:
        session.out(f" story     {told['story']}, copy of {told['canonical']}\n           {why(told)}")
        return
    number = len(told["copies"])
    session.out(f" story     {told['story']}, canonical, with {number} cop{'y' if number == 1 else 'ies'}")
    for copy in told["copies"][:10]:
        session.out(f"           {copy['url']}   {why(copy)}")

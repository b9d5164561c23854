"""A mail: its text, or the article of its page."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import date
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from typing import Final

from pipelines import markup
from pipelines.hygiene import unwrapped
from pipelines.seeds.contents import Contents, Draft, Unusable
from pipelines.seeds.page import from_page

_REPLY: Final = re.compile(r"^(?:(?:re|fwd?|aw|wg|tr)\s*:\s*)+", re.IGNORECASE)


def from_mail(body: bytes) -> Contents:
    """Its text, else its page, called by its subject; raises Unusable where it has neither."""
    try:
        message = email.message_from_bytes(body, policy=email.policy.default)
        part = message.get_body(preferencelist=("plain", "html")) if isinstance(message, EmailMessage) else None
        raw = part.get_payload(decode=True) if part else None
        subject = _REPLY.sub("", str(message.get("subject", "")))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unusable("the mail is broken; save the article itself as .txt or .html") from error
    if part is None or not isinstance(raw, bytes) or not raw.strip():
        raise Unusable("the mail has no text; save the article itself as .txt or .html")
    sent = _sent(message)
    if part.get_content_subtype() == "html":
        drafts = from_page(raw).drafts
        return Contents([replace(d, title=subject or d.title, published=d.published or sent) for d in drafts])
    text = markup.decode(raw, part.get_content_charset()).replace("\r\n", "\n")
    return Contents([Draft(unwrapped(text.partition("\n-- \n")[0]), subject, published=sent)])


def _sent(message: Message) -> date | None:
    try:
        return parsedate_to_datetime(str(message["date"])).date()
    except (TypeError, ValueError, OverflowError):
        return None

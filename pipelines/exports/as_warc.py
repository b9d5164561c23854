"""WARC (ISO 28500): the pages themselves, cut out of the archive byte for byte.

An article whose page was not archived leaves as a `conversion` record of its text, as WET files have it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from io import BytesIO
from typing import Any, BinaryIO

from warcio.warcwriter import WARCWriter

from pipelines import members
from pipelines.errors import StoreError
from pipelines.exports.article import Article
from pipelines.exports.choice import Choice


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes a record an article; returns how many. StoreError when the archive lost one."""
    writer = WARCWriter(out, gzip=True)
    number = 0
    for number, article in enumerate(articles, 1):  # noqa: B007  # the last number is the result
        place = article["archive"]
        if place and choice.archive:
            try:
                out.write(members.at(choice.archive, place["file"], place["offset"]))
            except members.Damaged as error:
                raise StoreError(f"The archived page of {article['url']} is damaged: {error}.") from None
        else:
            writer.write_record(_conversion(writer, article))
    return number


def _conversion(writer: Any, article: Article) -> Any:
    text = article["text"].encode("utf-8", "replace")
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{article['url']} {article['sha256']}")
    told = {"WARC-Record-ID": f"<{name.urn}>", "WARC-Date": article["fetched_at"] or "1970-01-01T00:00:00Z"}
    return writer.create_warc_record(
        article["url"], "conversion", payload=BytesIO(text), length=len(text), warc_content_type="text/plain",
        warc_headers_dict=told,
    )  # fmt: skip

"""A workbook for Excel and LibreOffice, with numbers, truths and times as such. Needs XlsxWriter, the extra `xlsx`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from pipelines.errors import UsageError
from pipelines.exports.article import FIELDS, Article
from pipelines.exports.cells import flat, runs
from pipelines.exports.choice import Choice
from pipelines.exports.xml import plain

# the header's is one of them
MAX_ROWS: Final = 1_048_576
# of UTF-16, as Excel counts them
MAX_CELL_UNITS: Final = 32_767
CUT: Final = " … [cut: a cell holds no more]"
_OTHERWISE: Final = (
    "choose fewer, leave texts out with --no-text, write several files with --split, or take csv or parquet."
)
# so that the same articles make the same file
_MADE: Final = datetime(1980, 1, 1)
_MOMENT_WIDTH: Final = 19
# the first that spreadsheets have a date for
_FIRST_YEAR: Final = 1900


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes a header and a row an article; returns how many. UsageError when a sheet cannot hold them.

    Texts stay texts, whatever they look like: never formulas, never links. UsageError, too, when XlsxWriter is missing.
    """
    # rows wait in a file, and an archive that fails half-way is to be closed in one that is still there
    with tempfile.TemporaryDirectory(prefix="suchlike-") as folder:
        number = _write(articles, Path(folder, "articles.xlsx"), choice)
        with Path(folder, "articles.xlsx").open("rb") as made:
            shutil.copyfileobj(made, out)
    return number


def _write(articles: Iterable[Article], file: Path, choice: Choice) -> int:
    xlsxwriter, errors = _xlsxwriter()
    book = xlsxwriter.Workbook(str(file), {"constant_memory": True, "tmpdir": str(file.parent)})
    book.set_properties({"created": _MADE})
    sheet = _Sheet(book, choice)
    try:
        for article in articles:
            sheet.add(article)
        book.close()
    except errors.FileCreateError as error:
        raise error.args[0] from None  # the OSError that it was
    except errors.FileSizeError:
        raise UsageError(f"A spreadsheet has no room for so much text (2 GiB): {_OTHERWISE}") from None
    finally:
        sheet.close()
    return sheet.articles


class _Sheet:
    """The one sheet of a workbook: a column a field, a row an article."""

    def __init__(self, book: Any, choice: Choice) -> None:
        self.articles = 0
        self._fields = choice.fields
        self._sheet = book.add_worksheet("articles")
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        # else it would become a formula where somebody edits the cell, though it is none
        self._quoted = book.add_format({"quote_prefix": True})
        self._sheet.freeze_panes(1, 0)
        for column, name in enumerate(self._fields):
            if FIELDS[name] == "moment":
                self._sheet.set_column(column, column, _MOMENT_WIDTH)
            self._sheet.write_string(0, column, name)

    def add(self, article: Article) -> None:
        """Writes the next row."""
        self.articles += 1
        if self.articles >= MAX_ROWS:
            raise UsageError(f"A spreadsheet has room for {MAX_ROWS - 1:,} articles, and there are more: {_OTHERWISE}")
        for column, name in enumerate(self._fields):
            self._put(column, name, article.get(name))

    def _put(self, column: int, name: str, value: Any) -> None:
        at = self.articles, column
        if isinstance(value, bool):
            self._sheet.write_boolean(*at, value)
        elif isinstance(value, (int, float)):
            self._sheet.write_number(*at, value)
        elif value and FIELDS[name] == "moment" and (moment := _moment(value)).year >= _FIRST_YEAR:
            self._sheet.write_datetime(*at, moment, self._moment)
        elif value is not None:
            text = _fitting(str(flat(value)))
            self._sheet.write_string(*at, text, self._quoted if runs(text) else None)

    def close(self) -> None:
        """Lets go of the file in which rows waited; XlsxWriter does so itself only where all went well."""
        self._sheet._opt_close()


def _moment(value: str) -> datetime:
    """A time in UTC, without saying so, as spreadsheets know no zones."""
    return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)


def _fitting(text: str) -> str:
    """A text as a cell can hold it: of XML's characters, lines ended by newlines, and cut, which it says at its end."""
    text = plain(text).replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # or XlsxWriter takes it for markup of its own, and writes it as it is
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MAX_CELL_UNITS:
        return text
    # what is left of a character cut in two is ignored
    return units[: 2 * (MAX_CELL_UNITS - len(CUT))].decode("utf-16-le", "ignore") + CUT


def _xlsxwriter() -> tuple[Any, Any]:
    try:
        import xlsxwriter
        from xlsxwriter import exceptions
    except ModuleNotFoundError:
        raise UsageError("xlsx needs one more package (XlsxWriter): pip install 'suchlike[xlsx]'.") from None
    return xlsxwriter, exceptions

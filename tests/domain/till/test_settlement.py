"""A statement as a table: what a till calls its sale is never a formula of whoever opens the table."""

import csv
import io
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from domain.till.model import Shares
from domain.till.settlement import Entry, EntryLine, statement_of

LINE = EntryLine("smart-life", "friday", None, Shares(5_000, 0, 0))


def told(transaction: str) -> str:
    """How the table spells this transaction."""
    entry = Entry(
        UUID(int=1), "REDEMPTION", UUID(int=2), transaction, 20_000, (LINE,), datetime(2026, 10, 2, 4, tzinfo=UTC)
    )  # fmt: skip
    table = statement_of("m", date(2026, 10, 2), [entry], closed=True).csv
    return next(csv.DictReader(io.StringIO(table)))["transaction"]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@sum", "=", "=="])
def test_what_a_spreadsheet_would_reckon_stands_as_text(formula: str) -> None:
    assert told(formula) == "'" + formula


@pytest.mark.parametrize("plain", ["t-1", "1=1", "'=1", "", "交易"])
def test_any_other_text_stands_as_it_is(plain: str) -> None:
    assert told(plain) == plain

"""A merchant's daily statement: every redemption and reversal, who bears what, and the sums.

Pure: the same entries give the same bytes, so that a closed statement can be made again and compared. Amounts of a
reversal are negative. `amount` is of the sale before any discount, or the part of it that went back: what was refunded
and the discount taken back with it; so the amounts less the discounts are what customers have paid. `subsidy` is what
bank and platform owe the merchant.

A closed statement keeps the form it was written in. Form 1: a reversal's amount was the refund alone, the table
repeated an entry's amount on each of its lines, and coupons were named by their bare UUID.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.kernel.ids import public_id
from domain.kernel.money import Fen
from domain.kernel.time import iso
from domain.till.model import Shares

COLUMNS = (
    "kind", "at", "redemption", "transaction", "amount", "campaign", "offer", "coupon", "discount", "bank", "merchant",
    "platform", "subsidy",
)  # fmt: skip


FORM = 2


@dataclass(frozen=True, slots=True)
class EntryLine:
    """coupon: its UUID."""

    campaign: str
    offer: str
    coupon: str | None
    shares: Shares


_NO_DISCOUNT = EntryLine("", "", None, Shares(0, 0, 0))


@dataclass(frozen=True, slots=True)
class Entry:
    """One redemption or reversal. amount: of the sale, or of the refund alone; all amounts without sign."""

    id: UUID
    kind: str
    redemption: UUID
    transaction: str
    amount: Fen
    lines: tuple[EntryLine, ...]
    at: datetime

    @property
    def sign(self) -> int:
        return -1 if self.kind == "REVERSAL" else 1


@dataclass(frozen=True, slots=True)
class Statement:
    """body: JSON; csv: one row a line, an entry's amount on its first, and the sums. Both end with a line break."""

    merchant: str
    day: date
    entries: int
    subsidy: Fen
    body: str
    csv: str
    form: int = FORM


def statement_of(merchant: str, day: date, entries: Iterable[Entry], *, closed: bool, form: int = FORM) -> Statement:
    """The statement of these entries, in the order in which they happened."""
    # At one moment a sale stands before what was returned of it.
    ordered = sorted(entries, key=lambda entry: (entry.at, entry.kind == "REVERSAL", entry.id))
    totals = _totals(ordered, form)
    body = {
        "merchant": merchant,
        "day": day.isoformat(),
        "state": "CLOSED" if closed else "OPEN",
        "entries": [_entry(entry, form) for entry in ordered],
        "totals": totals,
    }
    return Statement(
        merchant,
        day,
        len(ordered),
        totals["subsidy"],
        json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n",
        _csv(ordered, totals, form),
        form,
    )


def _amount(entry: Entry, form: int) -> Fen:
    if form == 1 or entry.kind == "REDEMPTION":
        return entry.sign * entry.amount
    return entry.sign * (entry.amount + _sum(entry.lines).total)


def _coupon(coupon: str, form: int) -> str:
    return coupon if form == 1 else public_id("Coupon", coupon)


def _shares(shares: Shares, sign: int) -> dict[str, Fen]:
    return {
        "discount": sign * shares.total,
        "bank": sign * shares.bank,
        "merchant": sign * shares.merchant,
        "platform": sign * shares.platform,
        "subsidy": sign * (shares.bank + shares.platform),
    }


def _sum(lines: Iterable[EntryLine]) -> Shares:
    parts = [line.shares for line in lines]
    return Shares(
        sum(part.bank for part in parts), sum(part.merchant for part in parts), sum(part.platform for part in parts)
    )


def _entry(entry: Entry, form: int) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "at": iso(entry.at),
        "redemption": str(entry.redemption),
        "transaction": entry.transaction,
        "amount": _amount(entry, form),
        **_shares(_sum(entry.lines), entry.sign),
        "lines": [
            {"campaign": line.campaign, "offer": line.offer}
            | ({} if line.coupon is None else {"coupon": _coupon(line.coupon, form)})
            | _shares(line.shares, entry.sign)
            for line in entry.lines
        ],
    }


def _totals(entries: Sequence[Entry], form: int) -> dict[str, int]:
    sums = {"amount": 0, "discount": 0, "bank": 0, "merchant": 0, "platform": 0, "subsidy": 0}
    for entry in entries:
        sums["amount"] += _amount(entry, form)
        for name, units in _shares(_sum(entry.lines), entry.sign).items():
            sums[name] += units
    redemptions = sum(entry.kind == "REDEMPTION" for entry in entries)
    return {"redemptions": redemptions, "reversals": len(entries) - redemptions, **sums}


def _csv(entries: Sequence[Entry], totals: dict[str, int], form: int) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for entry in entries:
        for n, line in enumerate(entry.lines or (_NO_DISCOUNT,)):
            shares = _shares(line.shares, entry.sign)
            amount = _amount(entry, form) if n == 0 or form == 1 else 0
            table.writerow(
                (
                    entry.kind, iso(entry.at), entry.redemption, _cell(entry.transaction), amount,
                    line.campaign, line.offer, _coupon(line.coupon, form) if line.coupon else "", *shares.values(),
                )
            )  # fmt: skip
    table.writerow(("TOTAL", "", "", "", totals["amount"], "", "", "", *(totals[name] for name in COLUMNS[8:])))
    return text.getvalue()


def _cell(text: str) -> str:
    """A till's own text, never a formula of a spreadsheet."""
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text

"""Units of the ledger, and a ledger so simple that it cannot be wrong: one unit at a time, everything copied first."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.kernel.ids import LANES, lane_of, new_id
from domain.ledger import keys
from domain.ledger.accounts import Account, sink
from domain.ledger.judge import Facts, HoldKey, Judgement, Leg, OpenHold, RequestKey, RowKey, Tally, row_key
from domain.ledger.moves import Move, Op, hold, post, reverse
from domain.ledger.unit import (
    Change,
    Committed,
    EndHold,
    Gone,
    Moved,
    NewHold,
    Opening,
    Repeated,
    Request,
    Result,
    Reused,
    Short,
    Unit,
)

AT = datetime(2026, 10, 2, 4, 0, tzinfo=UTC)
"""Noon in Shanghai, a Friday."""

CAMPAIGN, OFFER, LINE = "smart-life", "friday", "rewards"
QUOTA, GRANTED = keys.quota(CAMPAIGN, OFFER), keys.granted(CAMPAIGN, OFFER)
BUDGET, SPENT = keys.budget(CAMPAIGN, LINE), keys.spent(CAMPAIGN, LINE)
TOTAL, BUDGET_TOTAL = keys.issued_total(CAMPAIGN, OFFER), keys.issued_total(CAMPAIGN, LINE)


def unit(lane: int = LANES[1], at: datetime = AT, **parts: Any) -> Unit:
    return Unit(id=new_id(lane, at), lane=lane, at=at, **parts)


def publish(places: int, budget: int = 0) -> Unit:
    """Gives the quota its places, and the budget line its fen."""
    moves = [post(places, TOTAL, QUOTA, "TOTAL")]
    if budget:
        moves.append(post(budget, BUDGET_TOTAL, BUDGET, "TOTAL"))
    return unit(QUOTA.lane, moves=moves)


def request_of(customer: str, id: UUID | None = None, print: int = 1) -> Request:
    return Request(customer, id or new_id(lane_of(customer), AT), print)


def allowance(customer: str) -> Account:
    return keys.limit(CAMPAIGN, OFFER, per="customer", who=customer, period="once", lane=lane_of(customer))


def coupon_row(customer: str, coupon: UUID, grant: UUID, at: datetime = AT) -> dict[str, Any]:
    return {
        "lane": lane_of(customer), "id": coupon, "customer": customer, "offer_grant": grant, "campaign": CAMPAIGN,
        "version": 1, "offer": OFFER, "kind": "CASH", "status": "AVAILABLE", "title_zh": "周五\"券\"",
        "title_en": "coupon", "value": 500, "merchant_groups": ["dining", 'with "quotes", commas'], "valid_from": at,
        "expires_at": at + timedelta(days=7), "changed_at": at,
    }  # fmt: skip


def grant_row(customer: str, grant: UUID, at: datetime = AT, **columns: Any) -> dict[str, Any]:
    return {
        "lane": lane_of(customer), "id": grant, "customer": customer, "campaign": CAMPAIGN, "version": 1,
        "offer": OFFER, "by": "CLAIM", "cause": "once", "status": "GIVEN", "at": at, "cost": 0, "line": "",
        "details": {"said": 'a "word"\n'}, **columns,
    }  # fmt: skip


def claim(customer: str, request: UUID | None = None, *, print: int = 1, at: datetime = AT) -> Unit:
    """A quota place, the customer's one allowance, and a coupon with its grant."""
    lane = lane_of(customer)
    coupon, grant = new_id(lane, at), new_id(lane, at)
    return unit(
        lane,
        at,
        request=request_of(customer, request, print),
        moves=[
            post(1, QUOTA, GRANTED, "QUOTA"),
            post(1, allowance(customer), keys.used(OFFER), "LIMIT"),
            post(1, keys.issued(OFFER), keys.coupon(coupon), "COUPON"),
        ],
        opens={allowance(customer): Opening(1)},
        rows={"offer_grant": [grant_row(customer, grant, at)], "coupon": [coupon_row(customer, coupon, grant, at)]},
        answer=f'{{"coupon":"{coupon}"}}',
    )


def coupon_of(claimed: Unit) -> UUID:
    id: UUID = claimed.rows["coupon"][0]["id"]
    return id


# --- the simple ledger


@dataclass
class Book:
    balance: int
    floor: int = 0
    overdraw: bool = False
    held: int = 0
    opened: int = 0


@dataclass
class SimpleLedger:
    """The same promises as the real one, kept the slow way."""

    accounts: dict[Account, Book] = field(default_factory=dict)
    requests: dict[RequestKey, tuple[int, str]] = field(default_factory=dict)
    holds: dict[HoldKey, OpenHold] = field(default_factory=dict)
    states: dict[RowKey, str | int] = field(default_factory=dict)

    def commit(self, unit: Unit) -> Result:
        if unit.request is not None:
            key = (unit.lane, unit.request.owner, unit.request.id.int)
            if key in self.requests:
                fingerprint, answer = self.requests[key]
                return Repeated(answer) if fingerprint == unit.request.print else Reused()
        accounts = {account: replace(book) for account, book in self.accounts.items()}
        before = accounts, dict(self.holds), dict(self.states)
        refusal = self._apply(unit)
        if refusal is not None:
            self.accounts, self.holds, self.states = before
            return refusal
        if unit.request is not None:
            self.requests[key] = (unit.request.print, unit.answer)
        return Committed(unit.answer)

    def _apply(self, unit: Unit) -> Result | None:
        moves: list[Move] = []
        changes = list(unit.changes)
        own = {row_key(change, unit.lane) for change in changes}
        brought: list[tuple[int, Change]] = []
        for end in unit.end_holds:
            kept = self.holds.pop((unit.lane, end.id.int), None)
            if kept is None or (end.capture and unit.at >= kept.expires_at):
                return Gone(end.id)
            amounts = end.amounts if end.amounts is not None else [leg.units if end.capture else 0 for leg in kept.legs]
            for leg, amount in zip(kept.legs, amounts, strict=True):
                if amount:
                    moves.append(Move(Op.CAPTURE, leg.source, leg.target, amount, leg.reason))
                if leg.units - amount:
                    moves.append(Move(Op.RELEASE, leg.source, leg.target, leg.units - amount, leg.reason))
            if not end.capture:
                brought += [(kept.lane, change) for change in kept.on_release]
        for change in changes:
            if self.states.get(row_key(change, unit.lane)) != change.old:
                return Moved(change.kind, change.key)
            self._set(row_key(change, unit.lane), change.new)
        for lane, change in brought:
            key = row_key(change, lane)
            if key not in own and self.states.get(key) == change.old:
                own.add(key)
                self._set(key, change.new)
        for new in unit.new_holds:
            moves += new.moves
        for move in [*(m for m in moves if m.op in (Op.CAPTURE, Op.RELEASE)), *unit.moves,
                     *(m for m in moves if m.op is Op.HOLD)]:  # fmt: skip
            self._move(unit, move)
        for move in [*unit.moves, *(m for new in unit.new_holds for m in new.moves)]:
            if not move.source.is_sink:
                book = self.accounts[move.source]
                spares = move.op is Op.REVERSE and book.overdraw
                if not spares and book.balance - book.held < book.floor:
                    return Short(move.source)
        for new in unit.new_holds:
            legs = tuple((move.source, move.target, move.units, move.reason) for move in new.moves)
            self.holds[unit.lane, new.id.int] = OpenHold(
                unit.lane, new.id, new.expires_at, _legs(legs), tuple(new.on_release)
            )
        return None

    def _set(self, key: RowKey, state: str | int | None) -> None:
        if state is None:
            self.states.pop(key, None)
        else:
            self.states[key] = state

    def _book(self, unit: Unit, account: Account) -> Book:
        if account not in self.accounts:
            opening = unit.opens.get(account, Opening())
            self.accounts[account] = Book(opening.balance, opening.floor, opening.overdraw, 0, opening.balance)
        return self.accounts[account]

    def _move(self, unit: Unit, move: Move) -> None:
        if not move.source.is_sink:
            book = self._book(unit, move.source)
            if move.op in (Op.HOLD, Op.CAPTURE, Op.RELEASE):
                book.held += move.units if move.op is Op.HOLD else -move.units
            if move.op in (Op.POST, Op.CAPTURE, Op.REVERSE):
                book.balance -= move.units
        if not move.target.is_sink:
            book = self._book(unit, move.target)
            if move.op in (Op.POST, Op.CAPTURE, Op.REVERSE):
                book.balance += move.units

    # --- as the judge sees it, and what becomes of a judgement

    def facts(self, units: Sequence[Unit]) -> Facts:
        """Of accounts only those that the units name: what their holds concern is not read."""
        named = {
            account
            for unit in units
            for move in [*unit.moves, *(move for new in unit.new_holds for move in new.moves)]
            for account in (move.source, move.target)
        }
        return Facts(
            {
                account: Tally(account, book.balance, book.held, book.floor, book.overdraw, False)
                for account, book in self.accounts.items()
                if account in named
            },
            dict(self.requests),
            dict(self.holds),
            dict(self.states),
        )

    def room(self, judged: Judgement) -> bool:
        """What the guarded write demands of every account that was there."""
        return all(
            (book := self.accounts[tally.account]).balance - book.held - book.floor + tally.low >= 0
            for tally in judged.tallies
            if not tally.new
        )

    def write(self, judged: Judgement) -> None:
        """What the guarded write does."""
        for tally in judged.tallies:
            if tally.new:
                assert tally.account not in self.accounts
                self.accounts[tally.account] = Book(tally.balance, tally.floor, tally.overdraw, 0, tally.balance)
            book = self.accounts[tally.account]
            book.balance += tally.db
            book.held += tally.dh
        for key, net in judged.changes.items():
            assert self.states.get(key) == net.old
            self._set(key, net.new)
        for ended in judged.ended:
            del self.holds[ended]
        self.holds.update(judged.opened)
        for unit in judged.accepted:
            if unit.request is not None:
                self.requests[unit.lane, unit.request.owner, unit.request.id.int] = (unit.request.print, unit.answer)


def _legs(legs: Sequence[tuple[Account, Account, int, str]]) -> tuple[Any, ...]:
    return tuple(Leg(*leg) for leg in legs)


# --- any units at all


class AnyUnits:
    """Units over few accounts, stories and requests, so that they meet often. Each is one a caller might really send.

    longest_hold: seconds until the last hold expires.
    """

    def __init__(
        self, chance: random.Random, lanes: Sequence[int] = LANES[:2], *, longest_hold: int = 90, who: str = ""
    ) -> None:
        self._chance = chance
        self._lanes = lanes
        self._longest_hold = longest_hold
        self._who = who
        self._shared = [Account(LANES[3], f"quota|x|{n}", shared=True) for n in range(2)]
        self._sinks = [sink("out"), sink("in")]
        self._holds: dict[int, list[tuple[UUID, list[Move]]]] = {lane: [] for lane in lanes}
        self._seen: dict[int, list[Request]] = {lane: [] for lane in lanes}
        self._stories = {lane: [f"S{lane}-{n}" for n in range(2)] for lane in lanes}
        self._at = AT

    def next(self) -> Unit:
        pick = self._chance
        lane = pick.choice(self._lanes)
        self._at += timedelta(seconds=pick.randint(0, 30))
        own = [Account(lane, f"a|{n}") for n in range(2)] + [Account(lane, "points")]
        opens = {own[0]: Opening(pick.randint(0, 4)), own[2]: Opening(overdraw=True)}
        moves = [self._move(own) for _ in range(pick.randint(0, 3))]
        changes = self._changes(self._stories[lane]) if pick.randint(0, 9) > 6 else []
        return unit(
            lane,
            self._at,
            request=self._request(lane),
            moves=moves,
            opens=opens,
            new_holds=self._new_holds(lane, own),
            end_holds=self._end_holds(lane),
            changes=changes,
            rows={"story": [story for change in changes if (story := self._story(lane, change))]},
            answer=f'"{pick.randint(0, 10**9)}"',
        )

    def _move(self, own: Sequence[Account]) -> Move:
        pick = self._chance
        everyone = [*own, *self._shared, *self._sinks]
        source, target = pick.sample(everyone, 2)
        return pick.choice((post, post, reverse))(pick.randint(1, 3), source, target, "ANY")

    def _request(self, lane: int) -> Request | None:
        pick = self._chance
        seen = self._seen[lane]
        if seen and pick.randint(0, 9) > 7:
            again = pick.choice(seen)
            return Request(again.owner, again.id, again.print + pick.randint(0, 1))
        if pick.randint(0, 9) > 3:
            seen.append(Request(f"C{lane}{self._who}", new_id(lane, self._at), 7))
            return seen[-1]
        return None

    def _new_holds(self, lane: int, own: Sequence[Account]) -> list[NewHold]:
        pick = self._chance
        holds = []
        for _ in range(max(0, pick.randint(0, 8) - 6)):
            moves = [
                hold(pick.randint(1, 2), pick.choice([*own, *self._shared]), pick.choice([*self._sinks, own[1]]), "ANY")
                for _ in range(pick.randint(0, 2))
            ]
            id = new_id(lane, self._at)
            self._holds[lane].append((id, moves))
            on_release = self._changes(self._stories[lane][:1], (1, 2)) if pick.randint(0, 9) > 5 else []
            holds.append(
                NewHold(id, self._at + timedelta(seconds=pick.randint(0, self._longest_hold)), moves, on_release)
            )
        return holds

    def _end_holds(self, lane: int) -> list[EndHold]:
        pick = self._chance
        known = self._holds[lane]
        ends = []
        for _ in range(max(0, pick.randint(0, 7) - 5) if known else 0):
            id, moves = pick.choice(known)
            capture = pick.randint(0, 9) > 3
            partly = capture and pick.randint(0, 1) == 1
            amounts = tuple(pick.randint(0, move.units) for move in moves) if partly else None
            ends.append(EndHold(id, capture, amounts))
        return ends

    def _changes(self, stories: Sequence[str], states: Sequence[int | None] = (None, 1, 2)) -> list[Change]:
        pick = self._chance
        return [
            Change("story", story, pick.choice(states), pick.choice(states))
            for story in pick.sample(list(stories), pick.randint(1, len(stories)))
        ]

    @staticmethod
    def _story(lane: int, change: Change) -> dict[str, Any] | None:
        if change.old is not None or change.new is None:
            return None
        return {"lane": lane, "customer": change.key, "version": change.new, "plans": 1, "upto": AT, "state": "{}"}

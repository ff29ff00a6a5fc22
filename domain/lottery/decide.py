"""Which prize a chance wins, decided at its turn in the draw's sequence, and what that changes.

Pure. The place in the sequence, the chain and the stock are those of the moment of the commit: the ledger asks for the
decision when the unit's turn has come, and asks again when the batch has to be judged again. So one chance is one draw
is one result, a prize that has just run out falls to the consolation in the same commit, and two at once never stand at
the same place.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.campaigns.model import Cashback, Prize
from domain.kernel.ids import lane_of
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import post
from domain.ledger.unit import Change, Moved, Row, Short, Standing, Unit
from domain.lottery.chain import Entry, Head, hash_of, read_head
from domain.lottery.facts import ChanceFacts, DrawOf, ResultFacts, Secret
from domain.lottery.odds import cost_now, not_payable, odds_of, out_of_stock, prize_at
from domain.lottery.roll import roll
from domain.offers.award import Award, Parts, give
from domain.offers.catalog import OfferOf


def chain_row(of: DrawOf) -> Row:
    return Row("draw_chain", of.key, keys.budget(of.campaign.code, of.draw.line).lane)


def stock_of(of: DrawOf, prize: Prize) -> Account:
    return keys.stock(of.campaign.code, of.draw.code, prize.code)


@dataclass(frozen=True, slots=True)
class DrawTurn:
    """A draw that waits for its turn (`domain.ledger.unit.Late`).

    offer: that gave the chance. day: today in Shanghai. secrets: of today, and of the day in use where the chain is
    ahead. ids: of the result and of the prize's grant; the same however often it is decided.
    """

    of: DrawOf
    offer: OfferOf
    chance: ChanceFacts
    nonce: str
    at: datetime
    day: date
    secrets: Mapping[date, Secret]
    result: UUID
    grant: UUID

    @property
    def accounts(self) -> Sequence[Account]:
        stocked = [stock_of(self.of, prize) for prize in self.of.draw.prizes if prize.stock is not None]
        return (*stocked, keys.budget(self.of.campaign.code, self.of.draw.line))

    @property
    def rows(self) -> Sequence[Row]:
        return (chain_row(self.of),)

    def decide(self, unit: Unit, standing: Standing) -> Unit | Short | Moved:
        """The whole unit. Moved: the chain is at a day whose secret is not at hand. Short: whatever is rolled cannot be
        given for certain; said before the roll, so that nobody can try again for a better one.
        """
        row = chain_row(self.of)
        stands = standing.state(row)
        head = read_head(stands) if isinstance(stands, str) else None
        secret = self.secrets.get(max(head.day, self.day)) if head is not None else None
        if head is None or secret is None:
            return Moved(row.kind, row.key)
        draw = self.of.draw
        budget = keys.budget(self.of.campaign.code, draw.line)
        if (short := self._short(standing, budget)) is not None:
            return short
        entry = self._entry(head, secret, standing, budget)
        prize = next(prize for prize in draw.prizes if prize.code == entry.prize)
        return self._unit(unit, entry, prize, row, head)

    def _short(self, standing: Standing, budget: Account) -> Short | None:
        """Not even the consolation can be paid for; or there is none, and something that may be won is gone."""
        last = self.of.draw.consolation
        if last is not None:
            cost = cost_now(last, self.chance.basis)
            return None if not cost or standing.has(budget, cost) else Short(budget)
        for prize in self.of.draw.prizes:
            if prize.odds_ppm and prize.stock is not None and not standing.has(stock_of(self.of, prize), 1):
                return Short(stock_of(self.of, prize))
            cost = cost_now(prize, self.chance.basis)
            if prize.odds_ppm and cost and not standing.has(budget, cost):
                return Short(budget)
        return None

    def _entry(self, head: Head, secret: Secret, standing: Standing, budget: Account) -> Entry:
        draw = self.of.draw
        left = {prize.code: standing.free(stock_of(self.of, prize)) for prize in draw.prizes if prize.stock is not None}
        closed = not_payable(draw, self.chance.basis, lambda cost: not cost or standing.has(budget, cost))
        out = {*closed, *out_of_stock(draw, lambda prize: left[prize.code])}
        odds, sequence = odds_of(draw), head.sequence + 1
        number = roll(secret.key, self.of.name, sequence, self.nonce)
        won = prize_at(odds, number)
        consolation = draw.consolation.code if draw.consolation is not None else ""
        return Entry(
            draw=self.of.name,
            day=secret.day,
            commitment=secret.commitment,
            sequence=sequence,
            at=self.at,
            result=self.result,
            version=self.of.campaign.version,
            nonce=self.nonce,
            odds=odds,
            stock=tuple([(prize.code, left.get(prize.code)) for prize in draw.prizes]),
            closed=closed,
            consolation=consolation,
            roll=number,
            won=won,
            prize=consolation if won in out and consolation else won,
            previous=head.hash,
        )

    def _unit(self, unit: Unit, entry: Entry, prize: Prize, row: Row, before: Head) -> Unit:
        of, chance, at = self.of, self.chance, self.at
        campaign, draw = of.campaign, of.draw
        body = entry.text()
        digest = hash_of(body)
        parts = Parts()
        order = Award(
            campaign, self.offer.offer, chance.customer, cause=f"draw:{chance.id}", at=at, earned_at=at, by="DRAW",
            amount=cost_now(prize, chance.basis) if isinstance(prize.reward, Cashback) else 0,
        )  # fmt: skip
        parts.moves.append(post(1, keys.chance(chance.id), keys.redeemed(chance.offer), "DRAW"))
        if prize.stock is not None:
            parts.moves.append(post(1, stock_of(of, prize), keys.drawn(*of.key, prize.code), "PRIZE"))
        cost = cost_now(prize, chance.basis)
        if cost:
            parts.moves.append(
                post(cost, keys.budget(campaign.code, draw.line), keys.spent(campaign.code, draw.line), "BUDGET")
            )
        if prize.reward is not None:
            parts.add("offer_grant", {
                "lane": unit.lane, "id": self.grant, "customer": chance.customer, "campaign": campaign.code,
                "version": campaign.version, "offer": chance.offer, "by": "DRAW", "cause": order.cause, "round": 1,
                "status": "GIVEN", "at": at, "cost": cost, "line": draw.line,
                "details": {"draw": draw.code, "prize": prize.code, "basis": chance.basis},
            })  # fmt: skip
            give(parts, order, self.grant, prize.reward)
        result = ResultFacts(
            id=self.result, customer=chance.customer, campaign=campaign.code, version=campaign.version,
            offer=chance.offer, draw=draw.code, prize=prize.code,
            coupon=parts.coupons[0].id if parts.coupons else None,
            delivery=parts.deliveries[0].id if parts.deliveries else None,
            sequence=entry.sequence, day=entry.day, nonce=self.nonce, commitment=entry.commitment,
            previous=entry.previous, hash=digest, at=at,
        )  # fmt: skip
        parts.add("draw_result", _result_row(result, unit.lane, chance.id, self.grant if prize.reward else None))
        parts.add("draw_entry", {
            "lane": row.lane, "campaign": campaign.code, "draw": draw.code, "sequence": entry.sequence,
            "day": entry.day, "prize": prize.code, "result": self.result, "hash": digest, "body": body,
        })  # fmt: skip
        after = Head(entry.sequence, entry.day, digest)
        return Unit(
            id=unit.id,
            lane=unit.lane,
            at=unit.at,
            request=unit.request,
            moves=parts.moves,
            opens=parts.opens,
            changes=(
                Change("draw_chance", chance.id, "OPEN", "DRAWN"),
                Change(row.kind, row.key, before.text(), after.text(), lane=row.lane),
                *parts.changes,
            ),
            rows=parts.rows,
            answer=write_result(result),
            signals=[*parts.signals, (f"viewer:{chance.customer}", f"draw_result:{self.result}")],
        )


def _result_row(result: ResultFacts, lane: int, chance: UUID, grant: UUID | None) -> dict[str, Any]:
    return {
        "lane": lane, "id": result.id, "customer": result.customer, "chance": chance, "campaign": result.campaign,
        "version": result.version, "offer": result.offer, "draw": result.draw, "prize": result.prize,
        "offer_grant": grant, "coupon": result.coupon, "delivery": result.delivery, "sequence": result.sequence,
        "day": result.day, "nonce": result.nonce, "commitment": result.commitment, "previous": result.previous,
        "hash": result.hash, "at": result.at,
    }  # fmt: skip


def write_result(result: ResultFacts) -> str:
    """The answer as the ledger keeps it for repetitions."""
    plain = {
        "id": str(result.id), "customer": result.customer, "campaign": result.campaign, "version": result.version,
        "offer": result.offer, "draw": result.draw, "prize": result.prize,
        "coupon": None if result.coupon is None else str(result.coupon),
        "delivery": None if result.delivery is None else str(result.delivery),
        "sequence": result.sequence, "day": result.day.isoformat(), "nonce": result.nonce,
        "commitment": result.commitment, "previous": result.previous, "hash": result.hash,
        "at": result.at.isoformat(),
    }  # fmt: skip
    return json.dumps(plain, ensure_ascii=False)


def read_result(answer: str) -> ResultFacts:
    told: Mapping[str, Any] = json.loads(answer)
    ids = {name: None if told[name] is None else UUID(told[name]) for name in ("coupon", "delivery")}
    plain = {
        **told, **ids, "id": UUID(told["id"]), "day": date.fromisoformat(told["day"]),
        "at": datetime.fromisoformat(told["at"]),
    }  # fmt: skip
    return ResultFacts(**plain)


def undecided(order: DrawTurn, unit_id: UUID, **parts: Any) -> Unit:
    """The unit that waits for its turn: whose, when, under which request; all else is decided then."""
    return Unit(id=unit_id, lane=lane_of(order.chance.customer), at=order.at, late=order, **parts)

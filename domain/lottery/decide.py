"""Which prize a chance wins, decided at its turn in the draw's sequence, and what that changes.

Pure but for `DrawTurn.told`. The place in the sequence, the chain and the stock are those of the moment of the commit:
the ledger asks for the decision when the unit's turn has come, and asks again when the batch has to be judged again. So
one chance is one draw is one result, a prize that has just run out falls to the consolation in the same commit, and two
at once never stand at the same place.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from domain.campaigns.model import Cashback
from domain.kernel.ids import lane_of
from domain.kernel.money import Fen
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import post
from domain.ledger.unit import Change, Moved, Request, Row, Short, Standing, Unit
from domain.lottery.chain import Entry, Head, hash_of, read_head
from domain.lottery.facts import ChanceFacts, DrawOf, ResultFacts, Secret
from domain.lottery.odds import cost_now, not_payable, prize_at
from domain.lottery.roll import roll
from domain.offers.award import Award, Parts, give
from domain.offers.catalog import OfferOf


@dataclass(slots=True, eq=False)
class DrawTurn:
    """A draw that waits for its turn (`domain.ledger.unit.Late`).

    offer: that gave the chance. day: today in Shanghai. secrets: of today, and of the day in use where the chain is
    ahead. result: the id of the result, of the prize's grant and of the unit; the same however often it is decided.
    told: what was decided last, which is what was drawn once the unit is committed.
    """

    of: DrawOf
    offer: OfferOf
    chance: ChanceFacts
    nonce: str
    at: datetime
    day: date
    secrets: Mapping[date, Secret]
    result: UUID
    told: ResultFacts | None = None
    _chance: Account = field(init=False)

    def __post_init__(self) -> None:
        self._chance = keys.chance(self.chance.id)

    @property
    def accounts(self) -> Sequence[Account]:
        return (*self.of.accounts, self._chance)

    @property
    def rows(self) -> Sequence[Row]:
        return (self.of.chain, Row("draw_chance", self.chance.id, self._chance.lane))

    def decide(self, unit: Unit, standing: Standing) -> Unit | Short | Moved:
        """The whole unit. Moved: the chain is at a day whose secret is not at hand. Short: whatever is rolled cannot be
        given for certain; said before the roll, so that nobody can try again for a better one.
        """
        of = self.of
        stands = standing.state(of.chain)
        head = read_head(stands) if isinstance(stands, str) else None
        secret = self.secrets.get(max(head.day, self.day)) if head is not None else None
        if head is None or secret is None:
            return Moved(of.chain.kind, of.chain.key)
        if (short := self._short(standing)) is not None:
            return short
        return self._unit(unit, self._entry(head, secret, standing), str(stands))

    def _pays_all(self, standing: Standing) -> bool:
        """Whether the budget pays for any prize, so that none needs a look of its own."""
        dearest = self.of.dearest
        return dearest is not None and standing.free(self.of.budget) >= dearest

    def _short(self, standing: Standing) -> Short | None:
        """Not even the consolation can be paid for; or there is none, and something that may be won is gone."""
        of, basis = self.of, self.chance.basis
        if of.endless and self._pays_all(standing):
            return None
        certain = (of.consolation,) if of.consolation is not None else of.draw.prizes
        for prize in certain:
            if of.consolation is None and not prize.odds_ppm:
                continue
            stock, cost = of.stocks.get(prize.code), cost_now(prize, basis)
            if stock is not None and not standing.has(stock, 1):
                return Short(stock)
            if cost and not standing.has(of.budget, cost):
                return Short(of.budget)
        return None

    def _entry(self, head: Head, secret: Secret, standing: Standing) -> Entry:
        of = self.of
        left = {code: standing.free(account) for code, account in of.stocks.items()}
        closed: tuple[str, ...] = ()
        if not self._pays_all(standing):
            closed = not_payable(of.draw, self.chance.basis, lambda cost: not cost or standing.has(of.budget, cost))
        sequence = head.sequence + 1
        number = roll(secret.key, of.name, sequence, self.nonce)
        won = prize_at(of.odds, number)
        consolation = of.consolation.code if of.consolation is not None else ""
        gone = left.get(won, 1) <= 0 or won in closed
        return Entry(
            draw=of.name,
            day=secret.day,
            commitment=secret.commitment,
            sequence=sequence,
            at=self.at,
            result=self.result,
            version=of.campaign.version,
            nonce=self.nonce,
            odds=of.odds,
            stock=tuple([(code, left.get(code)) for code in of.prizes]),
            closed=closed,
            consolation=consolation,
            roll=number,
            won=won,
            prize=consolation if gone and consolation else won,
            previous=head.hash,
        )

    def _unit(self, unit: Unit, entry: Entry, stands: str) -> Unit:
        of, chance, at, lane, id = self.of, self.chance, self.at, unit.lane, self.result
        campaign, draw, prize, customer = of.campaign, of.draw, of.prizes[entry.prize], self.chance.customer
        body = entry.text()
        digest = hash_of(body)
        cost = cost_now(prize, chance.basis)
        parts = Parts()
        parts.moves.append(post(1, self._chance, keys.redeemed(chance.offer), "DRAW"))
        if prize.stock is not None:
            parts.moves.append(post(1, of.stocks[prize.code], keys.drawn(*of.key, prize.code), "PRIZE"))
        if cost:
            parts.moves.append(post(cost, of.budget, keys.spent(campaign.code, draw.line), "BUDGET"))
        if prize.reward is not None:
            cause = f"draw:{chance.id}"
            parts.add("offer_grant", {
                "lane": lane, "id": id, "customer": customer, "campaign": campaign.code,
                "version": campaign.version, "offer": chance.offer, "by": "DRAW", "cause": cause, "round": 1,
                "status": "GIVEN", "at": at, "cost": cost, "line": draw.line,
                "details": _details(draw.code, prize.code, chance.basis),
            })  # fmt: skip
            amount = cost if isinstance(prize.reward, Cashback) else 0
            order = Award(campaign, self.offer.offer, customer, cause, at, at, amount=amount, by="DRAW")
            give(parts, order, id, prize.reward)
        coupon = parts.coupons[0].id if parts.coupons else None
        delivery = parts.deliveries[0].id if parts.deliveries else None
        self.told = ResultFacts(
            id, customer, campaign.code, campaign.version, chance.offer, draw.code, prize.code, coupon, delivery,
            entry.sequence, entry.day, self.nonce, entry.commitment, entry.previous, digest, at,
        )  # fmt: skip
        parts.add("draw_result", {
            "lane": lane, "id": id, "customer": customer, "chance": chance.id, "campaign": campaign.code,
            "version": campaign.version, "offer": chance.offer, "draw": draw.code, "prize": prize.code,
            "coupon": coupon, "delivery": delivery, "sequence": entry.sequence, "day": entry.day,
            "nonce": self.nonce, "commitment": entry.commitment, "previous": entry.previous, "hash": digest, "at": at,
        })  # fmt: skip
        parts.add("draw_entry", {
            "lane": of.chain.lane, "campaign": campaign.code, "draw": draw.code, "sequence": entry.sequence,
            "day": entry.day, "prize": prize.code, "result": id, "hash": digest, "body": body,
        })  # fmt: skip
        name = str(id)
        after = Head(entry.sequence, entry.day, digest).text()
        return Unit(
            id=unit.id,
            lane=lane,
            at=unit.at,
            request=unit.request,
            moves=parts.moves,
            opens=parts.opens,
            changes=(
                Change("draw_chance", chance.id, "OPEN", "DRAWN"),
                Change(of.chain.kind, of.chain.key, stands, after, lane=of.chain.lane),
                *parts.changes,
            ),
            rows=parts.rows,
            answer=write_result(name),
            signals=[*parts.signals, (f"viewer:{customer}", f"draw_result:{name}")],
        )


@lru_cache(maxsize=1024)
def _details(draw: str, prize: str, basis: Fen) -> str:
    """What a prize's grant remembers: JSON."""
    return json.dumps({"draw": draw, "prize": prize, "basis": basis})


def write_result(id: str) -> str:
    """The answer as the ledger keeps it for repetitions: all else stands in the result's row."""
    return f'{{"result":"{id}"}}'


def read_result(answer: str) -> UUID:
    """The result's id. Answers kept before they named only that held all of it, with `id` for its own."""
    told = json.loads(answer)
    return UUID(told["result"] if "result" in told else told["id"])


def undecided(order: DrawTurn, request: Request | None = None) -> Unit:
    """The unit that waits for its turn: whose, when, under which request; all else is decided then."""
    return Unit(order.result, lane_of(order.chance.customer), order.at, request, late=order)

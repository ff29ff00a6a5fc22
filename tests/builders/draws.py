"""A draw over a real ledger, with as many chances as a test wants; and made-up records of draws."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg

from domain.campaigns.model import Draw
from domain.kernel.ids import lane_of, new_id
from domain.kernel.time import SHANGHAI
from domain.ledger import keys
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Request, Result, Unit
from domain.lottery.chain import Entry, beginning, hash_of
from domain.lottery.decide import DrawTurn, undecided
from domain.lottery.facts import ChanceFacts, DrawOf
from domain.lottery.odds import prize_at
from domain.lottery.roll import commitment_of, roll
from domain.lottery.verify import Day
from domain.offers.catalog import OfferOf
from domain.offers.take_back import GivenGrant, Held, lower
from domain.offers.units import unit_of
from infra.campaigns.loader import HERE, load_campaign
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from infra.db.reconcile import reconcile
from infra.db.stores.lottery import DrawRecord, SecretStore
from infra.security.keys import DataKey
from infra.security.sealing import Sealer

AT = datetime(2026, 10, 5, 12, 0, tzinfo=SHANGHAI)
DAY = date(2026, 10, 5)
NONCE = "sixteen characters"
SEALER = Sealer([DataKey("test", seal=bytes(32), refresh=bytes(32), show=bytes(32))])


def shipped(draw: str = "wake-up", **stock: int) -> DrawOf:
    """A draw of the shipped plan. stock: other stocks, by the prize's code with underscores for hyphens."""
    text = (HERE / "smart-life.yaml").read_text(encoding="utf-8")
    campaign = load_campaign(text, file="", starts_on=date(2026, 10, 1), version=1, elsewhere=None).campaign
    found = campaign.draw(draw)
    assert found is not None
    changed = {code.replace("_", "-"): many for code, many in stock.items()}
    prizes = tuple(replace(prize, stock=changed.get(prize.code, prize.stock)) for prize in found.prizes)
    return of_draw(replace(found, prizes=prizes))


def of_draw(draw: Draw) -> DrawOf:
    text = (HERE / "smart-life.yaml").read_text(encoding="utf-8")
    campaign = load_campaign(text, file="", starts_on=date(2026, 10, 1), version=1, elsewhere=None).campaign
    others = tuple(draw if one.code == draw.code else one for one in campaign.draws)
    return DrawOf(replace(campaign, draws=others), draw)


@dataclass
class Booth:
    """One draw, open. `people` chances are made by `chances`; `turn` is a draw as the use case sends it."""

    of: DrawOf
    ledger: GroupCommit
    pool: asyncpg.Pool
    secrets: SecretStore
    dsn: str
    _people: int = 0

    @property
    def offer(self) -> OfferOf:
        code = "wake-up-draw" if self.of.draw.code == "wake-up" else "free-order"
        offer = self.of.campaign.offer(code)
        assert offer is not None
        return OfferOf(self.of.campaign, offer)

    async def open(self, *, budget: int = 10**12) -> None:
        lane = keys.budget(self.of.campaign.code, self.of.draw.line).lane
        moves = [
            post(prize.stock, keys.issued_total(self.of.campaign.code, f"{self.of.draw.code}|{prize.code}"),
                 self.of.stocks[prize.code], "ISSUED")
            for prize in self.of.draw.prizes
            if prize.stock
        ]  # fmt: skip
        line = keys.budget(self.of.campaign.code, self.of.draw.line)
        moves.append(post(budget, keys.issued_total(self.of.campaign.code, self.of.draw.line), line, "ISSUED"))
        done = await self.ledger.commit(Unit(id=new_id(lane, AT), lane=lane, at=AT, moves=moves))
        assert isinstance(done, Committed)

    async def chances(self, count: int, *, customer: str | None = None, basis: int = 0) -> list[ChanceFacts]:
        made = []
        units = []
        for _ in range(count):
            self._people += 1
            who = customer or f"P{self._people}"
            lane = lane_of(who)
            chance = ChanceFacts(
                new_id(lane, AT), who, self.of.campaign.code, self.offer.offer.code, self.of.draw.code, basis,
                AT + timedelta(days=30),
            )  # fmt: skip
            made.append(chance)
            row = {
                "lane": lane, "id": chance.id, "customer": who, "offer_grant": new_id(lane, AT),
                "campaign": chance.campaign, "version": 1, "offer": chance.offer, "draw": chance.draw,
                "status": "OPEN", "basis": basis, "expires_at": chance.expires_at, "at": AT, "changed_at": AT,
            }  # fmt: skip
            moves = [post(1, keys.issued(chance.offer), keys.chance(chance.id), "CHANCE")]
            units.append(Unit(id=new_id(lane, AT), lane=lane, at=AT, moves=moves, rows={"draw_chance": [row]}))
        for future in [self.ledger.submit(unit) for unit in units]:
            assert isinstance(await future, Committed)
        return made

    async def turn(
        self, chance: ChanceFacts, *, nonce: str = NONCE, request: UUID | None = None, day: date = DAY
    ) -> Unit:
        lane = lane_of(chance.customer)
        known = await self.secrets.secrets(self.of.key, self.of.chain.lane, day)
        order = DrawTurn(
            of=self.of, offer=self.offer, chance=chance, nonce=nonce, at=AT, day=day, secrets=known,
            result=new_id(lane, AT),
        )  # fmt: skip
        return undecided(order, Request(chance.customer, request or new_id(lane, AT), 1))

    async def draw(self, chance: ChanceFacts, **how: object) -> Result:
        return await self.ledger.commit(await self.turn(chance, **how))  # type: ignore[arg-type]

    async def lower(self, chance: ChanceFacts, basis: int) -> None:
        """Part of the purchase that earned the chance goes back; so much is left of it."""
        lane = lane_of(chance.customer)
        grant = GivenGrant(
            id=new_id(lane, AT), customer=chance.customer, campaign=chance.campaign, version=1, offer=chance.offer,
            cause="t-1", round=1, status="GIVEN", cost=0, line="", at=AT, earned_at=AT, card=None, person=None,
            amount=0, basis=chance.basis,
        )  # fmt: skip
        row = dict(await self.pool.fetchrow("select * from draw_chance where id = $1", chance.id))
        held = Held("draw_chance", chance.id, row["status"], row=row)
        given = {
            "lane": lane, "id": grant.id, "customer": grant.customer, "campaign": grant.campaign, "version": 1,
            "offer": grant.offer, "by": "STORY", "cause": grant.cause, "round": 1, "status": "GIVEN", "at": AT,
            "cost": 0, "line": "", "details": {},
        }  # fmt: skip
        await self.ledger.commit(Unit(id=new_id(lane, AT), lane=lane, at=AT, rows={"offer_grant": [given]}))
        parts = lower(grant, [held], basis, {}, AT)
        done = await self.ledger.commit(unit_of(parts, lane=lane, at=AT))
        assert isinstance(done, Committed)

    async def record(self) -> list[Entry]:
        from domain.lottery.chain import read_entry

        found = await DrawRecord(self.pool).entries(self.of.key, after=0, limit=10**6)
        return [read_entry(body) for _, _, _, body in found]

    async def broken(self) -> list[str]:
        """What the laws find; the grants that gave the chances are not made here, so law 3 counts prizes alone."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return [f"{law.name}: {law.detail}" for law in await reconcile(connection) if not law.ok]
        finally:
            await connection.close()


@asynccontextmanager
async def open_booth(dsn: str, of: DrawOf, *, budget: int = 10**12, in_flight: int = 2) -> AsyncIterator[Booth]:
    pool = await open_pool(dsn, min_size=1, max_size=2)
    try:
        async with GroupCommit(dsn, in_flight=in_flight) as ledger:
            booth = Booth(of, ledger, pool, SecretStore(pool, SEALER), dsn)
            await booth.open(budget=budget)
            yield booth
    finally:
        await pool.close()


@asynccontextmanager
async def open_ledger(dsn: str, of: DrawOf) -> AsyncIterator[Booth]:
    """Another process at a booth that is open already: without patience, so that it hears when the database is gone."""
    pool = await open_pool(dsn, min_size=1, max_size=2)
    try:
        async with GroupCommit(dsn, patience_s=0) as ledger:
            booth = Booth(of, ledger, pool, SecretStore(pool, SEALER), dsn)
            await booth.secrets.secrets(of.key, of.chain.lane, DAY)
            yield booth
    finally:
        pool.terminate()


# --- records without a database


@dataclass
class MadeUp:
    """A record of so many draws, with the secret of its one day revealed."""

    draw: str = "smart-life/wake-up"
    secret: bytes = bytes(range(32))
    odds: tuple[tuple[str, int], ...] = (("card", 50_000), ("video", 250_000), ("coupon", 700_000))
    stock: Mapping[str, int | None] = field(default_factory=lambda: {"card": 2, "video": 3, "coupon": None})
    entries: list[Entry] = field(default_factory=list)

    @property
    def days(self) -> list[Day]:
        return [Day(DAY, commitment_of(self.secret), self.secret.hex())]

    def record(self) -> list[tuple[str, str]]:
        return [(hash_of(entry.text()), entry.text()) for entry in self.entries]

    def add(self, nonces: Sequence[str]) -> "MadeUp":
        left = dict(self.stock)
        previous = beginning(self.draw)
        for sequence, nonce in enumerate(nonces, 1):
            number = roll(self.secret, self.draw, sequence, nonce)
            won = prize_at(self.odds, number)
            prize = "coupon" if left[won] == 0 else won
            entry = Entry(
                draw=self.draw, day=DAY, commitment=commitment_of(self.secret), sequence=sequence,
                at=datetime(2026, 10, 5, 4, 0, sequence % 60, tzinfo=UTC), result=UUID(int=sequence), version=1,
                nonce=nonce, odds=self.odds, stock=tuple(left.items()), closed=(), consolation="coupon", roll=number,
                won=won, prize=prize, previous=previous,
            )  # fmt: skip
            self.entries.append(entry)
            previous = hash_of(entry.text())
            count = left[prize]
            if count is not None:
                left[prize] = count - 1
        return self

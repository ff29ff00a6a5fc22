"""Draws: prizes with their odds as they are now, the viewer's chances and results, and what proves a result."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from api.context import Context, HallInfo
from api.fulfilment.types import Delivery, delivery
from api.lottery.loaders import DrawLoaders
from api.node import Node, node_id
from api.pages import DEFAULT_FIRST, PageInfo, cursor_id, page_info, page_size, read_cursor_id
from api.scalars import Fen
from domain.campaigns.model import Prize as PrizeFacts
from domain.lottery.facts import ChanceFacts, DrawOf, ResultFacts, day_to_commit, find_draw
from domain.lottery.odds import not_payable, odds_now, out_of_stock
from domain.lottery.ports import Stands
from domain.offers.catalog import Catalog

CURSOR = b"R"


def loaders(context: Context) -> DrawLoaders:
    return context.kept(_loaders)


def _loaders(context: Context) -> DrawLoaders:
    return DrawLoaders(context.deps.draws, context.customer, context.now)


@strawberry.type(description="What can be won. The odds of all prizes of a draw sum to 1,000,000.")
class Prize:
    code: str = strawberry.field(description="Stable within the draw.")
    title: str = strawberry.field(description="What it is.")
    odds_ppm: int = strawberry.field(
        description="Millionths, as they are now: 0 for what has run out, whose odds are the consolation prize's."
    )
    total: int | None = strawberry.field(description="How many there are; null where it cannot run out.")
    remaining: int | None = strawberry.field(description="How many are left; null where it cannot run out.")
    value: Fen = strawberry.field(description="What it is worth, in fen; of a free order the most it can be.")


@strawberry.type(description="Enough for the customer to recompute the result once the secret is revealed.")
class DrawProof:
    of: strawberry.Private[ResultFacts]
    sequence: int = strawberry.field(description="The result's place in the draw's chain, from 1.")
    client_nonce: str = strawberry.field(description="What the customer sent.")
    commitment: str = strawberry.field(description="SHA-256 of the day's secret, published before it was used.")
    previous_hash: str = strawberry.field(description="Hash of the entry before it in the draw's chain.")
    hash: str = strawberry.field(description="SHA-256 of this result's entry in the draw's public record.")

    @strawberry.field(description="The day's secret in hexadecimal; null until it is revealed, when the day is over.")
    async def secret(self, info: HallInfo) -> str | None:
        found = self.of
        return await loaders(info.context).secrets.load(((found.campaign, found.draw), found.day))


@strawberry.type(description="What a chance won.")
class DrawResult(Node):
    of: strawberry.Private[ResultFacts]
    at: datetime = strawberry.field(description="When it was drawn.")
    proof: DrawProof = strawberry.field(description="What proves it.")

    @strawberry.field(description="What was won; its odds and stock as they are now.")
    async def prize(self, info: HallInfo) -> Prize:
        context = info.context
        catalog = await context.catalog()
        drawn_by = catalog.version(self.of.campaign, self.of.version)
        draw = drawn_by.draw(self.of.draw) if drawn_by is not None else None
        if drawn_by is None or draw is None:
            raise LookupError(f"no version {self.of.version} of {self.of.campaign}")  # versions are never taken away
        present = find_draw(catalog, self.of.draw, context.now)
        if present is None or present.campaign.code != self.of.campaign or not _has(present, self.of.prize):
            present = DrawOf(drawn_by, draw)
        shown = await prizes(context, present)
        return next(prize for prize in shown if prize.code == self.of.prize)

    @strawberry.field(description="The promise to send it; null where it is a coupon, or mere thanks.")
    async def delivery(self, info: HallInfo) -> Delivery | None:
        if self.of.delivery is None:
            return None
        row = await info.context.loaders.deliveries.load(self.of.delivery)
        return None if row is None else delivery(row, info.context.language)


@strawberry.type(description="A result's place in a page.")
class DrawResultEdge:
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this result.")
    node: DrawResult = strawberry.field(description="The result.")


@strawberry.type(description="A page of results, newest first.")
class DrawResultConnection:
    edges: list[DrawResultEdge] = strawberry.field(description="The results of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


@strawberry.type(description="A draw of a campaign. Every result can be recomputed: see /draws/verify.")
class Draw:
    of: strawberry.Private[DrawOf]
    code: str = strawberry.field(description="Stable; the campaign file's.")
    title: str = strawberry.field(description="The draw's title.")

    @strawberry.field(description="What can be won.")
    async def prizes(self, info: HallInfo) -> list[Prize]:
        return await prizes(info.context, self.of)

    @strawberry.field(description="Hash of the draw's secret, published before the first draw.")
    async def commitment(self, info: HallInfo) -> str:
        day = day_to_commit(self.of, info.context.now)
        known = await info.context.deps.draw_secrets.secrets(self.of.key, self.of.chain.lane, day)
        return known[max(known)].commitment

    @strawberry.field(description="The viewer's chances, soonest end first, at most 100; empty when signed out.")
    async def chances(self, info: HallInfo) -> list[Annotated["DrawChance", strawberry.lazy("api.lottery.types")]]:
        if info.context.customer is None:
            return []
        found = await loaders(info.context).chances.load(self.code)
        return [draw_chance(row, self) for row in found if row.campaign == self.of.campaign.code]

    @strawberry.field(description="The viewer's results, newest first; empty when signed out.")
    async def history(
        self,
        info: HallInfo,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 100.")] = DEFAULT_FIRST,
        after: Annotated[str | None, strawberry.argument(description="The cursor to go on behind.")] = UNSET,
    ) -> DrawResultConnection:
        mark, size, customer = read_cursor_id(CURSOR, after), page_size(first), info.context.customer
        if customer is None:
            return DrawResultConnection(edges=[], page_info=page_info([], more=False, after=mark))
        page = await info.context.deps.draws.results(customer, self.of.key, first=size, after=mark)
        edges = [DrawResultEdge(cursor=cursor_id(CURSOR, row.id), node=draw_result(row)) for row in page.items]
        cursors = [edge.cursor for edge in edges]
        return DrawResultConnection(edges=edges, page_info=page_info(cursors, more=page.more, after=mark))


@strawberry.type(description="A chance in a draw that can be drawn.")
class DrawChance(Node):
    draw: Draw = strawberry.field(description="The draw it is for.")
    expires_at: datetime = strawberry.field(description="Until when, exclusive.")


def draw_of(of: DrawOf, context: Context) -> Draw:
    return Draw(of=of, code=of.draw.code, title=of.draw.title.say(context.language))


def draw_chance(row: ChanceFacts, draw: Draw) -> DrawChance:
    return DrawChance(id=node_id("DrawChance", row.id), draw=draw, expires_at=row.expires_at)


def draw_chances(rows: list[ChanceFacts], catalog: Catalog, context: Context) -> list[DrawChance]:
    """Those whose draw is in a version in force."""
    found = {row.draw: find_draw(catalog, row.draw, context.now) for row in rows}
    return [
        draw_chance(row, draw_of(of, context))
        for row in rows
        if (of := found[row.draw]) is not None and of.campaign.code == row.campaign
    ]


def draw_result(row: ResultFacts) -> DrawResult:
    return DrawResult(
        id=node_id("DrawResult", row.id),
        of=row,
        at=row.at,
        proof=DrawProof(
            of=row,
            sequence=row.sequence,
            client_nonce=row.nonce,
            commitment=row.commitment,
            previous_hash=row.previous,
            hash=row.hash,
        ),
    )


async def prizes(context: Context, of: DrawOf) -> list[Prize]:
    stands: Stands = await loaders(context).stands.load(of)
    closed = not_payable(of.draw, None, lambda cost: cost <= stands.budget)
    gone = (*closed, *out_of_stock(of.draw, lambda prize: stands.left.get(prize.code, 0)))
    odds = odds_now(of.draw, gone)
    return [_prize(prize, odds[prize.code], stands, context) for prize in of.draw.prizes]


def _prize(prize: PrizeFacts, odds_ppm: int, stands: Stands, context: Context) -> Prize:
    return Prize(
        code=prize.code,
        title=prize.title.say(context.language),
        odds_ppm=odds_ppm,
        total=prize.stock,
        remaining=None if prize.stock is None else max(0, stands.left.get(prize.code, 0)),
        value=prize.value,
    )


def _has(of: DrawOf, prize: str) -> bool:
    return any(one.code == prize for one in of.draw.prizes)

"""The home page, single offers, and what the offers' room says of the viewer."""

from typing import Annotated

import strawberry

from api.context import Context, HallInfo
from api.node import node_id, read_id, uuid_of
from api.offers.links import Channel
from api.offers.reader import reader
from api.offers.showcase import showcase, showcase_of
from api.offers.types import (
    Campaign,
    Hall,
    HallSection,
    MissionProgress,
    Offer,
    RewardChoice,
    RewardOption,
)
from domain.offers.catalog import OfferOf
from domain.offers.hall import next_change, on_show, personal_page, plain_shelves
from domain.wallet.facts import ChoiceFacts, ChoiceStatus


@strawberry.type
class OffersQuery:
    @strawberry.field(description="The whole home page in one query, signed in or not.")
    async def hall(
        self,
        info: HallInfo,
        channel: Annotated[
            Channel | None, strawberry.argument(description="Where the customer is; links lead there.")
        ] = Channel.MINI_PROGRAM,
    ) -> Hall:
        context = info.context
        catalog = await context.catalog()
        offers = on_show(catalog, context.now)
        shown = await reader(context).shown(offers, catalog)
        newer = await context.catalog()
        if newer is not catalog:  # a statement saw a newer one: what this one did not know of is looked up once more
            catalog, offers = newer, on_show(newer, context.now)
            context.changed()
            shown = await reader(context).shown(offers, catalog)
        viewer = await context.viewer()
        personalised = viewer is not None and viewer.personalisation
        if viewer is not None and personalised:
            shelves = personal_page(catalog, shown, viewer.story, context.now)
        else:
            shelves = plain_shelves(offers)
        case = showcase(catalog, context.language, channel or Channel.MINI_PROGRAM)
        return Hall(
            server_time=context.now,
            next_change_at=next_change(
                catalog, shown, None if viewer is None else viewer.story, context.now, personalised=personalised
            ),
            personalised=personalised,
            sections=[
                HallSection(
                    code=shelf.section.code,
                    title=shelf.section.title.say(context.language),
                    offers=[case.offer(of) for of in shelf.offers],
                )
                for shelf in shelves
            ],
        )

    @strawberry.field(description="The offer of this code, also before and after it runs; null where there is none.")
    async def offer(
        self, info: HallInfo, code: Annotated[str, strawberry.argument(description="The offer's code.")]
    ) -> Offer | None:
        return await offer_of_code(info.context, code)


@strawberry.type
class OffersOfViewer:
    """What this room adds to the viewer."""

    customer: strawberry.Private[str]

    @strawberry.field(description="Offers the viewer is on the way to, and how far.")
    async def missions(self, info: HallInfo) -> list[MissionProgress]:
        context = info.context
        facts = await context.loaders.viewers.load(self.customer)
        catalog = await context.catalog()
        case = showcase(catalog, context.language)
        found = reader(context).ways(on_show(catalog, context.now), catalog, facts.story)
        return [
            MissionProgress(offer=case.offer(of), done=way.done, needed=way.needed, deadline=way.deadline)
            for of, way in found
        ]

    @strawberry.field(description="Rewards to choose from: the open ones, and those of the last 90 days, newest first.")
    async def choices(self, info: HallInfo) -> list[RewardChoice]:
        context = info.context
        rows = await context.deps.wallet.choices(self.customer, context.now)
        return [choice for row in rows if (choice := await _choice(context, row)) is not None]


async def offer_of_code(context: Context, code: str) -> Offer | None:
    catalog = await context.catalog()
    of = catalog.offer(code, context.now)
    if of is not None and (counted := catalog.stock(of).accounts):
        # What is left of it is read in any case; the statement may tell of a newer catalog.
        await context.loaders.left.load_many(counted)
        catalog = await context.catalog()
        of = catalog.offer(code, context.now)
    return None if of is None else showcase(catalog, context.language).offer(of)


async def offer_node(info: HallInfo, id: str) -> Offer | None:
    read = read_id(id)
    return None if read is None else await offer_of_code(info.context, read[1])


async def campaign_node(info: HallInfo, id: str) -> Campaign | None:
    read = read_id(id)
    if read is None:
        return None
    campaign = (await info.context.catalog()).campaign(read[1], info.context.now)
    return None if campaign is None else (await showcase_of(info.context)).campaign(campaign)


async def choice_node(info: HallInfo, id: str) -> RewardChoice | None:
    """The viewer's own choice of this node id; another's is null like one that never was."""
    key = uuid_of(id, "RewardChoice")
    if key is None or info.context.customer is None:
        return None
    row = await info.context.loaders.choices.load(key)
    return None if row is None else await _choice(info.context, row)


async def _choice(context: Context, row: ChoiceFacts) -> RewardChoice | None:
    catalog = await context.catalog()
    of: OfferOf | None = catalog.granted(row.campaign, row.version, row.offer, context.now)
    if of is None:
        return None
    is_open = row.status is ChoiceStatus.OPEN and context.now < row.choose_by
    return RewardChoice(
        id=node_id("RewardChoice", row.id),
        offer=showcase(catalog, context.language).offer(of),
        choose_by=row.choose_by,
        options=[
            RewardOption(code=option.code, title=option.title.say(context.language), available=is_open)
            for option in row.options
        ],
        chosen=row.chosen,
    )

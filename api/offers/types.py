"""Offers, campaigns and the home page."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from api.awaiting import Soon, both, then
from api.context import HallInfo
from api.node import Node
from api.offers.links import Channel, link_of
from api.offers.reader import reader
from domain.campaigns import terms
from domain.campaigns.model import Offer as OfferFacts
from domain.campaigns.terms import ActionKind, OfferKind, OfferState
from domain.kernel.words import Language
from domain.offers.catalog import Catalog, Left, OfferOf
from domain.offers.hall import sooner
from domain.stories.explain import Eligibility as Judged

strawberry.enum(Channel, description="Where the customer is.")
strawberry.enum(OfferKind, description="What the benefit is.")
strawberry.enum(
    OfferState,
    description="Whether it can be had now. BETWEEN_WINDOWS: between two recurring windows. SOLD_OUT: nothing left of "
    "its quota, or of the budget for it. PAUSED: on hold for now.",
)
strawberry.enum(ActionKind, description="What the customer does about it.")


@strawberry.type(description="A campaign, in the version that judges now.")
class Campaign(Node):
    code: str = strawberry.field(description="Stable; the name of its file.")
    title: str = strawberry.field(description="The campaign's title.")
    warm_up_at: datetime = strawberry.field(description="From when it is announced.")
    starts_at: datetime = strawberry.field(description="From when its benefits can be earned.")
    ends_at: datetime = strawberry.field(description="When its active phase ends and the closing phase begins.")
    closes_at: datetime = strawberry.field(description="When it is over.")
    version: int = strawberry.field(description="Counts every published change.")


@strawberry.type(description="A span of time, closed at the left and open at the right.")
class Window:
    opens_at: datetime = strawberry.field(description="When it opens.")
    closes_at: datetime = strawberry.field(description="When it closes, exclusive.")


@strawberry.type(description="How many there are, and how many are left for anybody.")
class Quota:
    total: int = strawberry.field(description="How many there are in all.")
    remaining: int = strawberry.field(description="How many are left; what a payment or a choice keeps is not.")
    as_of: datetime = strawberry.field(description="When this was read.")


@strawberry.type(description="The rule as a customer reads it, made from the rule itself.")
class OfferRules:
    text: str = strawberry.field(description="The rule text.")
    disclaimers: list[str] = strawberry.field(description="What the law, or the plan, wants said.")
    version: int = strawberry.field(description="The campaign version it is the text of.")


@strawberry.type(description="What the customer does about an offer.")
class OfferAction:
    offer: strawberry.Private[OfferFacts]
    channel: strawberry.Private[Channel]
    kind: ActionKind = strawberry.field(description="What it is.")
    label: str = strawberry.field(description="What the button says.")

    @strawberry.field(
        description="Where the button leads in that channel (the home page's own where it is not given); null where "
        "there is nothing to do."
    )
    def link(
        self, channel: Annotated[Channel | None, strawberry.argument(description="Where the customer is.")] = UNSET
    ) -> str | None:
        return link_of(self.offer, channel or self.channel)


@strawberry.type(description="Why not: what failed, what would make it true, and from when it can be.")
class Reason:
    code: str = strawberry.field(description="Stable, SCREAMING_SNAKE.")
    message: str = strawberry.field(description="What does not hold, for the customer.")
    remedy: str | None = strawberry.field(description="What the customer can do about it; null where nothing helps.")
    next_at: datetime | None = strawberry.field(description="From when it can hold; null where time changes nothing.")


@strawberry.type(description="Whether the signed-in customer may have an offer, and why.")
class Eligibility:
    eligible: bool = strawberry.field(
        description="Of an offer that one claims, applies for, signs up for or is given at a till: whether that would "
        "be granted now, as far as it is the customer's own. Of one that comes by itself: whether it can still be "
        "earned; `reasons` then name what is still to be done."
    )
    as_of: datetime = strawberry.field(description="The moment it was judged at.")
    reasons: list[Reason] = strawberry.field(
        description="Why not; with `eligible`, what is still to be done, or that one would wait."
    )
    because: list[str] = strawberry.field(description="What does hold, for the customer.")


@strawberry.type(description="One benefit of a campaign.")
class Offer(Node):
    of: strawberry.Private[OfferOf]
    catalog: strawberry.Private[Catalog]
    code: str = strawberry.field(description="Stable; unique in the hall.")
    campaign: Campaign = strawberry.field(description="The campaign it belongs to.")
    title: str = strawberry.field(description="The offer's title.")
    subtitle: str | None = strawberry.field(description="A line below the title.")
    kind: OfferKind = strawberry.field(description="What the benefit is.")
    opens_at: datetime = strawberry.field(description="From when it runs.")
    closes_at: datetime = strawberry.field(description="Until when it runs, exclusive.")
    rules: OfferRules = strawberry.field(
        description="The rule text a customer reads, generated from the rule itself, with its disclaimers."
    )
    action: OfferAction = strawberry.field(description="What the customer does about it.")

    @strawberry.field(graphql_type=OfferState, description="Whether it can be had now, by anybody.")
    def state(self, info: HallInfo) -> Soon[OfferState]:
        timing = self.catalog.timing(self.of, info.context.now)
        return then(reader(info.context).left(self.of, self.catalog), lambda left: timing.state_with(*left))

    @strawberry.field(
        description="The current or next recurring window (Friday 10:00-22:00), null where there is none."
    )
    def window(self, info: HallInfo) -> Window | None:
        window = self.catalog.timing(self.of, info.context.now).window
        return None if window is None else Window(opens_at=window.opens_at, closes_at=window.closes_at)

    @strawberry.field(
        graphql_type=datetime | None,
        description="When time alone may next change its state or window or, for the signed-in customer, its "
        "eligibility; null when it never will.",
    )
    def next_change_at(self, info: HallInfo) -> Soon[datetime | None]:
        timing = self.catalog.timing(self.of, info.context.now)
        stays = then(reader(info.context).left(self.of, self.catalog), lambda left: timing.stays_with(*left))
        judged = reader(info.context).eligibility(self.of, self.catalog)
        return both(stays, judged, lambda at, told: at if told is None else sooner(at, told.changes_at))

    @strawberry.field(graphql_type=Quota | None, description="What there is of it; null where it is not counted.")
    def quota(self, info: HallInfo) -> Soon[Quota | None]:
        now, total = info.context.now, self.of.offer.quota
        if total is None:
            return None

        def present(left: Left) -> Quota | None:
            return None if left.remaining is None else Quota(total=total, remaining=left.remaining, as_of=now)

        return then(reader(info.context).left(self.of, self.catalog), present)

    @strawberry.field(graphql_type=Eligibility | None, description="For the signed-in customer; null when signed out.")
    def eligibility(self, info: HallInfo) -> Soon[Eligibility | None]:
        def present(judged: Judged | None) -> Eligibility | None:
            return None if judged is None else eligibility(judged, context.language, context.now)

        context = info.context
        return then(reader(context).eligibility(self.of, self.catalog), present)


@strawberry.type(description="A shelf of the home page.")
class HallSection:
    code: str = strawberry.field(description="Stable; the campaign file's.")
    title: str = strawberry.field(description="The shelf's title.")
    offers: list[Offer] = strawberry.field(description="What stands on it, first things first.")


@strawberry.type(description="The home page.")
class Hall:
    server_time: datetime = strawberry.field(description="The hall's own clock; count down by it.")
    next_change_at: datetime | None = strawberry.field(
        description="When time alone may next change something in this answer."
    )
    personalised: bool = strawberry.field(
        description="False when the customer has switched personalisation off, or is signed out."
    )
    sections: list[HallSection] = strawberry.field(description="The shelves, first things first.")


@strawberry.type(description="How far the customer is on the way to an offer.")
class MissionProgress:
    offer: Offer = strawberry.field(description="The offer it leads to.")
    done: int = strawberry.field(description="What is done: purchases, or fen where it counts spending.")
    needed: int = strawberry.field(description="What is needed in all, in the same unit.")
    deadline: datetime | None = strawberry.field(description="Until when, exclusive; null where there is no end.")


@strawberry.type(description="One of the rewards to choose from.")
class RewardOption:
    code: str = strawberry.field(description="What `chooseReward` takes.")
    title: str = strawberry.field(description="What it is.")
    available: bool = strawberry.field(description="Whether it can be chosen now.")


@strawberry.type(description="Choose one of several; the others lapse.")
class RewardChoice(Node):
    offer: Offer = strawberry.field(description="The offer that granted it.")
    choose_by: datetime = strawberry.field(description="Until when, exclusive.")
    options: list[RewardOption] = strawberry.field(description="What there is to choose from.")
    chosen: str | None = strawberry.field(description="The code of what was chosen; null before.")


def reasons(found: Iterable[terms.Reason], language: Language) -> list[Reason]:
    return [
        Reason(
            code=reason.code,
            message=reason.message.say(language),
            remedy=reason.remedy.say(language) if reason.remedy is not None else None,
            next_at=reason.next_at,
        )
        for reason in found
    ]


def eligibility(judged: Judged, language: Language, now: datetime) -> Eligibility:
    return Eligibility(
        eligible=judged.eligible,
        as_of=now,
        reasons=reasons((*judged.reasons, *judged.missing), language),
        because=[words.say(language) for words in judged.because],
    )

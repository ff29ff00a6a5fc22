"""Offers, campaigns and merchants as types of the schema, made once for each catalog, language and channel.

What depends on the moment or the customer is not in here: those fields ask the request's reader.
"""

from api.context import Context
from api.merchants.types import Merchant, merchant
from api.node import node_id
from api.offers import words
from api.offers.links import Channel
from api.offers.types import Campaign, Offer, OfferAction, OfferRules
from domain.campaigns import model
from domain.campaigns.schedule import opens_and_closes
from domain.campaigns.text import rule_text
from domain.kernel.words import Language
from domain.offers.catalog import Catalog, OfferOf


class Showcase:
    """Everything here is made when it is first asked for and then given out again; nobody changes it."""

    def __init__(self, catalog: Catalog, language: Language, channel: Channel) -> None:
        self._catalog = catalog
        self._language = language
        self._channel = channel
        self._campaigns: dict[tuple[str, int], Campaign] = {}
        self._offers: dict[tuple[str, int, str], Offer] = {}
        self._merchants: dict[tuple[str, ...], list[Merchant]] = {}

    def campaign(self, campaign: model.Campaign) -> Campaign:
        key = (campaign.code, campaign.version)
        found = self._campaigns.get(key)
        if found is None:
            phases = campaign.phases
            found = self._campaigns[key] = Campaign(
                id=node_id("Campaign", campaign.code),
                code=campaign.code,
                title=campaign.title.say(self._language),
                warm_up_at=phases.warm_up_at,
                starts_at=phases.starts_at,
                ends_at=phases.ends_at,
                closes_at=phases.closes_at,
                version=campaign.version,
            )
        return found

    def offer(self, of: OfferOf) -> Offer:
        key = (of.campaign.code, of.campaign.version, of.offer.code)
        found = self._offers.get(key)
        if found is None:
            found = self._offers[key] = self._made(of)
        return found

    def merchants(self, groups: tuple[str, ...]) -> list[Merchant]:
        """Active merchants of any of these groups, at most 50."""
        found = self._merchants.get(groups)
        if found is None:
            found = self._merchants[groups] = [merchant(facts) for facts in self._catalog.merchants_of(groups)]
        return found

    def _made(self, of: OfferOf) -> Offer:
        offer, campaign = of.offer, of.campaign
        run = opens_and_closes(offer, campaign)
        text = rule_text(offer, campaign, self._catalog.plans.names)
        label = offer.action.label or words.ACTIONS[offer.action_kind]
        return Offer(
            id=node_id("Offer", offer.code),
            of=of,
            catalog=self._catalog,
            code=offer.code,
            campaign=self.campaign(campaign),
            title=offer.title.say(self._language),
            subtitle=offer.subtitle.say(self._language) if offer.subtitle is not None else None,
            kind=offer.kind,
            opens_at=run.opens_at,
            closes_at=run.closes_at,
            rules=OfferRules(
                text=text.text.say(self._language),
                disclaimers=[each.say(self._language) for each in text.disclaimers],
                version=campaign.version,
            ),
            action=OfferAction(
                offer=offer, channel=self._channel, kind=offer.action_kind, label=label.say(self._language)
            ),
        )


def showcase(catalog: Catalog, language: Language, channel: Channel = Channel.MINI_PROGRAM) -> Showcase:
    """The showcase of a catalog; it goes when the catalog does."""
    found: Showcase | None = catalog.kept.get((Showcase, language, channel))
    if found is None:
        found = catalog.kept[Showcase, language, channel] = Showcase(catalog, language, channel)
    return found


async def showcase_of(context: Context, channel: Channel = Channel.MINI_PROGRAM) -> Showcase:
    """The showcase of the newest catalog, in the request's language."""
    return showcase(await context.catalog(), context.language, channel)

"""The catalog: what every process holds in memory and replaces whole when its version moves.

Immutable, as far as anybody can tell: it remembers what it worked out. It knows every published version of every
campaign, because a coupon remembers the one it was judged by.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from domain.campaigns.model import Campaign, Offer, least_booked
from domain.kernel.errors import Broken
from domain.kernel.money import Fen
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.merchants.facts import MerchantFacts
from domain.offers.timing import Timetable, Timing
from domain.stories.events import MerchantStatus
from domain.stories.merchants import MerchantHistory, Merchants
from domain.stories.plans import Plans

MOST_MERCHANTS = 50
"""Merchants listed for one coupon."""


@dataclass(frozen=True, slots=True)
class OfferOf:
    """An offer and the campaign version it is read in."""

    campaign: Campaign
    offer: Offer

    @property
    def key(self) -> tuple[str, str]:
        return self.campaign.code, self.offer.code


class Stock(NamedTuple):
    """The accounts that an offer may run out of. need: fen of its budget line that one more takes at least."""

    quota: Account | None
    line: Account | None
    need: Fen

    @property
    def accounts(self) -> list[Account]:
        return [account for account in (self.quota, self.line) if account is not None]


class Left(NamedTuple):
    """remaining: of the quota; None: it is not counted. spent: its budget line does not take another one."""

    remaining: int | None
    spent: bool


def _stock(of: OfferOf) -> Stock:
    campaign, offer = of.campaign.code, of.offer
    quota = None if offer.quota is None else keys.quota(campaign, offer.code)
    need = least_booked(offer)
    line = keys.budget(campaign, offer.line) if need and offer.line is not None else None
    return Stock(quota, line, need)


class Catalog:
    """plans: all published versions and the catalog's stamp. merchants: as last told by the bank; told: all it said.

    publications: how many versions have been published, by which stories know whether they were folded under all of
    them.
    """

    def __init__(self, plans: Plans, merchants: Iterable[MerchantFacts] = (), told: Merchants | None = None) -> None:
        self.plans = plans
        self.stamp = plans.stamp
        self.told: Merchants = told or MerchantHistory()
        self.publications = sum(len(versions) for versions in plans.versions.values())
        self._by_version = {
            (code, version.campaign.version): version.campaign
            for code, versions in plans.versions.items()
            for version in versions
        }
        self._offers = {
            key: {offer.code: OfferOf(campaign, offer) for offer in campaign.offers}
            for key, campaign in self._by_version.items()
        }
        self._by_group: dict[str, list[MerchantFacts]] = defaultdict(list)
        self._merchants: dict[str, MerchantFacts] = {}
        for merchant in sorted(merchants, key=lambda each: each.merchant):
            self._merchants[merchant.merchant] = merchant
            if merchant.status is MerchantStatus.ACTIVE:
                for group in merchant.groups:
                    self._by_group[group].append(merchant)
        self._stocks: dict[tuple[str, int, str], Stock] = {}
        self._listed: dict[tuple[str, ...], tuple[MerchantFacts, ...]] = {}
        self._timetable = Timetable(plans.calendar)
        self.kept: dict[Hashable, Any] = {}
        """What others made of it, for themselves: goes when the catalog does."""

    def campaigns(self, at: datetime) -> tuple[Campaign, ...]:
        """Of each campaign the version in force at `at`, ended ones too, in the order of their codes."""
        return self.plans.campaigns_at(at)

    def campaign(self, code: str, at: datetime) -> Campaign | None:
        version = self.plans.version_at(code, at)
        return version.campaign if version is not None else None

    def version(self, code: str, version: int) -> Campaign | None:
        return self._by_version.get((code, version))

    def judged_by(self, campaign: str, version: int, offer: str) -> tuple[Campaign, Offer]:
        """The offer in the very version something was judged by. Raises Broken: a published version never goes away."""
        here = self._offers.get((campaign, version), {}).get(offer)
        if here is None:
            raise Broken(f"no offer {offer} in {campaign} version {version}")
        return here.campaign, here.offer

    def offers_of(self, campaign: Campaign) -> Mapping[str, OfferOf]:
        """The offers of a version of this catalog, by code, in the file's order."""
        return self._offers[campaign.code, campaign.version]

    def offer(self, code: str, at: datetime) -> OfferOf | None:
        """The offer of this code in the versions in force at `at`, before and after it runs too."""
        return next((here for campaign in self.campaigns(at) if (here := self.offers_of(campaign).get(code))), None)

    def granted(self, campaign: str, version: int, offer: str, at: datetime) -> OfferOf | None:
        """The offer that granted something: as it is now, or as it was in that version if it is there no more."""
        present = self.campaign(campaign, at)
        here = self.offers_of(present).get(offer) if present is not None else None
        return here or self._offers.get((campaign, version), {}).get(offer)

    def stock(self, of: OfferOf) -> "Stock":
        """What there is of it for everybody."""
        key = (of.campaign.code, of.campaign.version, of.offer.code)
        found = self._stocks.get(key)
        if found is None:
            found = self._stocks[key] = _stock(of)
        return found

    def timing(self, of: OfferOf, now: datetime) -> Timing:
        """When it is open; the same for everybody."""
        return self._timetable.timing(of.offer, of.campaign, now)

    def merchant(self, merchant: str) -> MerchantFacts | None:
        """The merchant as last told, suspended and terminated ones too; None when nobody has told of it."""
        return self._merchants.get(merchant)

    def merchants_of(self, groups: tuple[str, ...]) -> tuple[MerchantFacts, ...]:
        """Active merchants of any of these groups, at most `MOST_MERCHANTS`."""
        listed = self._listed.get(groups)
        if listed is None:
            each = {merchant.merchant: merchant for group in groups for merchant in self._by_group.get(group, ())}
            listed = self._listed[groups] = tuple(each.values())[:MOST_MERCHANTS]
        return listed

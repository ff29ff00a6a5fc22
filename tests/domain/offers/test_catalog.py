"""What the catalog finds: the version in force, the version a coupon was judged by, the merchants of a group."""

from dataclasses import replace
from datetime import timedelta

from domain.campaigns.conditions import Spend
from domain.campaigns.model import Audience, Budget, Campaign, Discount, Offer, Phases, Section, Till
from domain.kernel.words import Words
from domain.merchants.facts import MerchantFacts
from domain.offers.catalog import MOST_MERCHANTS, Catalog
from domain.stories.events import MerchantStatus
from domain.stories.plans import Plans, Version
from tests.builders.rows import NOW

SAID = Words("话", "word")
DAY = timedelta(days=1)


def offer(code: str) -> Offer:
    return Offer(
        code=code,
        title=SAID,
        section="first",
        trigger=Till(),
        rewards=(Discount(off=100),),
        conditions=(Spend(at_least=1),),
    )


def campaign(code: str, *offers: str, version: int = 1) -> Campaign:
    return Campaign(
        code=code,
        title=SAID,
        version=version,
        phases=Phases(NOW - DAY, NOW - DAY, NOW + DAY, NOW + DAY),
        audience=Audience(),
        budget=Budget(0, ()),
        sections=(Section("first", SAID),),
        offers=tuple(offer(each) for each in offers),
    )


def merchant(token: str, *groups: str, status: MerchantStatus = MerchantStatus.ACTIVE) -> MerchantFacts:
    return MerchantFacts(token, token, groups, None, status)


FIRST, SECOND = campaign("one", "a", "b"), campaign("one", "b", "c", version=2)
CATALOG = Catalog(
    Plans([Version(FIRST, NOW - 9 * DAY), Version(SECOND, NOW), Version(campaign("two", "d"), NOW - DAY)], stamp=7)
)


def codes(*found: object) -> list[object]:
    return [None if each is None else (each.campaign.version, each.offer.code) for each in found]  # type: ignore[attr-defined]


def test_an_offer_is_read_in_the_version_in_force() -> None:
    just_before = NOW - timedelta(microseconds=1)

    assert codes(*(CATALOG.offer(code, just_before) for code in "abcd")) == [(1, "a"), (1, "b"), None, (1, "d")]
    assert codes(*(CATALOG.offer(code, NOW) for code in "abcd")) == [None, (2, "b"), (2, "c"), (1, "d")]


def test_what_granted_a_coupon_is_shown_as_it_is_now_or_as_it_was() -> None:
    assert codes(CATALOG.granted("one", 1, "b", NOW)) == [(2, "b")]
    assert codes(CATALOG.granted("one", 1, "a", NOW)) == [(1, "a")]
    assert codes(CATALOG.granted("one", 1, "z", NOW), CATALOG.granted("no", 1, "a", NOW)) == [None, None]


def test_a_version_is_found_by_its_number() -> None:
    assert CATALOG.version("one", 1) is FIRST
    assert CATALOG.version("one", 3) is None
    assert list(CATALOG.offers_of(SECOND)) == ["b", "c"]


def test_merchants_of_a_group_are_the_active_ones_each_once() -> None:
    catalog = Catalog(
        Plans([], stamp=1),
        [
            merchant("m2", "x", "y"),
            merchant("m1", "x"),
            merchant("m3", "y", status=MerchantStatus.SUSPENDED),
            merchant("m4", "x", status=MerchantStatus.TERMINATED),
        ],
    )

    def tokens(*groups: str) -> list[str]:
        return [each.merchant for each in catalog.merchants_of(groups)]

    assert tokens("x") == ["m1", "m2"]
    assert tokens("y", "x") == ["m2", "m1"]
    assert tokens("z") == tokens() == []


def test_no_more_than_fifty_merchants_are_listed() -> None:
    catalog = Catalog(Plans([], stamp=1), [merchant(f"m{n:03}", "x") for n in range(80)])

    assert len(catalog.merchants_of(("x",))) == MOST_MERCHANTS


def test_versions_of_a_campaign_do_not_share_their_offers() -> None:
    changed = replace(FIRST, version=2, offers=(replace(FIRST.offers[0], paused=True),))
    catalog = Catalog(Plans([Version(FIRST, NOW - DAY), Version(changed, NOW)], stamp=1))

    before, after = catalog.offer("a", NOW - timedelta(seconds=1)), catalog.offer("a", NOW)

    assert before is not None
    assert after is not None
    assert (before.offer.paused, after.offer.paused) == (False, True)

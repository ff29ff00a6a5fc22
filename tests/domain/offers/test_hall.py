"""The order of the home page, rule by rule; each case differs from the next in what the rule is about alone."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.conditions import Spend
from domain.campaigns.model import Audience, Budget, Campaign, Discount, Offer, Phases, Section, Till
from domain.campaigns.terms import OfferState, Product, Reason
from domain.kernel.time import day_end
from domain.kernel.words import Words
from domain.offers.catalog import Catalog, OfferOf
from domain.offers.hall import (
    CLOSING_SOON,
    Shown,
    next_change,
    on_show,
    own_campaigns,
    personal_shelves,
    plain_shelves,
)
from domain.stories.explain import Eligibility, Progress
from domain.stories.plans import Plans, Version
from tests.builders.customers import card, story
from tests.builders.rows import NOW

SAID = Words("话", "word")
REMEDY = Reason("MORE_NEEDED", SAID, SAID)
LATER = Reason("LIMIT_REACHED", SAID, None, NOW + timedelta(days=1))
NEVER = Reason("TOO_LATE", SAID)


def offer(code: str, section: str = "first", **more: object) -> Offer:
    return Offer(
        code=code,
        title=SAID,
        section=section,
        trigger=Till(),
        rewards=(Discount(off=100),),
        conditions=(Spend(at_least=1),),
        **more,  # type: ignore[arg-type]
    )


def campaign(code: str, *offers: Offer, products: tuple[Product, ...] = (), warm_up_days: int = 10) -> Campaign:
    starts_at = NOW - timedelta(days=10)
    return Campaign(
        code=code,
        title=SAID,
        version=1,
        phases=Phases(
            starts_at - timedelta(days=warm_up_days), starts_at, NOW + timedelta(days=20), NOW + timedelta(days=30)
        ),
        audience=Audience(products=products),
        budget=Budget(0, ()),
        sections=(Section("first", Words("一", "one")), Section("second", Words("二", "two"))),
        offers=offers,
    )


def catalog(*campaigns: Campaign) -> Catalog:
    return Catalog(Plans([Version(each, NOW - timedelta(days=99)) for each in campaigns], stamp=1))


def judged(*reasons: Reason, missing: tuple[Reason, ...] = ()) -> Eligibility:
    return Eligibility(not reasons, reasons, missing, (), None, None)


ONE = campaign("one", offer("a"), offer("b"))
A, B = (OfferOf(ONE, each) for each in ONE.offers)


def shown(of: OfferOf, **over: object) -> Shown:
    """Open, eligible, far from closing."""
    far = Shown(of, OfferState.OPEN, NOW + timedelta(days=20), None, judged())
    return replace(far, **over)  # type: ignore[arg-type]


HALF = Progress(1, 2, None)


def order(*found: Shown, mine: set[str] | None = None, segments: set[str] | None = None) -> list[str]:
    shelves = personal_shelves(found, NOW, mine={"one"} if mine is None else mine, segments=segments or set())
    return [of.offer.code for shelf in shelves for of in shelf.offers]


def test_without_a_reason_the_order_is_the_files() -> None:
    assert order(shown(A), shown(B)) == ["a", "b"]


STANDINGS = [
    {"eligibility": judged(missing=(REMEDY,))},
    {"state": OfferState.BETWEEN_WINDOWS, "eligibility": judged(Reason("OUTSIDE_WINDOW", SAID, SAID, NOW))},
    {"eligibility": judged(REMEDY, LATER)},
    {"eligibility": judged(REMEDY, NEVER)},
    {"state": OfferState.SOLD_OUT},
]


@pytest.mark.parametrize(("better", "worse"), list(pairwise(STANDINGS)))
def test_what_can_be_had_stands_before_what_cannot_yet_or_never(
    better: dict[str, object], worse: dict[str, object]
) -> None:
    assert order(shown(A, **worse), shown(B, **better)) == ["b", "a"]


def test_what_asks_for_something_first_can_be_had_like_what_is_only_taken() -> None:
    asking = {"eligibility": judged(missing=(REMEDY,))}

    assert order(shown(A, **asking), shown(B)) == order(shown(A), shown(B, **asking)) == ["a", "b"]


@pytest.mark.parametrize("state", [OfferState.PAUSED, OfferState.ENDED])
def test_what_is_on_hold_or_over_stands_last(state: OfferState) -> None:
    assert order(shown(A, state=state), shown(B, eligibility=judged(NEVER))) == ["b", "a"]


def test_what_closes_soon_stands_first_and_sooner_before_later() -> None:
    soon, sooner = CLOSING_SOON - timedelta(seconds=1), timedelta(hours=1)

    assert order(shown(A), shown(B, closes_at=NOW + soon)) == ["b", "a"]
    assert order(shown(A, closes_at=NOW + soon), shown(B, closes_at=NOW + sooner)) == ["b", "a"]
    assert order(shown(A), shown(B, closes_at=NOW + CLOSING_SOON)) == ["a", "b"]


def test_what_one_is_half_way_to_stands_before_what_one_has_not_begun() -> None:
    assert order(shown(A), shown(B, way=HALF)) == ["b", "a"]
    assert order(shown(A), shown(B, way=Progress(1, 3, None))) == ["a", "b"]


def test_what_the_segment_likes_stands_before_what_it_does_not() -> None:
    liked = OfferOf(ONE, offer("b", affinity=(("family", 10), ("premium", 5))))

    assert order(shown(A), shown(liked), segments={"family"}) == ["b", "a"]
    assert order(shown(A), shown(liked), segments={"dormant"}) == ["a", "b"]


def test_the_files_priority_decides_what_nothing_else_does() -> None:
    urgent = OfferOf(ONE, offer("b", priority=5))

    assert order(shown(A), shown(urgent)) == ["b", "a"]


def test_an_earlier_rule_decides_before_a_later_one() -> None:
    soon = NOW + timedelta(hours=1)

    assert order(shown(A, closes_at=soon, state=OfferState.PAUSED), shown(B)) == ["b", "a"]
    assert order(shown(A, way=HALF), shown(B, closes_at=soon)) == ["b", "a"]


def test_ones_own_campaign_stands_before_the_others_whatever_is_in_it() -> None:
    two = campaign("two", offer("c"))
    other, own = shown(A), shown(OfferOf(two, two.offers[0]), eligibility=judged(REMEDY))

    assert order(other, own, mine={"two"}) == ["c", "a"]


def test_a_shelf_stands_where_its_first_offer_would() -> None:
    late = OfferOf(ONE, offer("c", section="second"))

    shelves = personal_shelves([shown(A), shown(late, way=HALF)], NOW, mine={"one"}, segments=set())

    assert [shelf.section.code for shelf in shelves] == ["second", "first"]


def test_shelves_of_one_code_stand_together_under_the_first_ones_title() -> None:
    two = replace(campaign("two", offer("c")), sections=(Section("first", Words("别", "other")),))

    (shelf,) = plain_shelves([A, OfferOf(two, two.offers[0])])

    assert shelf.section.title == Words("一", "one")
    assert [of.offer.code for of in shelf.offers] == ["a", "c"]


def test_a_shelf_without_an_offer_is_not_shown() -> None:
    assert [shelf.section.code for shelf in plain_shelves([A])] == ["first"]
    assert plain_shelves([]) == ()


@given(st.permutations(range(len(STANDINGS))))
def test_every_offer_is_shown_once_in_whatever_order_they_come(places: list[int]) -> None:
    found = [shown(OfferOf(ONE, offer(f"o{place}")), **STANDINGS[place]) for place in places]

    assert order(*found) == [f"o{place}" for place in sorted(places)]


def test_offers_are_on_show_from_warm_up_until_the_campaign_is_closed() -> None:
    here = catalog(ONE)

    assert on_show(here, ONE.phases.warm_up_at - timedelta(microseconds=1)) == ()
    assert len(on_show(here, ONE.phases.warm_up_at)) == 2
    assert len(on_show(here, ONE.phases.closes_at - timedelta(microseconds=1))) == 2
    assert on_show(here, ONE.phases.closes_at) == ()


def test_a_campaign_is_ones_own_when_its_audience_holds() -> None:
    here = catalog(campaign("gold", products=(Product.GOLD,)), campaign("all"))

    assert own_campaigns(here, story(card(product=Product.GOLD)), NOW) == {"gold", "all"}
    assert own_campaigns(here, story(card(product=Product.PLATINUM)), NOW) == {"all"}
    assert own_campaigns(here, None, NOW) == {"all"}


def test_the_next_change_is_the_soonest_that_lies_ahead() -> None:
    here = catalog(ONE)
    hour = timedelta(hours=1)

    def changes(**over: object) -> object:
        return next_change(here, [shown(A, **{"eligibility": None} | over)], None, NOW, personalised=False)

    assert changes(changes_at=NOW + hour) == NOW + hour
    assert changes(changes_at=NOW - hour) == ONE.phases.closes_at
    assert changes(eligibility=judged()) == day_end(NOW)
    soon = [shown(A, eligibility=None)]
    assert next_change(here, soon, None, NOW, personalised=True) == NOW + timedelta(days=20) - CLOSING_SOON
    assert next_change(here, [], None, ONE.phases.warm_up_at - hour, personalised=False) == ONE.phases.warm_up_at
    assert next_change(here, [], None, ONE.phases.closes_at, personalised=True) is None

"""Which accounts keep what a customer has left of a claim or a till offer, and what an empty one means."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.campaigns.model import Apply, Campaign, Limit, Offer, Place, SignUp, Till
from domain.campaigns.model import Discount as Off
from domain.campaigns.terms import Per, Period, SubjectKind
from domain.kernel.ids import lane_of
from domain.ledger import keys
from domain.offers.allowances import allowances_of, used_up
from domain.offers.award import Award, award
from domain.offers.catalog import OfferOf
from domain.stories.explain import UsedUp
from tests.builders.campaigns import a_campaign, an_offer, called, shanghai, story_offer
from tests.builders.customers import card, story
from tests.builders.rows import NOW

ALL = tuple(Limit(per, Period.DAY, 2) for per in Per)
ALICE = "alice"


def of(offer: Offer) -> OfferOf:
    campaign: Campaign = a_campaign(offer)
    return OfferOf(campaign, offer)


CLAIM = of(an_offer(limits=ALL))
TILL = of(an_offer("till", Off(500), trigger=Till(), limits=ALL))


def test_a_claims_allowances_are_the_accounts_that_the_claim_takes_from() -> None:
    state = story(card())
    assert state.profile is not None
    order = Award(CLAIM.campaign, CLAIM.offer, ALICE, "c", NOW, NOW, person=state.profile.person, by="CLAIM")

    found = allowances_of(CLAIM, ALICE, state, NOW)

    limits = {account for account in award(order).accounts() if account.key.startswith("limit|")}
    assert {each.account for each in found} == limits
    assert len(limits) == 2


@pytest.mark.parametrize("trigger", [Apply(), SignUp()])
def test_applying_and_signing_up_take_from_the_same_accounts_as_a_claim(trigger: Apply | SignUp) -> None:
    place = Place(called("place"), NOW, called("here"))
    rewards = (place,) if isinstance(trigger, SignUp) else CLAIM.offer.rewards
    asked = OfferOf(CLAIM.campaign, replace(CLAIM.offer, trigger=trigger, rewards=rewards))

    assert allowances_of(asked, ALICE, story(card()), NOW) == allowances_of(CLAIM, ALICE, story(card()), NOW)


def test_a_tills_allowances_are_also_those_of_every_open_card() -> None:
    found = allowances_of(TILL, ALICE, story(card("a"), card("b"), card("c", closed_at=NOW)), NOW)

    assert [(each.limit.per, each.card) for each in found] == [
        (Per.CUSTOMER, None), (Per.PERSON, None), (Per.CARD, "a"), (Per.CARD, "b"),
    ]  # fmt: skip
    assert [each.account.shared for each in found] == [False, True, False, False]
    assert found[2].account == keys.limit(
        TILL.campaign.code, "till", per="card", who="a", period="2026-10-15", lane=lane_of(ALICE)
    )


def test_of_somebody_unknown_only_the_customer_is_counted() -> None:
    assert [each.limit.per for each in allowances_of(TILL, ALICE, None, NOW)] == [Per.CUSTOMER]


def test_what_the_banks_events_give_is_not_the_ledgers_to_say() -> None:
    assert allowances_of(of(story_offer(SubjectKind.BINDING, limits=ALL)), ALICE, story(card()), NOW) == ()


def test_a_new_period_is_another_account() -> None:
    today, tomorrow = (allowances_of(CLAIM, ALICE, None, at)[0] for at in (NOW, NOW + timedelta(hours=12)))

    assert today.account != tomorrow.account


def test_only_an_empty_account_is_used_up_until_its_next_period() -> None:
    allowances = allowances_of(TILL, ALICE, story(card("a"), card("b")), NOW)

    found = used_up(allowances, {allowances[2].account}, NOW)

    assert found == (UsedUp(2, shanghai("2026-10-16"), "a"),)

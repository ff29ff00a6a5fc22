"""Each persona earns by the shipped plans what the page about the demo says."""

from datetime import UTC, date, datetime

import pytest

from domain.stories.events import MerchantUpdated, StoryEvent, read_event
from domain.stories.fold import Folded, fold_all
from domain.stories.merchants import MerchantHistory
from domain.stories.plans import Plans, Version
from infra.campaigns.holidays import china
from infra.campaigns.loader import HERE, SHIPPED, load_campaign, shipped_segments
from infra.demo.personas import PERSONAS
from infra.demo.story import story
from infra.demo.teller import SOURCE, Event

START = date(2026, 10, 23)
EARNED = {
    "demo-lin": ["bind-gift"],
    "demo-wang": ["first-spend"],
    "demo-ma": ["first-spend", "instalment-cashback", "instalment-fee"],
    "demo-zhou": [],
    "demo-xu": [],
    "demo-sun": ["free-order", "free-order"],
    "demo-qian": [],
    "demo-he": [],
    "demo-chen": ["come-back-pack"],
    "demo-liu": ["come-back-pack", "wake-up-draw"],
    "demo-tang": ["flyer"],
    "demo-hu": [],
    "demo-gao": [],
    "demo-song": [],
    "demo-zhao": ["lounge-visits"],
    "demo-feng": ["lounge-visits", "suitcase"],
    "demo-guo": [],
    "demo-luo": [],
    "demo-deng": ["overseas-fee", "overseas-fee", "overseas-fee"],
    "demo-yuan": [],
    "demo-mei": [],
}


@pytest.fixture(scope="module")
def plans() -> Plans:
    first = datetime(1970, 1, 1, tzinfo=UTC)
    versions = [
        Version(
            load_campaign(
                (HERE / name).read_text(encoding="utf-8"), file=name, starts_on=START, version=1, elsewhere=None
            ).campaign,
            first,
        )
        for name in SHIPPED
    ]
    return Plans(versions, stamp=1, calendar=china(), segments=shipped_segments())


@pytest.fixture(scope="module")
def merchants() -> MerchantHistory:
    told = [_read(event) for event in story(START) if event.type == "merchant.updated"]
    return MerchantHistory(event for event in told if isinstance(event, MerchantUpdated))


def _read(event: Event) -> StoryEvent:
    return read_event(event.type, event.at, SOURCE, event.id, event.data)


def _folded(token: str, plans: Plans, merchants: MerchantHistory) -> Folded:
    persona = next(persona for persona in PERSONAS if persona.token == token)
    return fold_all([_read(event) for event in persona.tell(START)], plans, merchants)


def test_every_persona_is_looked_at_here() -> None:
    assert [persona.token for persona in PERSONAS] == list(EARNED)


@pytest.mark.parametrize("token", EARNED)
def test_a_persona_earns_what_it_is_there_to_show(token: str, plans: Plans, merchants: MerchantHistory) -> None:
    folded = _folded(token, plans, merchants)

    assert sorted(earned.offer for earned in folded.earned) == EARNED[token]


def test_the_instalment_gives_a_fifth_of_the_fee_and_a_hundredth_of_the_principal(
    plans: Plans, merchants: MerchantHistory
) -> None:
    amounts = {earned.offer: earned.amount for earned in _folded("demo-ma", plans, merchants).earned}

    assert amounts["instalment-fee"] == 8_640
    assert amounts["instalment-cashback"] == 6_000


def test_the_birthday_purchase_earns_points_at_250_percent(plans: Plans, merchants: MerchantHistory) -> None:
    last = max(_folded("demo-xu", plans, merchants).points, key=lambda earned: earned.at)

    assert (last.amount, last.total) == (100_050, 2_501)


def test_platinum_in_its_birthday_month_earns_three_points_online_and_double(
    plans: Plans, merchants: MerchantHistory
) -> None:
    last = max(_folded("demo-luo", plans, merchants).points, key=lambda earned: earned.at)

    assert (last.amount, last.base, last.total) == (68_000, 2_040, 4_080)

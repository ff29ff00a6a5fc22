"""What should go back while a till holds it: everything else is settled at once, and it goes back once it is let go."""

import pytest

from tests.builders.bank import Event, Person, merchant
from tests.builders.house import House
from tests.builders.till import capture, quote, release


@pytest.fixture
async def repaying(town: House) -> House:
    await town.tell(merchant(town, "m-repay", "repayment"))
    return town


async def at_the_till(town: House) -> tuple[Person, Event, str]:
    """Who has a coupon for an instalment (A5) in a quote under way, with the instalment and the quote."""
    he = Person(town)
    instalment = he.instalment(500_000, "2026-10-05T10:00:00", kind="TRANSACTION")
    await town.tell(he.approved(newCustomer=False), instalment)
    (coupon,) = await town.wallet(he.name)
    quoted = await quote(town, he.name, 6_000, "m-repay", card=he.card, coupon=coupon["id"])
    assert await he.coupons() == [(5_000, "HELD")]
    return he, instalment, quoted["quote"]


async def waiting(town: House) -> int:
    return len(await town.rows("select 1 from inbox"))


async def test_what_a_till_holds_keeps_no_event_from_being_applied(repaying: House) -> None:
    he, instalment, _ = await at_the_till(repaying)
    bought = he.bought(10_000, "2026-10-05T10:30:00")
    await repaying.tell(bought)

    await repaying.tell(
        he.cancelled(instalment, "2026-10-05T11:00:00"), he.refunded(bought, 4_000, "2026-10-05T11:00:00")
    )

    assert await waiting(repaying) == 0
    assert await he.coupons() == [(5_000, "HELD")]
    points = await repaying.ask(he.name, "{ viewer { points { balance } } }")
    assert points["viewer"]["points"]["balance"] == 120


async def test_it_goes_back_when_the_quote_is_released(repaying: House) -> None:
    he, instalment, quoted = await at_the_till(repaying)
    await repaying.tell(he.cancelled(instalment, "2026-10-05T11:00:00"))

    await release(repaying, quoted)
    await repaying.settle()

    assert await he.coupons() == [(5_000, "VOIDED")]
    assert await he.grants("instalment-cashback") == ["REVOKED"]
    assert await he.cases() == []


async def test_it_goes_back_when_the_quote_expires_by_the_halls_clock(repaying: House) -> None:
    he, instalment, _ = await at_the_till(repaying)
    await repaying.tell(he.cancelled(instalment, "2026-10-05T11:00:00"))

    await repaying.set_clock("2026-10-05T12:02:00")
    await repaying.settle()

    assert await he.coupons() == [(5_000, "VOIDED")]


async def test_it_is_a_case_when_the_quote_is_captured(repaying: House) -> None:
    he, instalment, quoted = await at_the_till(repaying)
    await repaying.tell(he.cancelled(instalment, "2026-10-05T11:00:00"))

    assert (await capture(repaying, quoted, f"t-{he.name}")).status_code == 200
    await repaying.settle()

    assert await he.coupons() == [(5_000, "USED")]
    assert await he.grants("instalment-cashback") == ["KEPT"]
    assert await he.cases() == [("USED_BUT_NOT_EARNED", "instalment-cashback")]

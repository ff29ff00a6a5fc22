"""Publishing, over a real PostgreSQL and the real ledger."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.kernel.ids import new_id
from domain.kernel.time import day_start
from domain.ledger import keys
from domain.ledger.moves import post
from domain.ledger.unit import Committed, Result, Unit
from infra.campaigns import publish as publishing
from infra.campaigns.loader import CampaignUnreadable
from infra.campaigns.publish import (
    BEGINNING,
    Published,
    PublishRefused,
    Unchanged,
    load_catalog,
    publish,
    publish_shipped,
)
from infra.catalog import CHANNEL
from infra.db.commit import GroupCommit
from infra.db.pool import open_pool
from tests.builders.plans import plan

NOW = datetime(2026, 10, 20, 4, tzinfo=UTC)
START = date(2026, 10, 1)


@dataclass(frozen=True, slots=True)
class House:
    pool: Any
    ledger: GroupCommit

    async def publish(self, text: str, *, at: datetime = NOW, starts_on: date | None = START) -> Published | Unchanged:
        return await publish(
            self.pool, self.ledger, text, file="p.yaml", starts_on=starts_on, author="li", reason="test", now=at
        )

    async def free(self, account: str) -> int | None:
        return await self.pool.fetchval("select balance - held from shared_account where key = $1", account)

    async def take(self, units: int) -> Result:
        """Somebody gets so many of the quota's places."""
        source = keys.quota("tea", "cup")
        move = post(units, source, keys.granted("tea", "cup"), "GRANT")
        return await self.ledger.commit(Unit(new_id(source.lane, NOW), source.lane, NOW, moves=[move]))

    async def stamp(self) -> int:
        stamp: int = await self.pool.fetchval("select version from catalog_stamp")
        return stamp


@pytest.fixture
async def house(pg_dsn: str) -> AsyncIterator[House]:
    pool = await open_pool(pg_dsn, min_size=1, max_size=4)
    async with GroupCommit(pg_dsn, in_flight=1) as ledger:
        yield House(pool, ledger)
    await pool.close()


async def test_a_first_version_judges_from_the_beginning_and_opens_its_accounts(house: House) -> None:
    published = await house.publish(plan(quota="100", lines="{gifts: 500 yuan}"))

    assert published == Published("tea", 1, BEGINNING)
    assert await house.free("quota|tea|cup") == 100
    assert await house.free("budget|tea|gifts") == 50_000


async def test_the_same_file_and_start_again_is_no_new_version(house: House) -> None:
    text = plan(quota="100")
    await house.publish(text)
    stamp = await house.stamp()

    again = await house.publish(text, at=NOW + timedelta(days=1))

    assert again == Unchanged("tea", 1)
    assert await house.stamp() == stamp
    assert await house.free("quota|tea|cup") == 100


async def test_a_later_version_judges_from_its_publication_and_adds_the_difference(house: House) -> None:
    await house.publish(plan(quota="100"))
    await house.take(30)

    second = await house.publish(plan(quota="120"))

    assert second == Published("tea", 2, NOW)
    assert await house.free("quota|tea|cup") == 90


async def test_a_smaller_quota_takes_back_what_nobody_has(house: House) -> None:
    await house.publish(plan(quota="100"))
    await house.take(30)

    await house.publish(plan(quota="40"))

    assert await house.free("quota|tea|cup") == 10


async def test_a_quota_below_what_is_given_is_refused_with_the_figure(house: House) -> None:
    await house.publish(plan(quota="100"))
    await house.take(30)

    with pytest.raises(PublishRefused, match="cannot be less than 30"):
        await house.publish(plan(quota="29"))

    assert await house.free("quota|tea|cup") == 70
    assert await house.pool.fetchval("select count(*) from campaign_version") == 1


async def test_a_publication_that_stopped_between_its_steps_goes_on_without_counting_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guard: totals are counted from the request's answer; counted from the version before, this ends at 140."""
    await house.publish(plan(quota="100"))

    async def die(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as stopped:
        stopped.setattr(publishing, "_insert", die)
        with pytest.raises(ConnectionError):
            await house.publish(plan(quota="120"))
    await house.publish(plan(quota="120"))

    assert await house.free("quota|tea|cup") == 120


async def test_after_a_publication_that_stopped_another_file_may_become_the_next_version(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as stopped:
        stopped.setattr(publishing, "_insert", die)
        with pytest.raises(ConnectionError):
            await house.publish(plan(quota="120"))
    published = await house.publish(plan(quota="90"))

    assert published == Published("tea", 1, BEGINNING)
    assert await house.free("quota|tea|cup") == 90


async def test_the_newest_version_published_again_puts_its_totals_right(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.publish(plan(quota="100"))

    async def die(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as stopped:
        stopped.setattr(publishing, "_insert", die)
        with pytest.raises(ConnectionError):
            await house.publish(plan(quota="120"))
    unchanged = await house.publish(plan(quota="100"))

    assert unchanged == Unchanged("tea", 1)
    assert await house.free("quota|tea|cup") == 100


async def test_two_who_publish_at_once_make_two_versions_and_count_once(house: House) -> None:
    """Guard: the advisory lock; without it one of them meets a step that another has taken, and is Broken."""
    await house.publish(plan(quota="100"))

    await asyncio.gather(*(house.publish(plan(quota=str(quota))) for quota in (110, 120, 130)))

    versions = (await load(house)).plans.versions["tea"]
    assert [version.campaign.version for version in versions] == [1, 2, 3, 4]
    assert await house.free("quota|tea|cup") == versions[-1].campaign.offers[0].quota


async def test_publishing_moves_the_stamp_and_wakes_listeners(house: House, pg_dsn: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    before = await house.stamp()
    async with house.pool.acquire() as conn:
        listen = lambda *told: heard.put_nowait(told[-1])  # noqa: E731
        await conn.add_listener(CHANNEL, listen)

        await house.publish(plan())

        assert await asyncio.wait_for(heard.get(), 10) == str(before + 1)
        await conn.remove_listener(CHANNEL, listen)


async def test_a_file_with_lint_errors_is_not_published(house: House) -> None:
    with pytest.raises(CampaignUnreadable, match="superlative"):
        await house.publish(plan(title="{zh: 全网最便宜, en: Cup}"))

    assert await house.pool.fetchval("select count(*) from campaign_version") == 0


async def test_an_offer_of_another_campaign_keeps_its_code(house: House) -> None:
    await house.publish(plan())

    with pytest.raises(CampaignUnreadable, match="the campaign tea has an offer cup already"):
        await house.publish(plan(code="coffee"))


async def test_without_a_day_the_start_of_the_version_before_stays(house: House) -> None:
    await house.publish(plan(quota="100"))

    await house.publish(plan(quota="120"), starts_on=None)

    catalog = await load(house)
    assert catalog.plans.versions["tea"][-1].campaign.phases.starts_at == day_start(START)


async def test_a_first_publication_needs_a_day(house: House) -> None:
    with pytest.raises(CampaignUnreadable, match="--start"):
        await house.publish(plan(), starts_on=None)


async def test_a_draw_that_runs_changes_only_in_the_customers_favour(house: House) -> None:
    await house.publish(plan(draw_stock="100"))

    with pytest.raises(PublishRefused, match="the stock of kettle cannot be lowered"):
        await house.publish(plan(draw_stock="99"))
    await house.publish(plan(draw_stock="101"))

    assert len((await load(house)).plans.versions["tea"]) == 2


async def test_the_shipped_plans_begin_30_days_before_the_first_start_and_stay_there(house: House) -> None:
    first = await publish_shipped(house.pool, house.ledger, now=NOW)
    restarted = await publish_shipped(house.pool, house.ledger, now=NOW + timedelta(days=3))

    assert [each.campaign for each in first] == ["smart-life", "platinum"]
    assert restarted == [Unchanged("smart-life", 1), Unchanged("platinum", 1)]
    phases = (await load(house)).plans.versions["smart-life"][0].campaign.phases
    assert phases.starts_at == day_start(date(2026, 9, 20))
    assert phases.ends_at == day_start(date(2026, 12, 19))


async def test_the_shipped_plans_begin_on_the_day_that_is_set(house: House) -> None:
    await publish_shipped(house.pool, house.ledger, starts_on=START, now=NOW)

    phases = (await load(house)).plans.versions["platinum"][0].campaign.phases
    assert phases.starts_at == day_start(START)


async def test_the_catalog_holds_every_version_and_its_stamp(house: House) -> None:
    await house.publish(plan(quota="100"))
    await house.publish(plan(quota="120"))

    catalog = await load(house)

    assert catalog.stamp == await house.stamp()
    quotas = [version.campaign.offers[0].quota for version in catalog.plans.versions["tea"]]
    assert quotas == [100, 120]
    assert catalog.plans.versions["tea"][1].effective_from == NOW


async def test_grants_made_before_a_restart_still_count_after_it(house: House) -> None:
    await publish_shipped(house.pool, house.ledger, now=NOW)
    source = keys.quota("smart-life", "friday")
    move = post(1, source, keys.granted("smart-life", "friday"), "GRANT")
    result = await house.ledger.commit(Unit(new_id(source.lane, NOW), source.lane, NOW, moves=[move]))

    await publish_shipped(house.pool, house.ledger, now=NOW + timedelta(days=1))

    assert isinstance(result, Committed)
    assert await house.free("quota|smart-life|friday") == 49_999


async def load(house: House) -> Any:
    async with house.pool.acquire() as conn:
        return await load_catalog(conn)

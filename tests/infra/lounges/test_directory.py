"""The directory's rows: from the file, from a provider's feed, and into every process."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.kernel.words import Words
from domain.lounge.facts import LoungeState
from domain.lounge.feed import FeedFailed, LoungeNews
from infra.campaigns.publish import load_catalog
from infra.campaigns.tree import CampaignUnreadable
from infra.catalog import CatalogHolder
from infra.db.pool import connect_plain, open_pool
from infra.lounges.airports import airport
from infra.lounges.file import FILE, load_lounges, shipped_lounges
from infra.lounges.refresh import refresh_lounges
from infra.lounges.rows import LoungeDirectory, publish_lounges
from integrations.lounge.client import ProvidersLounges
from integrations.lounge.sandbox import sandbox

AT = datetime(2026, 10, 5, tzinfo=UTC)


def news(code: str, hours: int = 0, **changes: Any) -> LoungeNews:
    said: dict[str, Any] = {
        "code": code, "airport": "PEK", "name": Words("新厅", "New lounge"), "terminal": "T3", "airside": True,
        "hours": "07:00-21:00", "amenities": ("wifi", "golf"), "stay": 180, "state": LoungeState.OPEN,
        "told_at": AT + timedelta(hours=hours), **changes,
    }  # fmt: skip
    return LoungeNews(**said)


def provider(*told: LoungeNews, token: str = "right") -> ProvidersLounges:
    transport = httpx.ASGITransport(sandbox(told, token="right", page=2))
    return ProvidersLounges(
        httpx.AsyncClient(transport=transport, base_url="http://lounges", headers={"Authorization": f"Bearer {token}"})
    )


def test_every_shipped_lounge_stands_at_a_real_airport_with_words_in_both_languages() -> None:
    file = shipped_lounges()

    for lounge in file.lounges:
        place = airport(lounge.airport)
        assert place is not None
        assert place.city.zh != place.city.en


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("airport: PEK\n", "airport: Peking\n", "IATA"),
        ('"05:30-23:30"', '"05:30-23:61"', "time of day"),
        ("PEK-T3-02", "PEK-T3-01", "stands twice"),
        ("[meals, drinks", "[meal, drinks", "stands under no amenities"),
    ],
)
def test_a_fault_of_the_file_is_told_with_its_line(old: str, new: str, said: str) -> None:
    text = FILE.read_text(encoding="utf-8").replace(old, new, 1)

    with pytest.raises(CampaignUnreadable, match=said):
        load_lounges(text, file="lounges.yaml")


async def test_what_a_provider_tells_reaches_every_process_and_stands_before_the_file(pg_dsn: str) -> None:
    pool = await open_pool(pg_dsn, min_size=1, max_size=3)
    catalogs = CatalogHolder(pool, lambda: connect_plain(pg_dsn, application="test"), load_catalog)
    await catalogs.start()
    try:
        directory = LoungeDirectory(pool, catalogs)
        shipped = shipped_lounges().lounges
        assert await publish_lounges(pool, shipped) == len(shipped)
        assert await publish_lounges(pool, shipped) == 0
        known = news("PEK-T3-01", name=Words("改名厅", "Renamed"))
        told = (known, news("PEK-X-01"), news("PEK-X-02", state=LoungeState.CLOSED), news("ZZZ-01", airport="ZZZ"),
                replace(news("PEK-X-03"), hours="late"))  # fmt: skip

        changed = await refresh_lounges(pool, provider(*told))
        again = await refresh_lounges(pool, provider(*told), everything=True)
        stale = await refresh_lounges(pool, provider(news("PEK-T3-01", -1, terminal="T9")), everything=True)
        later = await refresh_lounges(pool, provider(*told, news("PEK-X-01", 1, terminal="T1")))
        by_file = await publish_lounges(pool, shipped)

        assert (changed, again, stale, later, by_file) == (3, 0, 0, 1, 0)
        catalogs.seen(await pool.fetchval("select version from catalog_stamp"))
        found = await directory.latest()
        renamed, new = found.lounge("PEK-T3-01"), found.lounge("PEK-X-01")
        assert renamed is not None
        assert new is not None
        assert (renamed.name.zh, renamed.capacity) == ("改名厅", 40)
        assert (new.capacity, new.slot, new.terminal, new.amenities[1]) == (0, 180, "T1", Words("golf", "golf"))
        listed = {each.code for each in found.listed(airport="PEK", city=None, first=100, after=None).items}
        assert "PEK-X-02" not in listed
        assert found.lounge("ZZZ-01") is None
    finally:
        await catalogs.stop()
        await pool.close()


async def test_a_provider_that_refuses_changes_nothing(pg_dsn: str) -> None:
    pool = await open_pool(pg_dsn, min_size=1, max_size=1)
    try:
        with pytest.raises(FeedFailed):
            await refresh_lounges(pool, provider(news("PEK-X-01"), token="wrong"))

        assert await pool.fetchval("select count(*) from lounge") == 0
    finally:
        await pool.close()

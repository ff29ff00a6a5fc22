"""What the till remembers of cards is a hint: what is forgotten is read again."""

import asyncio

import pytest

from domain.kernel.ids import lane_of
from infra.db.pool import open_pool
from infra.db.stores import till
from infra.db.stores.till import TillStore
from tests.builders.house import shanghai

NOW = shanghai("2026-10-02T12:00:00")


async def test_cards_that_come_together_are_known_though_no_more_than_one_is_remembered(
    pg_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when a card is forgotten between its being looked up and its being used."""
    monkeypatch.setattr(till, "REMEMBERED", 1)
    pool = await open_pool(pg_dsn, min_size=1, max_size=1)
    try:
        for card in ("k1", "k2", "k3"):
            await pool.execute(
                "insert into reference (lane, kind, ref, customer) values ($1, 'card', $2, $3)",
                lane_of(card), card, f"of-{card}",
            )  # fmt: skip
        store = TillStore(pool, lambda _: None)

        first = await store.payer("k1", NOW)
        together = await asyncio.gather(*(store.payer(card, NOW) for card in ("k2", "k1", "nobody", "k3", "k2")))
    finally:
        await pool.close()

    assert first is not None
    assert [each and each.customer for each in together] == ["of-k2", "of-k1", None, "of-k3", "of-k2"]

"""What the bank owes its customers in points, as of one moment."""

from dataclasses import dataclass
from typing import Any

from infra.db.statements import named

OWED = named(
    "points.owed",
    """
    select coalesce(sum(balance) filter (where balance > 0), 0)::bigint owed,
        coalesce(-sum(balance) filter (where balance < 0), 0)::bigint debt,
        count(*) filter (where balance > 0) creditors, count(*) filter (where balance < 0) debtors
    from points_account
    """,
    all_lanes=True,
)

ENDING = named(
    "points.ending",
    """
    select lot->>0 as month, sum((lot->>1)::bigint)::bigint points, count(*) customers
    from points_account cross join lateral jsonb_array_elements(lots::jsonb) lot group by 1 order by 1
    """,
    all_lanes=True,
)

SO_FAR = named(
    "points.so_far",
    "select kind, sum(points)::bigint points from points_entry group by kind",
    all_lanes=True,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """month: `2028-10`, at whose end they end."""

    month: str
    points: int
    customers: int


@dataclass(frozen=True, slots=True)
class Liability:
    """owed: what customers can use. debt: what customers in debt have to earn first. ending: the owed by month.

    earned: net of what was taken back. redeemed: net of what came back undelivered. expired: ended unused.
    """

    owed: int
    debt: int
    creditors: int
    debtors: int
    ending: tuple[Ending, ...]
    earned: int
    redeemed: int
    expired: int

    @property
    def breakage(self) -> float | None:
        """The share that ended unused, of all points whose fate is known; None before the first."""
        known = self.redeemed + self.expired
        return self.expired / known if known else None

    @property
    def expected(self) -> int:
        """How many of the owed will be used, if customers go on as they did; all of them before anything is known."""
        known = self.redeemed + self.expired
        return self.owed * self.redeemed // known if known else self.owed


async def liability(connection: Any) -> Liability:
    """All figures of one snapshot. `connection` is asyncpg's, not in a transaction."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        owed = await connection.fetchrow(OWED)
        ending = await connection.fetch(ENDING)
        sums = {row["kind"]: row["points"] for row in await connection.fetch(SO_FAR)}
    return Liability(
        owed["owed"],
        owed["debt"],
        owed["creditors"],
        owed["debtors"],
        tuple(Ending(row["month"], row["points"], row["customers"]) for row in ending),
        earned=sum(sums.get(kind, 0) for kind in ("EARN", "BONUS", "REVERSE")),
        redeemed=-sum(sums.get(kind, 0) for kind in ("REDEEM", "ADJUST")),
        expired=-sums.get("EXPIRE", 0),
    )

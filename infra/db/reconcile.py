"""The conservation laws over the live database (contract section 7), in plain set SQL.

Each check is a statement that tells what breaks it, one text a breach; and one that tells how much was looked at. All
of them see one snapshot, so they are exact while commits go on. The laws of rooms that keep tables of their own
(points, draws, lounges, deliveries) stand with those rooms.
"""

from dataclasses import dataclass
from typing import Any

from infra.db.statements import named

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Law:
    """number: as in the contract. detail: what was looked at, or the first breaches and how many there are."""

    name: str
    number: int
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class _LawText:
    """looked_at: SQL giving one text. breaches: SQL giving texts."""

    number: int
    name: str
    looked_at: str
    breaches: tuple[str, ...]


_ACCOUNTS = """accounts as (
    select lane, key, floor, balance, opened, held, overdraw from account
    union all select lane, key, floor, balance, opened, held, overdraw from shared_account
)"""

# What every journal row did to the accounts it names: what it added, and the balance it left behind.
_STEPS = """steps as (
    select src_lane as lane, src as key, case when op in (1, 3, 5) then -units else 0 end as added, src_after as after,
        case op when 2 then units when 3 then -units when 4 then -units else 0 end as held
    from journal where src !~ '^~'
    union all
    select dst_lane, dst, units, dst_after, 0 from journal where op in (1, 3, 5) and dst !~ '^~'
)"""

_LEGS = """legs as (
    select (leg->>0)::int as lane, leg->>1 as key, (leg->>6)::bigint as units,
        coalesce(h.on_release::jsonb @? '$[*] ? (@[0] == "offer_grant")', false) as of_grant
    from hold h cross join lateral jsonb_array_elements(h.legs::jsonb) as leg
)"""

# An account's balances are a chain from what it opened with to what it has: each balance that a move found was left
# there by another one. So every value is left as often as it is found, the opening and the last one counted.
_CHAINS = f"""
with {_ACCOUNTS}, {_STEPS}, chain as (
    select lane, key, after as value, 1 as n from steps
    union all select lane, key, after - added, -1 from steps
    union all select lane, key, opened, 1 from accounts
    union all select lane, key, balance, -1 from accounts
)
select format('%s does not follow from its journal', key)
from (select lane, key from chain group by lane, key, value having sum(n) <> 0) odd group by lane, key order by key
"""

_HELD = f"""
with {_ACCOUNTS}, {_STEPS}, {_LEGS}, claimed as (
    select lane, key, held, 0 as journaled, 0 as promised from accounts
    union all select lane, key, 0, held, 0 from steps where held <> 0
    union all select lane, key, 0, 0, units from legs
)
select format('%s holds %s, its journal says %s, open holds say %s', key, sum(held), sum(journaled), sum(promised))
from claimed group by lane, key having sum(held) <> sum(journaled) or sum(held) <> sum(promised) order by key
"""

_FLOORS = f"""
with {_ACCOUNTS}
select format('%s has %s, holds %s, may not go below %s', key, balance, held, floor) from accounts
where held < 0 or (not overdraw and balance - held < floor) order by key
"""

# Quota or budget: what was issued less what is left, and what open holds keep for pending grants: as the grants say.
# An offer may have no quota; a cost must have its budget.
_GRANTED = """
with {accounts}, {legs}, issued as (
    select key, sum(units) as units from (
        select dst as key, units from journal where src ~ '^~issued\\|' and dst ~ '^{kind}\\|' and op in (1, 3, 5)
        union all select src, -units from journal where dst ~ '^~issued\\|' and src ~ '^{kind}\\|' and op in (1, 3, 5)
    ) moved group by key
), granted as (
    select '{kind}|' || campaign || '|' || {name} as key, {measure} as units from offer_grant
    where status in ('GIVEN', 'KEPT', 'PENDING') group by 1
), pending as (
    select key, sum(units) as units from legs where of_grant group by key
)
select format('%s: %s given, grants say %s', key, gone, told) from (
    select key, coalesce(a.opened - a.balance, 0) + coalesce(i.units, 0) + coalesce(p.units, 0) as gone,
        coalesce(g.units, 0) as told, a.key is not null or {must} as kept
    from (select * from accounts where key ~ '^{kind}\\|') a
        full join granted g using (key) left join issued i using (key) left join pending p using (key)
) compared where kept and gone <> told order by key
"""

_QUOTAS = _GRANTED.format(accounts=_ACCOUNTS, legs=_LEGS, kind="quota", name="offer", measure="count(*)", must="false")
_BUDGETS = _GRANTED.format(accounts=_ACCOUNTS, legs=_LEGS, kind="budget", name="line", measure="sum(cost)", must="true")

# What a coupon's account says and what its row says.
_COUPONS = """
with purse as (
    select lane, substr(key, 8)::uuid as id, balance, held from account where key ~ '^coupon\\|'
), ended as (
    select lane, id, sum(n) filter (where sink = '~redeemed') as used,
        sum(n) filter (where sink = '~expired') as expired, sum(n) filter (where sink = '~voided') as voided
    from (
        select src_lane as lane, substr(src, 8)::uuid as id, split_part(dst, '|', 1) as sink, units as n
        from journal where src ~ '^coupon\\|' and op in (1, 3, 5)
        union all
        select dst_lane, substr(dst, 8)::uuid, split_part(src, '|', 1), -units
        from journal where dst ~ '^coupon\\|' and op in (1, 3, 5)
    ) moved group by lane, id
)
select format('coupon %s is %s, its account has %s and holds %s, used %s, expired %s, voided %s', coalesce(c.id, p.id),
    coalesce(c.status, 'nowhere'), p.balance, p.held, e.used, e.expired, e.voided)
from coupon c full join purse p on p.lane = c.lane and p.id = c.id left join ended e on e.lane = p.lane and e.id = p.id
where c.id is null or p.id is null
    or p.balance <> (c.status in ('AVAILABLE', 'HELD'))::int or p.held <> (c.status = 'HELD')::int
    or coalesce(e.used, 0) <> (c.status = 'USED')::int or coalesce(e.expired, 0) <> (c.status = 'EXPIRED')::int
    or coalesce(e.voided, 0) <> (c.status = 'VOIDED')::int
order by 1
"""

_EVENTS = """
select format('event %s of %s: accepted %s, waiting %s, applied %s',
    id, source, sum(accepted), sum(waiting), sum(applied))
from (
    select source, id, 1 as accepted, 0 as waiting, 0 as applied from event
    union all select source, id, 0, 1, 0 from inbox
    union all select source, id, 0, 0, 1 from story_event
    union all select source, id, 0, 0, 1 from general_event
) seen group by source, id having sum(accepted) <> 1 or sum(waiting) + sum(applied) <> 1 order by 1
"""

_LAWS = (
    _LawText(
        1,
        "accounts",
        "select format('%s accounts, %s moves, %s open holds', (select count(*) from account)"
        " + (select count(*) from shared_account), (select count(*) from journal), (select count(*) from hold))",
        (_FLOORS, _CHAINS, _HELD),
    ),
    _LawText(
        2,
        "quotas",
        "select format('%s quotas, %s grants', (select count(*) from shared_account where key ~ '^quota\\|'),"
        " (select count(*) from offer_grant))",
        (_QUOTAS,),
    ),
    _LawText(
        3,
        "budgets",
        "select format('%s budget lines, %s fen granted',"
        " (select count(*) from shared_account where key ~ '^budget\\|'),"
        " (select coalesce(sum(cost), 0) from offer_grant where status in ('GIVEN', 'KEPT', 'PENDING')))",
        (_BUDGETS,),
    ),
    _LawText(5, "coupons", "select format('%s coupons', count(*)) from coupon", (_COUPONS,)),
    _LawText(
        8,
        "events",
        "select format('%s accepted, %s waiting, %s applied',"
        " (select count(*) from event), (select count(*) from inbox),"
        " (select count(*) from story_event) + (select count(*) from general_event))",
        (_EVENTS,),
    ),
)
for _law in _LAWS:
    named(f"law.{_law.name}.looked_at", _law.looked_at, all_lanes=True)
    for _n, _sql in enumerate(_law.breaches):
        named(f"law.{_law.name}.{_n}", _sql, all_lanes=True)


async def reconcile(connection: Any) -> list[Law]:
    """Laws 1, 2, 3, 5 and 8, as of one moment. `connection` is asyncpg's, not in a transaction."""
    laws = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for law in _LAWS:
            breaches = [text for sql in law.breaches for (text,) in await connection.fetch(sql)]
            detail = await connection.fetchval(law.looked_at)
            if breaches:
                more = f" and {len(breaches) - SHOWN} more" if len(breaches) > SHOWN else ""
                detail = "; ".join(breaches[:SHOWN]) + more
            laws.append(Law(law.name, law.number, not breaches, detail))
    return laws

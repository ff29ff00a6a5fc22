"""The conservation laws over the live database (contract section 7), in plain set SQL.

Each check is a statement that tells what breaks it, one text a breach; and one that tells how much was looked at. All
of them see one snapshot, so they are exact while commits go on. The laws of rooms that keep tables of their own
(deliveries) stand with those rooms.
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

# A prize drawn takes no place of the offer that gave the chance.
_PLACES = "count(*) filter (where by <> 'DRAW')"
_QUOTAS = _GRANTED.format(accounts=_ACCOUNTS, legs=_LEGS, kind="quota", name="offer", measure=_PLACES, must="false")
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

# A customer's points three times: the ledger's account, the entries added up one by one, and the lots that are left.
_POINTS = """
with told as (
    select lane, customer, count(*) as entries, max(n) as last, sum(points) as points,
        bool_or(balance_after <> running) as broken
    from (
        select lane, customer, n, points, balance_after,
            sum(points) over (partition by lane, customer order by n) as running
        from points_entry
    ) e group by lane, customer
), purse as (
    select p.lane, p.customer, p.balance, p.entries,
        (select coalesce(sum((lot->>1)::bigint), 0) from jsonb_array_elements(p.lots::jsonb) lot) as lots
    from points_account p
), book as (
    select lane, substr(key, 8) as customer, balance from account where key ~ '^points\\|'
)
select format('points of %s: account %s, purse %s, entries %s, lots %s%s', customer, b.balance, p.balance, t.points,
    p.lots, case when t.broken then ', and an entry has a wrong balance' else '' end)
from book b full join purse p using (lane, customer) full join told t using (lane, customer)
where b.balance is distinct from p.balance or p.balance is distinct from t.points
    or p.lots is distinct from greatest(p.balance, 0) or p.entries <> t.entries or t.last <> t.entries or t.broken
order by 1
"""

# What was taken of an item's stock, and the pieces that were not given back.
_ITEMS = """
with shelf as (
    select substr(key, 7) as item, opened - balance as gone from shared_account where key ~ '^goods\\|'
), issued as (
    select item, sum(units) as units from (
        select substr(dst, 7) as item, units from journal where src ~ '^~issued\\|goods\\|' and op in (1, 3, 5)
        union all
        select substr(src, 7), -units from journal where dst ~ '^~issued\\|goods\\|' and op in (1, 3, 5)
    ) moved group by item
), sold as (
    select item, count(*) as pieces from points_redemption where stocked and status = 'OPEN' group by item
)
select format('stock of %s: %s gone, redemptions say %s', item, gone + coalesce(units, 0), coalesce(pieces, 0))
from shelf left join issued using (item) full join sold using (item)
where gone + coalesce(units, 0) is distinct from coalesce(pieces, 0) order by 1
"""

# Of each prize: what was issued of its stock less what is left, as the record says it was given. A prize without a
# stock has no account.
_PRIZES = f"""
with {_ACCOUNTS}, moved as (
    select key, sum(units) as units from (
        select dst as key, units from journal where src ~ '^~issued\\|' and dst ~ '^stock\\|' and op in (1, 3, 5)
        union all select src, -units from journal where dst ~ '^~issued\\|' and src ~ '^stock\\|' and op in (1, 3, 5)
    ) issued group by key
), given as (
    select 'stock|' || campaign || '|' || draw || '|' || prize as key, count(*) as units from draw_entry group by 1
)
select format('%s: %s issued, %s left, %s drawn', key, m.units, a.balance, coalesce(g.units, 0))
from accounts a left join moved m using (key) left join given g using (key)
where key ~ '^stock\\|' and coalesce(m.units, 0) - a.balance <> coalesce(g.units, 0) order by key
"""

# Every entry has the hash of its own text and names the hash of the one before it; the last is the chain's head.
_LINKS = """
with links as (
    select campaign, draw, sequence, hash, body,
        lag(hash) over chain as before, lag(sequence) over chain as last,
        encode(sha256(convert_to('hall-draw/1' || chr(10) || campaign || '/' || draw, 'UTF8')), 'hex') as beginning
    from draw_entry window chain as (partition by campaign, draw order by sequence)
)
select format('entry %s of %s/%s does not fit its chain', sequence, campaign, draw) from links
where hash <> encode(sha256(convert_to(body, 'UTF8')), 'hex') or sequence <> coalesce(last, 0) + 1
    or body !~ ('^hall-draw/1' || chr(10) || 'draw=' || campaign || '/' || draw || chr(10))
    or body !~ (chr(10) || 'sequence=' || sequence || chr(10))
    or right(body, 74) <> chr(10) || 'previous=' || coalesce(before, beginning)
union all
select format('the chain of %s/%s stands at %s, its record at %s', campaign, draw, c.head, coalesce(e.sequence, 0))
from draw_chain c left join (
    select distinct on (campaign, draw) campaign, draw, sequence, hash from draw_entry
    order by campaign, draw, sequence desc
) e using (campaign, draw)
where split_part(c.head, '|', 1)::bigint <> coalesce(e.sequence, 0)
    or e.hash is not null and split_part(c.head, '|', 3) <> e.hash
order by 1
"""

# One chance, one result, one entry.
_RESULTS = """
select format('result %s, entry %s, chance %s do not belong together', r.id, e.sequence, c.id)
from (select *, count(*) over (partition by lane, chance) as results from draw_result) r
    full join draw_entry e on e.campaign = r.campaign and e.draw = r.draw and e.sequence = r.sequence
    full join (select lane, id from draw_chance where status = 'DRAWN') c on c.lane = r.lane and c.id = r.chance
where r.id is null or r.results > 1 or e.result is distinct from r.id or e.hash <> r.hash or e.prize <> r.prize
    or c.id is null
order by 1
"""

# A coupon that a till takes is USED by exactly one redemption, which still has it; and the reverse.
_REDEEMED = """
with redeemed as (
    select r.lane, c.id::uuid as id, count(*) as n from redemption r cross join lateral unnest(r.coupons) c (id)
    group by r.lane, c.id
)
select format('coupon %s is %s and stands in %s redemptions', coalesce(c.id, r.id), coalesce(c.status, 'nowhere'),
    coalesce(r.n, 0))
from (select lane, id, status from coupon where kind in ('THRESHOLD', 'CASH', 'REPAYMENT')) c
    full join redeemed r on r.lane = c.lane and r.id = c.id
where coalesce(r.n, 0) <> coalesce((c.status = 'USED')::int, -1) order by 1
"""

# What merchants' statements are made of, and what the journal says was borne at each till and by whom.
_SETTLED = """
with told as (
    select merchant, who, sum(case kind when 'REVERSAL' then -units else units end) as units from settlement_entry
        cross join lateral (values ('bank', bank), ('merchant', merchant_share), ('platform', platform)) s (who, units)
    group by merchant, who
), journaled as (
    select merchant, who, sum(units) as units from (
        select substr(dst, 7) as merchant, split_part(src, '|', 2) as who, units from journal
        where reason = 'SUBSIDY' and dst ~ '^~till\\|'
        union all
        select substr(src, 7), split_part(dst, '|', 2), -units from journal
        where reason = 'SUBSIDY' and src ~ '^~till\\|'
    ) moved group by merchant, who
)
select format('%s at %s: entries say %s, the journal %s', who, merchant, coalesce(t.units, 0), coalesce(j.units, 0))
from told t full join journaled j using (merchant, who) where coalesce(t.units, 0) <> coalesce(j.units, 0) order by 1
"""

# A captured quote has its redemption and the reverse; what was taken back is what its reversals say.
_SALES = """
select format('quote %s is %s', coalesce(q.id, r.id), coalesce(q.status || ' without redemption', 'not captured'))
from (select lane, id, status from till_quote where status = 'CAPTURED') q
    full join redemption r on r.lane = q.lane and r.id = q.id
where q.id is null or r.id is null
union all
select format('redemption %s took back %s, its reversals say %s', r.id, r.taken_back, coalesce(e.units, 0))
from redemption r left join (
    select lane, redemption, sum(discount) as units from settlement_entry where kind = 'REVERSAL' group by 1, 2
) e on e.lane = r.lane and e.redemption = r.id
where r.taken_back <> coalesce(e.units, 0)
"""

# Of each entitlement: what was issued is free, kept by its bookings, used by bookings and by visits without one, or has
# lapsed at its end; what was taken back left it. The accounts and the journal say the same as the rows.
_VISITS = """
with purse as (
    select lane, substr(key, 8)::uuid as id, sum(balance) as balance, sum(held) as held,
        sum(balance - held) filter (where key ~ '^visits') as free,
        coalesce(sum(balance) filter (where key ~ '^lapsed'), 0) as lapsed
    from account where key ~ '^(visits|lapsed)\\|' group by 1, 2
), moved as (
    select lane, id, sum(n) filter (where sink = '~redeemed') as used, sum(n) filter (where sink <> '~redeemed') as left
    from (
        select src_lane as lane, substr(src, 8)::uuid as id, split_part(dst, '|', 1) as sink, units as n
        from journal where src ~ '^(visits|lapsed)\\|' and op in (1, 3, 5) and dst ~ '^~' and dst !~ '^~issued'
        union all
        select dst_lane, substr(dst, 8)::uuid, split_part(src, '|', 1), -units
        from journal where dst ~ '^(visits|lapsed)\\|' and op in (1, 3, 5) and src ~ '^~' and src !~ '^~issued'
    ) gone group by lane, id
), booked as (
    select lane, entitlement as id, count(*) filter (where status in ('PENDING', 'CONFIRMED')) as pending,
        count(*) filter (where charged) as used
    from booking group by lane, entitlement
), visited as (
    select entitlement as id, count(*) as used from lounge_visit where charged group by entitlement
)
select format('%s entitlement %s of %s: %s free, %s kept, %s lapsed, %s used, %s left it; bookings keep %s and used %s,'
    ' visits %s', coalesce(e.status, 'no'), coalesce(e.id, p.id), e.total, p.free, p.held, p.lapsed,
    coalesce(m.used, 0), coalesce(m.left, 0), coalesce(b.pending, 0), coalesce(b.used, 0), coalesce(v.used, 0))
from entitlement e full join purse p on p.lane = e.lane and p.id = e.id
    left join moved m on m.lane = p.lane and m.id = p.id left join booked b on b.lane = p.lane and b.id = p.id
    left join visited v on v.id = p.id
where e.id is null or p.id is null or p.balance + coalesce(m.used, 0) + coalesce(m.left, 0) <> e.total
    or p.held <> coalesce(b.pending, 0) or coalesce(m.used, 0) <> coalesce(b.used, 0) + coalesce(v.used, 0)
    or case e.status when 'EXPIRED' then p.free else p.lapsed end <> 0
order by 1
"""

# Of each slot: the seats that are gone are those of its bookings, and never more than there were.
_SEATS = """
with places as (
    select key, opened, balance - held as free from shared_account where key ~ '^seat\\|'
), booked as (
    select 'seat|' || lounge || '|' || to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') as key,
        count(*) as n
    from booking where status in ('CONFIRMED', 'CHECKED_IN', 'NO_SHOW') group by 1
)
select format('%s: %s seats, %s free, %s booked', key, p.opened, p.free, coalesce(b.n, 0))
from places p full join booked b using (key)
where p.key is null or p.opened - p.free <> coalesce(b.n, 0) or coalesce(b.n, 0) > p.opened order by 1
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

# Law 9, as far as it can be told without the providers' books: what is to be sent is promised once, what waits for an
# address or is over is not.
_PROMISED = """
select format('delivery %s is %s and promised %s times', d.id, d.status, coalesce(p.times, 0))
from delivery d left join (
    select payload::jsonb ->> 'delivery' delivery, count(*) times from outbox where topic = 'deliver' group by 1
) p on p.delivery = d.id::text
where coalesce(p.times, 0) <> (d.status = 'PROMISED')::int and d.status in ('PROMISED', 'NEEDS_ADDRESS')
    or p.times > 1
order by 1
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
    _LawText(
        4,
        "points",
        "select format('%s customers have %s points, %s entries, %s pieces redeemed',"
        " (select count(*) from points_account), (select coalesce(sum(balance), 0) from points_account),"
        " (select count(*) from points_entry), (select count(*) from points_redemption where status = 'OPEN'))",
        (_POINTS, _ITEMS),
    ),
    _LawText(
        5,
        "coupons",
        "select format('%s coupons, %s redemptions, %s fen taken off, %s taken back', (select count(*) from coupon),"
        " count(*), coalesce(sum(discount), 0), coalesce(sum(taken_back), 0)) from redemption",
        (_COUPONS, _REDEEMED, _SETTLED, _SALES),
    ),
    _LawText(
        6,
        "draws",
        "select format('%s draws of %s prizes in %s chains', (select count(*) from draw_entry),"
        " (select count(distinct (campaign, draw, prize)) from draw_entry), (select count(*) from draw_chain))",
        (_PRIZES, _LINKS, _RESULTS),
    ),
    _LawText(
        7,
        "lounges",
        "select format('%s entitlements, %s bookings, %s visits', (select count(*) from entitlement),"
        " (select count(*) from booking), (select count(*) from lounge_visit))",
        (_VISITS, _SEATS),
    ),
    _LawText(
        8,
        "events",
        "select format('%s accepted, %s waiting, %s applied',"
        " (select count(*) from event), (select count(*) from inbox),"
        " (select count(*) from story_event) + (select count(*) from general_event))",
        (_EVENTS,),
    ),
    _LawText(
        9,
        "deliveries",
        "select format('%s deliveries, %s promised', count(*), count(*) filter (where status = 'PROMISED'))"
        " from delivery",
        (_PROMISED,),
    ),
)
for _law in _LAWS:
    named(f"law.{_law.name}.looked_at", _law.looked_at, all_lanes=True)
    for _n, _sql in enumerate(_law.breaches):
        named(f"law.{_law.name}.{_n}", _sql, all_lanes=True)


async def reconcile(connection: Any) -> list[Law]:
    """Laws 1 to 9, as of one moment. `connection` is asyncpg's, not in a transaction."""
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

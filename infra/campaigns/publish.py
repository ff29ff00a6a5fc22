"""Publishing: a campaign file becomes an immutable version, its totals become accounts, every process hears of it.

One publication at a time, under an advisory lock, in two steps. First a unit posts what the version's quotas and budget
lines hold more than before (or back, what they hold less, as far as nobody has it yet). Its request remembers the
totals, so that whatever is published next counts from what the ledger really holds, even when a process died between.
Then the version row and the catalog's stamp are committed together, which also tells listeners.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import asyncpg

from domain.campaigns.lint import Severity, lint_change
from domain.campaigns.model import Campaign, SignUp
from domain.kernel.errors import Broken, HallError
from domain.kernel.ids import LANES, lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.kernel.time import business_day
from domain.ledger import keys
from domain.ledger.accounts import Account
from domain.ledger.moves import Move, post
from domain.ledger.unit import Committed, Ledger, Repeated, Request, Short, Unit
from domain.merchants.facts import MerchantFacts
from domain.offers.award import AT_ONCE
from domain.offers.catalog import Catalog
from domain.offers.sign_up import MOVE_UP
from domain.operate.classify import Difference, Effect, differences, effect_of
from domain.stories.events import MerchantStatus, MerchantUpdated, read_event
from domain.stories.merchants import MerchantHistory
from domain.stories.plans import Plans, Version
from infra.campaigns.check import elsewhere_of
from infra.campaigns.check import found as found_by_lint
from infra.campaigns.holidays import china
from infra.campaigns.loader import HERE, SHIPPED, head_of, load_campaign, shipped_segments
from infra.campaigns.tree import CampaignUnreadable
from infra.catalog import CHANNEL
from infra.db.statements import named

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""From when a campaign's first version judges: always."""

HALL = "hall"
"""The author of what comes with the hall."""

DAYS_RUN_AT_FIRST_START = timedelta(days=30)
_LOCK = 0x48414C4C01  # any number that nothing else of the hall locks

NEWEST = named(
    "campaign_version.newest",
    """
    select distinct on (campaign) campaign, version, file, digest, starts_on
    from campaign_version order by campaign, version desc
    """,
)
ALL_VERSIONS = named(
    "campaign_version.all",
    """
    select campaign, version, file, digest, starts_on, effective_from
    from campaign_version order by campaign, version
    """,
)
NEWEST_BY = named(
    "campaign_version.newest_by",
    """
    select distinct on (campaign) campaign, digest, starts_on
    from campaign_version where author = $1 order by campaign, version desc
    """,
)
LISTED = named(
    "campaign_version.listed",
    """
    select campaign, version, digest, starts_on, effective_from, published_at, author, reason
    from campaign_version order by campaign, version
    """,
)
INSERT = named(
    "campaign_version.insert",
    """
    insert into campaign_version
        (campaign, version, file, digest, starts_on, effective_from, published_at, author, reason)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    """,
)
AUDIT = named(
    "audit.write",
    """
    insert into audit (lane, id, at, actor, action, subject, reason, effect, second, details)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    """,
)
STAMP = named("catalog_stamp.read", "select version from catalog_stamp")
MOVE_STAMP = named("catalog_stamp.move", "update catalog_stamp set version = version + 1 returning version")
NOTIFY = named("catalog_stamp.notify", "select pg_notify($1, $2)")
MERCHANTS = named("merchant.all", "select merchant, name, groups, city, status from merchant")
TOLD = named(
    "general_event.merchants",
    """
    select e.at, e.source, e.id, e.data from general_event e
    where e.lane = any($1::int[]) and e.type = 'merchant.updated'
    """,
)
FREE = named("shared_account.free", "select balance - held - floor from shared_account where lane = $1 and key = $2")
LOCK = named("campaign_version.lock", "select pg_advisory_xact_lock($1)")
ISSUED = named("request.issued", "select answer from request where lane = $1 and owner = $2")


@dataclass(frozen=True, slots=True)
class Published:
    """effective_from: events from this moment on are judged by it; the first version judges all that came before."""

    campaign: str
    version: int
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The newest version is this file with this start already."""

    campaign: str
    version: int


class PublishRefused(HallError):
    """The file is sound, but it must not become the next version; one sentence says why."""

    code = "PUBLISH_REFUSED"


@dataclass(frozen=True, slots=True)
class _Newest:
    version: int
    file: str
    digest: str
    starts_on: date


async def publish(
    pool: Any,
    ledger: Ledger,
    text: str,
    *,
    file: str,
    starts_on: date | None = None,
    author: str,
    reason: str,
    now: datetime,
    second: str | None = None,
    adverse_needs_second: bool = False,
) -> Published | Unchanged:
    """Make `text` the campaign's next version, in force from `now` on (its first version: always).

    starts_on: the first active day; without it the file's `starts`, else the day of the version before.
    second: who else agreed. adverse_needs_second: refuse what is adverse to customers without such a person.

    Raises:
        CampaignUnreadable: the file has faults, or lint finds errors in it.
        PublishRefused: it takes back what has been given, or changes a draw that runs to the customers' disadvantage.
        Busy, DatabaseUnreachable: as of the ledger; a repetition under the same file goes on where it stopped.
    """
    async with publishing(pool) as conn:
        return await publish_on(
            conn,
            ledger,
            text,
            file=file,
            starts_on=starts_on,
            author=author,
            reason=reason,
            now=now,
            second=second,
            adverse_needs_second=adverse_needs_second,
        )


@asynccontextmanager
async def publishing(pool: Any) -> AsyncIterator[Any]:
    """A connection in a transaction in which nobody else publishes."""
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(LOCK, _LOCK)
        yield conn


async def publish_on(
    conn: Any,
    ledger: Ledger,
    text: str,
    *,
    file: str,
    starts_on: date | None = None,
    author: str,
    reason: str,
    now: datetime,
    second: str | None = None,
    adverse_needs_second: bool = False,
) -> Published | Unchanged:
    """`publish` on a connection of `publishing`, so that more can be written in the same transaction."""
    digest, head = sha256(text.encode()).hexdigest(), head_of(text)
    newest = await _newest(conn)
    before = newest.pop(head.code, None)
    loaded = load_campaign(
        text,
        file=file,
        starts_on=starts_on or head.starts or (before.starts_on if before is not None else None),
        version=1 if before is None else before.version + 1,
        elsewhere=elsewhere_of({code: head_of(found.file) for code, found in newest.items()}),
    )
    campaign = loaded.campaign
    if before is not None and (before.digest, before.starts_on) == (digest, loaded.starts_on):
        await _issue(conn, ledger, campaign, now)  # a publication that stopped half-way may have moved the totals
        return Unchanged(head.code, before.version)
    if errors := found_by_lint(loaded, file, Severity.ERROR):
        raise CampaignUnreadable(errors)
    changed: tuple[Difference, ...] = ()
    if before is not None:
        changed = differences(_refuse_change(before, campaign, now), campaign, now)
        if adverse_needs_second and effect_of(changed) is Effect.ADVERSE and second in (None, author):
            worse = ", ".join(each.path for each in changed if each.effect is Effect.ADVERSE)
            raise PublishRefused(f"This is adverse to customers ({worse}): another person must agree (--second).")
    await _issue(conn, ledger, campaign, now)
    effective_from = BEGINNING if before is None else now
    version = (campaign.code, campaign.version, text, digest, loaded.starts_on, effective_from, now, author, reason)
    await _insert(conn, version)
    await _audit(conn, campaign, changed, first=before is None, author=author, reason=reason, second=second, now=now)
    return Published(campaign.code, campaign.version, effective_from)


async def publish_shipped(
    pool: Any, ledger: Ledger, *, starts_on: date | None = None, now: datetime
) -> list[Published | Unchanged]:
    """Publish the plans that come with the hall, as far as they are not published as they stand.

    starts_on: the first active day; without it the day of the first publication stays, which is 30 days before it.
    """
    found = await _newest(pool)
    by_hall = {row["campaign"]: row for row in await pool.fetch(NEWEST_BY, HALL)}
    done: list[Published | Unchanged] = []
    for name in SHIPPED:
        text = (HERE / name).read_text(encoding="utf-8")
        before = found.get(head_of(text).code)
        mine = by_hall.get(head_of(text).code)
        same = mine is not None and mine["digest"] == sha256(text.encode()).hexdigest()
        if before and mine and same and starts_on in (None, mine["starts_on"]):
            # The file is published as it stands; what operators changed since then stays.
            done.append(Unchanged(mine["campaign"], before.version))
            continue
        day = starts_on or (before.starts_on if before else business_day(now) - DAYS_RUN_AT_FIRST_START)
        reason = "comes with the hall" if before is None else "changed with the hall"
        done.append(await publish(pool, ledger, text, file=name, starts_on=day, author=HALL, reason=reason, now=now))
    return done


# The catalog ------------------------------------------------------------------------------------------------------

_parsed: dict[tuple[str, str, int, date], Campaign] = {}


async def load_catalog(conn: asyncpg.Connection) -> Catalog:
    """Everything published, the merchants, and the stamp of the catalog, of one snapshot."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        stamp = await conn.fetchval(STAMP)
        rows = await conn.fetch(ALL_VERSIONS)
        merchants = await conn.fetch(MERCHANTS)
        told = await conn.fetch(TOLD, list(LANES))
    versions = [Version(_campaign(row), row["effective_from"]) for row in rows]
    plans = Plans(versions, stamp=stamp, calendar=china(), segments=shipped_segments())
    history = MerchantHistory([_told(row) for row in told])
    return Catalog(plans, [_merchant(row) for row in merchants], history)


def _told(row: Mapping[str, Any]) -> MerchantUpdated:
    event = read_event(MerchantUpdated.type, row["at"], row["source"], row["id"], json.loads(row["data"]))
    assert isinstance(event, MerchantUpdated)
    return event


def _campaign(row: Mapping[str, Any]) -> Campaign:
    """Versions are immutable, so each is parsed once a process."""
    key = (row["campaign"], row["digest"], row["version"], row["starts_on"])
    if key not in _parsed:
        name = f"{row['campaign']}@{row['version']}"
        _parsed[key] = load_campaign(
            row["file"], file=name, starts_on=row["starts_on"], version=row["version"], elsewhere=None
        ).campaign
    return _parsed[key]


def _merchant(row: Mapping[str, Any]) -> MerchantFacts:
    status = MerchantStatus(row["status"])
    return MerchantFacts(row["merchant"], row["name"], tuple(row["groups"]), row["city"], status)


# Steps ------------------------------------------------------------------------------------------------------------


def totals_of(campaign: Campaign) -> dict[str, int]:
    """What the campaign's accounts hold in all: `quota|friday` -> 50,000 places, `budget|rewards` -> fen,
    `stock|wake-up|jd-card-50` -> 2,000 prizes.
    """
    quotas = {f"quota|{offer.code}": offer.quota for offer in campaign.offers if offer.quota is not None}
    stocks = {
        f"stock|{draw.code}|{prize.code}": prize.stock
        for draw in campaign.draws
        for prize in draw.prizes
        if prize.stock is not None
    }
    return quotas | {f"budget|{line.code}": line.amount for line in campaign.budget.lines} | stocks


def _account(campaign: str, name: str) -> Account:
    kind, _, code = name.partition("|")
    if kind == "stock":
        return keys.stock(campaign, *code.split("|"))
    return keys.quota(campaign, code) if kind == "quota" else keys.budget(campaign, code)


async def _issue(conn: Any, ledger: Ledger, campaign: Campaign, now: datetime) -> None:
    """Bring the campaign's accounts to its totals.

    An account that is in the file no more keeps what it has: nothing draws on it.
    """
    lane, owner = lane_of(campaign.code), f"publish|{campaign.code}"
    answers = [json.loads(row["answer"]) for row in await conn.fetch(ISSUED, lane, owner)]
    last: dict[str, Any] = max(answers, key=lambda found: found["n"], default={"n": 0, "totals": {}})
    wanted, held = totals_of(campaign), last["totals"]
    moves = [move for name, total in wanted.items() if (move := _move(campaign.code, name, total - held.get(name, 0)))]
    if not moves:
        return
    number = last["n"] + 1
    answer = json.dumps({"n": number, "totals": held | wanted}, separators=(",", ":"))
    unit = Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        request=Request(owner, uuid5(NAMESPACE_URL, f"{owner}:{number}"), fingerprint(answer)),
        moves=moves,
        answer=answer,
        rows={"outbox": _looks(campaign, held, now)},
    )
    match await ledger.commit(unit):
        case Committed() | Repeated():
            return
        case Short(account):
            raise PublishRefused(await _already_given(conn, account, held))
        case other:
            raise Broken(f"publishing {campaign.code} met {other}")


def _looks(campaign: Campaign, held: Mapping[str, int], now: datetime) -> list[dict[str, Any]]:
    """Promises to look at the waiting lists of offers that have more places now."""
    lane = lane_of(campaign.code)
    return [
        {
            "lane": lane, "id": new_id(lane, now), "topic": MOVE_UP,
            "payload": {"campaign": campaign.code, "offer": offer.code}, "due_at": AT_ONCE, "created_at": now,
        }
        for offer in campaign.offers
        if isinstance(offer.trigger, SignUp) and (offer.quota or 0) > held.get(f"quota|{offer.code}", offer.quota or 0)
    ]  # fmt: skip


def _move(campaign: str, name: str, more: int) -> Move | None:
    account, source = _account(campaign, name), keys.issued_total(campaign, name.partition("|")[2])
    if more > 0:
        return post(more, source, account, "ISSUED")
    return post(-more, account, source, "WITHDRAWN") if more < 0 else None


async def _already_given(conn: Any, account: Account, held: Mapping[str, int]) -> str:
    free = await conn.fetchval(FREE, account.lane, account.key)
    kind, _, code = account.key.split("|", 2)
    name = f"{kind}|{code}"
    least = held.get(name, 0) - (free or 0)
    if kind == "quota":
        return f"The quota of {code} cannot be less than {least:_}: so many places are given or promised."
    if kind == "stock":
        return f"The stock of {code.replace('|', '/')} cannot be less than {least:_}: so many have been drawn."
    return f"The budget line {code} cannot be less than {least / 100:_.2f} yuan: so much is spent or promised."


async def _insert(conn: Any, version: tuple[object, ...]) -> None:
    await conn.execute(INSERT, *version)
    stamp = await conn.fetchval(MOVE_STAMP)
    await conn.execute(NOTIFY, CHANNEL, str(stamp))


async def _newest(reader: Any) -> dict[str, _Newest]:
    return {
        row["campaign"]: _Newest(row["version"], row["file"], row["digest"], row["starts_on"])
        for row in await reader.fetch(NEWEST)
    }


def _refuse_change(before: _Newest, campaign: Campaign, now: datetime) -> Campaign:
    """The campaign as it was. Raises PublishRefused."""
    old = load_campaign(
        before.file, file="", starts_on=before.starts_on, version=before.version, elsewhere=None
    ).campaign
    found = lint_change(old, campaign, now)
    if found:
        raise PublishRefused(" ".join(found))
    return old


async def _audit(
    conn: Any,
    campaign: Campaign,
    changed: tuple[Difference, ...],
    *,
    first: bool,
    author: str,
    reason: str,
    second: str | None,
    now: datetime,
) -> None:
    lane = lane_of(campaign.code)
    await conn.execute(
        AUDIT, lane, new_id(lane, now), now, author, "campaign published", campaign.code, reason,
        None if first else effect_of(changed).value, second,
        json.dumps({"version": campaign.version, "differences": {each.path: each.effect for each in changed}}),
    )  # fmt: skip

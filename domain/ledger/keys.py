"""The names of accounts: what may run out, and where it goes to.

    shared   quota|<campaign>|<offer>             -> ~granted|<campaign>|<offer>
             budget|<campaign>|<line>             -> ~spent|<campaign>|<line>
             stock|<campaign>|<draw>|<prize>      -> ~drawn|<campaign>|<draw>|<prize>
             limit|<period>|<offer>|person|<who>  -> ~used|<offer>      (also device)
    own      limit|<period>|<offer>|card|<who>    -> ~used|<offer>      (also customer)
             coupon|<id>                          -> ~redeemed|<offer>, ~voided|<offer>, ~expired|<offer>
             chance|<id>, visits|<id>             -> the same sinks, but for:
             lapsed|<entitlement>                 visits that ended unused; -> ~redeemed|<offer> for one told of late

A quota's or budget line's total comes by a post from `~issued|<campaign>|...` when it is published or raised; a
coupon's one unit, a chance's, an entitlement's visits by a post from `~issued|<offer>`. So what was issued is a sum
over the journal. A limit begins with its maximum (`Opening`), kept as the account's `opened`. Shared accounts of a
campaign all live in the campaign's lane.
"""

from functools import lru_cache
from uuid import UUID

from domain.kernel.ids import lane_of, lane_of_id
from domain.ledger.accounts import Account, checked_key, sink

SHARED_LIMITS = frozenset({"person", "device"})
"""What limits count by that is not one customer's: several customers may be one person or use one device."""

_campaign_lane = lru_cache(maxsize=1024)(lane_of)


@lru_cache(maxsize=4096)
def quota(campaign: str, offer: str) -> Account:
    return Account(_campaign_lane(campaign), checked_key(f"quota|{campaign}|{offer}"), shared=True)


@lru_cache(maxsize=4096)
def granted(campaign: str, offer: str) -> Account:
    return sink(f"granted|{campaign}|{offer}")


@lru_cache(maxsize=4096)
def budget(campaign: str, line: str) -> Account:
    return Account(_campaign_lane(campaign), checked_key(f"budget|{campaign}|{line}"), shared=True)


@lru_cache(maxsize=4096)
def spent(campaign: str, line: str) -> Account:
    return sink(f"spent|{campaign}|{line}")


@lru_cache(maxsize=4096)
def issued_total(campaign: str, name: str) -> Account:
    """Where the total of quota or budget line `name` comes from: published, raised (and lowered: posted back to it)."""
    return sink(f"issued|{campaign}|{name}")


def limit(campaign: str, offer: str, *, per: str, who: str, period: str, lane: int) -> Account:
    """What is left of an offer's limit for one `who` in one period ('once', '2026-10', '2026-10-02', ...).

    per: 'card', 'customer' (in the customer's `lane`); 'person', 'device' (shared, in the campaign's lane).
    """
    key = checked_key(f"limit|{period}|{offer}|{per}|{who}")
    return Account(_campaign_lane(campaign), key, shared=True) if per in SHARED_LIMITS else Account(lane, key)


@lru_cache(maxsize=4096)
def used(offer: str) -> Account:
    return sink(f"used|{offer}")


def coupon(id: UUID) -> Account:
    """One coupon's single use; in the lane that its id carries."""
    return Account(lane_of_id(id), f"coupon|{id}")


def chance(id: UUID) -> Account:
    """One draw chance's single use."""
    return Account(lane_of_id(id), f"chance|{id}")


def visits(id: UUID) -> Account:
    """The visits left of an entitlement."""
    return Account(lane_of_id(id), f"visits|{id}")


def lapsed(id: UUID) -> Account:
    """The visits of an entitlement that had ended before they were used. A visit of before its end, told of after it,
    still takes one of these.
    """
    return Account(lane_of_id(id), f"lapsed|{id}")


@lru_cache(maxsize=4096)
def issued(offer: str) -> Account:
    return sink(f"issued|{offer}")


@lru_cache(maxsize=4096)
def redeemed(offer: str) -> Account:
    return sink(f"redeemed|{offer}")


@lru_cache(maxsize=4096)
def voided(offer: str) -> Account:
    return sink(f"voided|{offer}")


@lru_cache(maxsize=4096)
def expired(offer: str) -> Account:
    return sink(f"expired|{offer}")


@lru_cache(maxsize=4096)
def stock(campaign: str, draw: str, prize: str) -> Account:
    """What is left of a draw's prize; its total comes and goes like a quota's."""
    return Account(_campaign_lane(campaign), checked_key(f"stock|{campaign}|{draw}|{prize}"), shared=True)


@lru_cache(maxsize=4096)
def drawn(campaign: str, draw: str, prize: str) -> Account:
    return sink(f"drawn|{campaign}|{draw}|{prize}")

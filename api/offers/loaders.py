"""Reads of the offers' room, gathered within a request."""

from collections.abc import Iterable
from datetime import datetime

from strawberry.dataloader import DataLoader

from domain.ledger.accounts import Account
from domain.offers.apply import ReadApplications
from domain.offers.asked import ApplicationStatus
from domain.offers.ports import OfferKey, ReadLimits, ReadQuotas
from domain.wallet.facts import ChoiceFacts
from domain.wallet.ports import ReadWallet


def left_by_account(read: ReadQuotas) -> DataLoader[Account, int]:
    """What is left of each quota and budget line. What no account is kept of has nothing to give."""

    async def load(accounts: list[Account]) -> list[int]:
        found = await read.remaining(accounts)
        return [max(found.get(account, 0), 0) for account in accounts]

    return DataLoader(load_fn=load)


def limits_by_account(read: ReadLimits) -> DataLoader[Account, bool]:
    """Whether nothing is left on each account of a limit."""

    async def load(accounts: list[Account]) -> list[bool]:
        empty = await read.used_up(accounts)
        return [account in empty for account in accounts]

    return DataLoader(load_fn=load)


def lapsed_by_customer(read: ReadWallet) -> DataLoader[tuple[str, datetime], frozenset[OfferKey]]:
    """The offers of which each customer was given something to choose, and by that moment had not chosen in time."""

    async def load(asked: list[tuple[str, datetime]]) -> list[frozenset[OfferKey]]:
        return [_lapsed(await read.choices(customer, now), now) for customer, now in asked]

    return DataLoader(load_fn=load)


def _lapsed(choices: Iterable[ChoiceFacts], now: datetime) -> frozenset[OfferKey]:
    """One of which another choice stands has not lapsed."""
    found: dict[bool, set[OfferKey]] = {True: set(), False: set()}
    for choice in choices:
        found[choice.lapsed_at(now)].add((choice.campaign, choice.offer))
    return frozenset(found[True] - found[False])


def pending_by_customer(read: ReadApplications) -> DataLoader[str, frozenset[OfferKey]]:
    """The offers that each customer has applied for and not been answered about."""

    async def load(customers: list[str]) -> list[frozenset[OfferKey]]:
        return [
            frozenset(
                (each.campaign, each.offer)
                for each in await read.applications(customer)
                if each.status is ApplicationStatus.SUBMITTED
            )
            for customer in customers
        ]

    return DataLoader(load_fn=load)

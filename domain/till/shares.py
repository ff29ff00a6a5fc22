"""Who bears a discount, and what a partial return takes back of it. Whole fen, rounded once, never spread anew.

Source: contract section 4 (a partial reversal reduces the subsidy in proportion, rounded down to the fen) and the
campaign file's `funding`.
"""

from collections.abc import Sequence

from domain.campaigns.model import CouponReward, Funding, Offer
from domain.kernel.money import PPM, Fen, share_of
from domain.till.model import Shares
from domain.wallet.facts import CouponFacts

BANK_ALONE = Funding()


def split(discount: Fen, funding: Funding) -> Shares:
    """The shares of merchant and platform rounded down, the rest is the bank's."""
    merchant, platform = share_of(discount, funding.merchant_ppm), share_of(discount, funding.platform_ppm)
    return Shares(discount - merchant - platform, merchant, platform)


def funding_of(offer: Offer | None, coupon: CouponFacts | None = None) -> Funding:
    """The file's own word; else, of a coupon that cost the bank less than its value, the merchant bears the rest."""
    if offer is None:
        return BANK_ALONE
    if offer.funding is not None:
        return offer.funding
    if coupon is None:
        return BANK_ALONE
    for reward in _coupon_rewards(offer):
        alike = (reward.kind, reward.value, reward.min_spend) == (coupon.kind, coupon.value, coupon.min_spend)
        if alike and reward.cost is not None and reward.cost < reward.value:
            bank = reward.cost * PPM // reward.value
            return Funding(bank_ppm=bank, merchant_ppm=PPM - bank)
    return BANK_ALONE


def _coupon_rewards(offer: Offer) -> list[CouponReward]:
    found: list[CouponReward] = []
    for reward in offer.rewards:
        options = getattr(reward, "options", (reward,))
        found += [option for option in options if isinstance(option, CouponReward)]
    return found


def taken_back(discount: Fen, refunded: Fen, payable: Fen) -> Fen:
    """What has been taken back of a discount once `refunded` of `payable` fen have been: in proportion, rounded down.

    Counted from the beginning, so that many small returns take back what one large one does, and all of them all of it.
    """
    return discount * refunded // payable if payable else discount


def spread(back: Sequence[Fen], discounts: Sequence[Fen], refunded: Fen, payable: Fen) -> tuple[Fen, ...]:
    """What is taken back of each line when `taken_back` of their sum is. back: what was before.

    No line ever gives back more than it has, or gets anything again; the sum is `taken_back` of the sum to the fen.
    """
    if not payable or refunded >= payable:
        return tuple(discounts)
    now = list(back)
    left = taken_back(sum(discounts), refunded, payable) - sum(back)
    lacks = [discount * refunded - before * payable for discount, before in zip(discounts, back, strict=True)]
    for n, lack in enumerate(lacks):
        more = min(max(lack, 0) // payable, left)
        now[n] += more
        left -= more
        lacks[n] -= more * payable
    for n in sorted(range(len(now)), key=lambda n: (-lacks[n], n))[:left]:
        now[n] += 1
    return tuple(now)


def spread_shares(back: Shares, shares: Shares, now: Fen) -> Shares:
    """Who bears `now` fen of what is taken back of a line, when of `back` fen it was as `back` says."""
    found = spread(
        (back.bank, back.merchant, back.platform), (shares.bank, shares.merchant, shares.platform), now, shares.total
    )
    return Shares(*found)

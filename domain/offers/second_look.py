"""What a customer asked for and was given is looked at again once a purchase or instalment behind it goes back.

What the bank's events give is settled by the fold itself, see `story_change`. What was claimed, applied for, signed up
for or given by the clock was judged once, at the hall's own moment; a refund may take its reason away. Then it goes
back like everything else: unused it is taken back, used it becomes a case. Only what the refunds changed counts:
whoever would not qualify any more for another reason keeps what they have. Pure. Source of the rule: contract
section 6, "refund before the reward is used".
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.campaigns.model import Campaign, Offer
from domain.ledger.unit import Change
from domain.offers.asked import SignUpStatus
from domain.offers.award import Parts
from domain.offers.sign_up import look_at_the_list
from domain.offers.take_back import GivenGrant, Held, take_back
from domain.stories.events import InstalmentCancelled, StoryEvent, TransactionRefunded
from domain.stories.explain import Eligibility, explain
from domain.stories.fold import fold_all
from domain.stories.merchants import Merchants
from domain.stories.plans import Plans

_GOES_BACK = (TransactionRefunded, InstalmentCancelled)


def judged_then(
    campaign: Campaign, offer: Offer, events: Sequence[StoryEvent], at: datetime, plans: Plans, merchants: Merchants
) -> Eligibility:
    """As of `at`, by what is known of that moment now: without what came later, and without what has gone back since.

    events: the customer's whole story. Counts of a period that is over by now are counted in that period.
    """
    known = [event for event in events if event.at <= at or isinstance(event, _GOES_BACK)]
    return explain(offer, campaign, fold_all(known, plans, merchants).state, at, plans)


def no_longer_earned(
    grant: GivenGrant,
    campaign: Campaign,
    offer: Offer,
    events: Sequence[StoryEvent],
    plans: Plans,
    merchants: Merchants,
) -> bool:
    """Whether the customer would have been refused at that moment, had they known then what has gone back by now.

    events: the customer's whole story.
    """
    kept = [event for event in events if not isinstance(event, _GOES_BACK)]
    without, with_them = (
        judged_then(campaign, offer, told, grant.earned_at, plans, merchants).eligible for told in (kept, events)
    )
    return without and not with_them


def taken_back(grant: GivenGrant, by: str, held: Sequence[Held], offer: Offer, at: datetime) -> Parts:
    """What taking it back changes; a place given back is offered to who waits. Raises InUse."""
    parts = take_back(grant, held, offer, at)
    if by == "SIGN_UP":
        parts.changes.append(
            Change("sign_up", UUID(grant.cause), SignUpStatus.CONFIRMED.value, SignUpStatus.CANCELLED.value)
        )
        parts.signals.append((f"viewer:{grant.customer}", f"signUp:{grant.cause}"))
        look_at_the_list(parts, grant.customer, grant.campaign, grant.offer, at)
    return parts

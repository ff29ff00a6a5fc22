"""What the hall knows of a merchant, from the bank's `merchant.updated`."""

from dataclasses import dataclass

from domain.stories.events import MerchantStatus


@dataclass(frozen=True, slots=True)
class MerchantFacts:
    """merchant: the bank's token. groups: what campaign files name."""

    merchant: str
    name: str
    groups: tuple[str, ...]
    city: str | None
    status: MerchantStatus

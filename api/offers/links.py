"""Where an offer's button leads, by channel.

The campaign file may say so for an offer; otherwise it is the offer's own page in that channel. Partners' pages have no
such page: they are entered by a signed link.
"""

from enum import StrEnum
from urllib.parse import quote

from domain.campaigns.model import Offer
from domain.campaigns.terms import ActionKind


class Channel(StrEnum):
    MINI_PROGRAM = "MINI_PROGRAM"
    H5 = "H5"
    APP = "APP"
    PARTNER = "PARTNER"


_PAGES = {
    Channel.MINI_PROGRAM: "pages/offer/index?code={code}",
    Channel.H5: "/hall/offers/{code}",
    Channel.APP: "hall://offers/{code}",
}


def link_of(offer: Offer, channel: Channel) -> str | None:
    """None where there is nothing to do, or no page in that channel."""
    told = dict(offer.action.links).get(channel)
    if told is not None:
        return told
    page = _PAGES.get(channel)
    return None if page is None or offer.action_kind is ActionKind.NONE else page.format(code=quote(offer.code))

"""The viewer, put together from what each room says of the signed-in customer. A new room adds its base here."""

import strawberry

from api.fulfilment.queries import FulfilmentOfViewer
from api.identity.queries import IdentityOfViewer
from api.lottery.queries import LotteryOfViewer
from api.lounge.queries import LoungeOfViewer
from api.messaging.room import MessagesOfViewer
from api.node import Node, node_id, veiled
from api.offers.queries import OffersOfViewer
from api.participation.queries import ParticipationOfViewer
from api.points.queries import PointsOfViewer
from api.wallet.queries import WalletOfViewer


@strawberry.type(description="The signed-in customer.")
class Viewer(
    IdentityOfViewer,
    WalletOfViewer,
    OffersOfViewer,
    FulfilmentOfViewer,
    ParticipationOfViewer,
    PointsOfViewer,
    MessagesOfViewer,
    LotteryOfViewer,
    LoungeOfViewer,
    Node,
):
    @classmethod
    def of(cls, customer: str) -> "Viewer":
        return cls(id=viewer_id(customer), customer=customer)


def viewer_id(customer: str) -> strawberry.ID:
    """The node id of a customer; the bank's token of the customer is not in it."""
    return node_id("Viewer", veiled("viewer", customer))

"""Nobody came: what becomes of the visit that was kept, by the policy when it was booked."""

from datetime import datetime

from domain.kernel.ids import lane_of, new_id
from domain.ledger.unit import Change, EndHold, Unit
from domain.lounge.facts import BookingFacts, BookingStatus


def nobody_came(booking: BookingFacts, now: datetime) -> Unit:
    """The seat is gone, since it was kept empty; the visit too, where not coming costs it."""
    lane = lane_of(booking.customer)
    visit = 1 if booking.no_show_costs else 0
    return Unit(
        id=new_id(lane, now),
        lane=lane,
        at=now,
        end_holds=[EndHold(booking.hold, capture=True, amounts=(visit, 1, 1))],
        changes=[
            Change(
                "booking",
                booking.id,
                BookingStatus.CONFIRMED.value,
                BookingStatus.NO_SHOW.value,
                {"charged": booking.no_show_costs},
            )
        ],
        signals=[(f"viewer:{booking.customer}", f"booking:{booking.id}")],
    )

"""What a customer reads of lounges."""

from domain.kernel.words import Words

SLOT_FULL = Words(
    "该时段已约满，可选择候补或其他时段。", "This slot is full. You can wait for a seat or choose another slot."
)
ALREADY_BOOKED = Words(
    "您在该时段已有预约，贵宾厅仅限持卡人本人使用。",
    "You have a booking at that time already. Lounges are for the cardholder alone.",
)
NO_VISITS = Words("您暂无贵宾厅次数。", "You have no lounge visits.")
NO_VISITS_LEFT = Words(
    "您的贵宾厅次数已用完、已被预约占用或届时已到期。",
    "Your lounge visits are used, kept by other bookings, or end before this slot.",
)
BOOKING_CLOSED = Words("该时段已开始，无法预约。", "This slot has begun and cannot be booked any more.")
CANCEL_CLOSED = Words("已过取消截止时间{deadline}，无法取消。", "This could be cancelled until {deadline}.")

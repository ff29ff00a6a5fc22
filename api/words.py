"""What every room says the same way."""

from collections.abc import Mapping

from domain.kernel.words import Words
from domain.offers.outcomes import Late

NOT_FOUND = Words("没有找到相关内容。", "There is no such thing here.")
ACCOUNT_FROZEN = Words("账户权益已暂停使用，如有疑问可申诉。", "Your benefits are on hold. You can appeal.")
ACCOUNT_FROZEN_FOR_GOOD = Words(
    "账户权益已暂停使用，请联系客服。", "Your benefits are on hold. Please contact service."
)
SOLD_OUT = Words("已领完，感谢关注。", "All of it has been taken.")
TOO_LATE: Mapping[Late, Words] = {
    Late.TOO_LATE: Words("已于{deadline}截止。", "This ended at {deadline}."),
    Late.ALREADY_CHOSEN: Words(
        "您已于{deadline}选定，不能更改。", "You chose at {deadline}; a choice cannot be changed."
    ),
    Late.NO_LONGER_EARNED: Words(
        "您已不再符合领取条件，该权益已于{deadline}取消。",
        "What earned this no longer counts; it was taken back at {deadline}.",
    ),
}


def moment_words(at: str) -> str:
    """`2026-11-20T10:00:00+08:00` as a customer reads it: `2026-11-20 10:00`."""
    return at[:16].replace("T", " ")

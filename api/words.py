"""What every room says the same way."""

from domain.kernel.words import Words

NOT_FOUND = Words("没有找到相关内容。", "There is no such thing here.")
ACCOUNT_FROZEN = Words("账户权益已暂停使用，如有疑问可申诉。", "Your benefits are on hold. You can appeal.")
ACCOUNT_FROZEN_FOR_GOOD = Words(
    "账户权益已暂停使用，请联系客服。", "Your benefits are on hold. Please contact service."
)
SOLD_OUT = Words("已领完，感谢关注。", "All of it has been taken.")
TOO_LATE = Words("已于{deadline}截止。", "This ended at {deadline}.")


def moment_words(at: str) -> str:
    """`2026-11-20T10:00:00+08:00` as a customer reads it: `2026-11-20 10:00`."""
    return at[:16].replace("T", " ")

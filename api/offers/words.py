"""What the offers' room says: refusals, and what a button is called where the campaign file does not say."""

from collections.abc import Mapping

from domain.campaigns.terms import ActionKind
from domain.kernel.words import Words

NOT_OPEN_YET = Words("尚未开始，{next_at}起可参加。", "Not open yet; it opens at {next_at}.")
NOT_OPEN = Words("活动已结束或暂停。", "This has ended, or is on hold.")
NOT_ELIGIBLE = Words("暂不符合参加条件。", "You are not eligible for this.")
LIMIT_REACHED = Words("已达参加上限（{limit}次）。", "You have reached the limit of {limit}.")
LIMIT_REACHED_UNTIL = Words(
    "已达参加上限（{limit}次），{next_at}起可再次参加。",
    "You have reached the limit of {limit}; from {next_at} you can again.",
)

ACTIONS: Mapping[ActionKind, Words] = {
    ActionKind.CLAIM: Words("立即领取", "Claim"),
    ActionKind.PAY: Words("去使用", "Pay with the card"),
    ActionKind.BIND: Words("去绑卡", "Bind the card"),
    ActionKind.DRAW: Words("去抽奖", "Draw"),
    ActionKind.BOOK: Words("去预约", "Book"),
    ActionKind.APPLY: Words("去申请", "Apply"),
    ActionKind.SIGN_UP: Words("去报名", "Sign up"),
    ActionKind.NONE: Words("查看详情", "Details"),
}

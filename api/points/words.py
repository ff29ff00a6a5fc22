"""What the points' room says: what an entry is, how its figure came about, and why nothing was redeemed."""

from collections.abc import Mapping

from domain.kernel.words import Words
from domain.points.book import EntryKind

TITLES: Mapping[EntryKind, Words] = {
    EntryKind.EARN: Words("消费得积分", "Points for a purchase"),
    EntryKind.BONUS: Words("消费补发积分", "More points for a purchase"),
    EntryKind.REDEEM: Words("积分兑换：{item}", "Redeemed: {item}"),
    EntryKind.REVERSE: Words("退款扣回积分", "Points taken back after a refund"),
    EntryKind.EXPIRE: Words("积分到期", "Points expired"),
    EntryKind.ADJUST: Words("兑换未成功，退回积分：{item}", "Points back, not delivered: {item}"),
}

BASE = Words("基础积分", "Base points")
ROUNDING = Words("取整", "Rounding")
NOW_EARNED = Words("该笔消费现应得", "What the purchase earns now")
EARNED_BEFORE = Words("此前已计入", "What it had earned before")
LOT = Words("{month}获得的积分", "Points earned in {month}")

NOT_ENOUGH = Words(
    "积分不足：需{cost}积分，现有{balance}积分。", "Not enough points: {cost} are needed, you have {balance}."
)
ITEM_PAUSED = Words("该商品暂停兑换。", "This item cannot be redeemed for the time being.")

"""What a cashier reads when a discount did not apply. Nothing of risk rules is said, and nothing of other customers."""

from datetime import datetime

from domain.campaigns.terms import Reason
from domain.campaigns.words import moment, money
from domain.kernel.money import Fen
from domain.kernel.words import Words

NOT_AVAILABLE = Reason("NOT_AVAILABLE", Words("本次支付不适用优惠", "No discount applies to this payment"))
"""Of a customer whose benefits are on hold. The cashier learns no more than that."""

CARD_UNKNOWN = Reason("CARD_NOT_RECOGNISED", Words("该卡不参加活动", "This card does not take part"))
CARD_CLOSED = Reason("CARD_CLOSED", Words("该卡已销卡", "This card is closed"))
MERCHANT_OUT = Reason("MERCHANT_NOT_TAKING_PART", Words("该商户不参加活动", "This merchant does not take part"))
NOT_BEST = Reason("NOT_BEST", Words("已为您选用更优惠的组合", "A better discount was chosen; these do not stack"))
SOLD_OUT = Reason("SOLD_OUT", Words("名额已用完", "Sold out"))
COUPON_NOT_FOUND = Reason("COUPON_NOT_FOUND", Words("无此优惠券", "There is no such coupon on this card"))
COUPON_NAMED = Reason(
    "COUPON_NAMED",
    Words("指定的券不可用，不指定优惠券可重新询价", "The named coupon cannot be used: quote again without it"),
)
"""Of what would have applied, had no coupon been named."""
COUPON_HELD = Reason("COUPON_HELD", Words("该券正在另一笔支付中", "The coupon is kept by another payment"))
COUPON_USED = Reason("COUPON_USED", Words("该券已使用", "The coupon has been used"))
COUPON_VOIDED = Reason("COUPON_VOIDED", Words("该券已失效", "The coupon is void"))
COUPON_EXPIRED = Reason("COUPON_EXPIRED", Words("该券已过期", "The coupon has expired"))
COUPON_ELSEWHERE = Reason("OTHER_MERCHANT", Words("该券不能在此商户使用", "The coupon cannot be used at this merchant"))
NOT_AT_TILLS = Reason("NOT_AT_TILLS", Words("该券在权益厅内使用", "This coupon is used in the hall, not at a till"))
REPAYMENT_ONLY = Reason("REPAYMENT_ONLY", Words("还款券仅可用于还款", "A repayment coupon is for repayments only"))
PAYLOAD_REFUSED = Reason(
    "PRESENTATION_REFUSED", Words("券码无法识别，请刷新后重试", "The code cannot be read: refresh it and try again")
)
PAYLOAD_EXPIRED = Reason("PRESENTATION_EXPIRED", Words("券码已过期，请刷新后重试", "The code has expired: refresh it"))
PAYLOAD_USED = Reason("PRESENTATION_USED", Words("券码已使用过，请刷新后重试", "The code was used before: refresh it"))


def limit_reached(again: datetime | None) -> Reason:
    """again: from when there is a discount again; None: never."""
    message = Words("本期优惠次数已用完", "The allowance of this period is used up")
    if again is None:
        return Reason("LIMIT_REACHED", message)
    opens = moment(again)
    remedy = Words(f"{opens.zh}起可再次享受", f"Again from {opens.en}")
    return Reason("LIMIT_REACHED", message, remedy, again)


def too_small(least: Fen) -> Reason:
    named = money(least)
    return Reason("AMOUNT_TOO_SMALL", Words(f"金额未满{named.zh}", f"The amount is below {named.en}"))


def not_yet(begins: datetime) -> Reason:
    opens = moment(begins)
    return Reason("NOT_STARTED", Words(f"{opens.zh}起可用", f"Can be used from {opens.en}"), None, begins)

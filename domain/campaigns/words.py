"""The campaigns' words for the closed lists, in Chinese and English, and how dates and figures are written."""

from collections.abc import Iterable
from datetime import datetime, time
from enum import StrEnum

from domain.campaigns.terms import (
    ActionKind,
    ApplicationChannel,
    BindingProvider,
    CouponKind,
    InstalmentKind,
    OwnDate,
    PaymentMethod,
    Per,
    Period,
    Phase,
    Product,
    SalesChannel,
    Weekday,
)
from domain.kernel.money import Fen, yuan
from domain.kernel.time import SHANGHAI
from domain.kernel.words import Words

PRODUCT = {
    Product.CLASSIC: Words("普卡", "Classic"),
    Product.GOLD: Words("金卡", "Gold"),
    Product.PLATINUM: Words("白金卡", "Platinum"),
}
APPLICATION_CHANNEL = {
    ApplicationChannel.MOBILE_BANK: Words("手机银行", "the mobile bank"),
    ApplicationChannel.WEB: Words("官网", "the website"),
    ApplicationChannel.BRANCH: Words("网点", "a branch"),
    ApplicationChannel.PARTNER: Words("合作渠道", "a partner"),
}
SALES_CHANNEL = {
    SalesChannel.POS: Words("线下", "in store"),
    SalesChannel.ONLINE: Words("线上", "online"),
}
PAYMENT_METHOD = {
    PaymentMethod.CARD: Words("刷卡", "by card"),
    PaymentMethod.WECHAT_PAY: Words("微信支付", "with WeChat Pay"),
    PaymentMethod.ALIPAY: Words("支付宝", "with Alipay"),
    PaymentMethod.QUICKPASS: Words("云闪付", "with QuickPass"),
}
PROVIDER = {
    BindingProvider.WECHAT: Words("微信", "WeChat"),
    BindingProvider.ALIPAY: Words("支付宝", "Alipay"),
}
INSTALMENT_KIND = {
    InstalmentKind.BILL: Words("账单分期", "bill instalment"),
    InstalmentKind.TRANSACTION: Words("消费分期", "purchase instalment"),
}
OWN_DATE = {
    OwnDate.APPROVAL: Words("核卡", "the card's approval"),
    OwnDate.ACTIVATION: Words("激活卡片", "the card's activation"),
    OwnDate.BINDING: Words("绑定卡片", "binding the card"),
    OwnDate.BIRTHDAY: Words("生日", "the birthday"),
}
PHASE = {
    Phase.WARM_UP: Words("预热期", "warm-up"),
    Phase.ACTIVE: Words("活动期", "active phase"),
    Phase.CLOSING: Words("收官期", "closing phase"),
}
PER = {
    Per.CUSTOMER: Words("每位客户", "per customer"),
    Per.PERSON: Words("每人（按有效证件）", "per person (by identity document)"),
    Per.CARD: Words("每卡", "per card"),
    Per.DEVICE: Words("每台设备", "per device"),
}
PERIOD = {
    Period.DAY: Words("每日", "a day"),
    Period.WEEK: Words("每周", "a week"),
    Period.MONTH: Words("每月", "a month"),
    Period.YEAR: Words("每年", "a year"),
    Period.CAMPAIGN: Words("活动期间", "in the whole campaign"),
}
WEEKDAY = {
    Weekday.MON: Words("周一", "Monday"),
    Weekday.TUE: Words("周二", "Tuesday"),
    Weekday.WED: Words("周三", "Wednesday"),
    Weekday.THU: Words("周四", "Thursday"),
    Weekday.FRI: Words("周五", "Friday"),
    Weekday.SAT: Words("周六", "Saturday"),
    Weekday.SUN: Words("周日", "Sunday"),
}
COUPON_KIND = {
    CouponKind.THRESHOLD: Words("满减券", "threshold coupon"),
    CouponKind.CASH: Words("代金券", "cash coupon"),
    CouponKind.REPAYMENT: Words("还款券", "repayment coupon"),
    CouponKind.EXCHANGE: Words("兑换券", "exchange coupon"),
    CouponKind.TOP_UP: Words("充值券", "top-up coupon"),
}
ACTION = {
    ActionKind.CLAIM: Words("立即领取", "Claim"),
    ActionKind.PAY: Words("去消费", "Pay with the card"),
    ActionKind.BIND: Words("去绑定", "Bind"),
    ActionKind.DRAW: Words("去抽奖", "Draw"),
    ActionKind.BOOK: Words("去预约", "Book"),
    ActionKind.APPLY: Words("去申请", "Apply"),
    ActionKind.SIGN_UP: Words("去报名", "Sign up"),
    ActionKind.NONE: Words("查看详情", "Details"),
}

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def either(names: Iterable[Words]) -> Words:
    """`甲、乙` and `A or B`."""
    found = list(names)
    return Words("、".join(word.zh for word in found), " or ".join(word.en for word in found))


def names_of(values: Iterable[StrEnum], catalogue: dict[StrEnum, Words] | dict[Product, Words]) -> Words:
    return either(catalogue[value] for value in values)  # type: ignore[index]


def money(amount: Fen) -> Words:
    return Words(f"{yuan(amount)}元", f"¥{yuan(amount)}")


def percent(ppm: int) -> str:
    """`15_000` ppm as `1.5`, exactly."""
    whole, rest = divmod(ppm, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0") if rest else str(whole)


def month_name(month: int) -> Words:
    return Words(f"{month}月", _MONTHS[month - 1])


def clock(at: time) -> str:
    return at.strftime("%H:%M")


def moment(at: datetime) -> Words:
    """A Shanghai moment to the minute. Midnight is written 00:00 of the new day."""
    local = at.astimezone(SHANGHAI)
    hour = clock(local.time())
    return Words(
        f"{local.year}年{local.month}月{local.day}日{hour}",
        f"{local.day} {_MONTHS[local.month - 1]} {local.year} {hour}",
    )


def times(count: int) -> Words:
    return Words(f"{count}次", "once" if count == 1 else f"{count} times")

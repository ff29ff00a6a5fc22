"""The rule text a customer reads, in Chinese and English, written from the rule itself.

Every figure of the rule stands in it: both ends of each window, thresholds, amounts, limits, quota, validity. The
budget does not: it is the bank's own affair. Disclaimers are those the rule calls for by its nature (a quota, an
instalment, a draw), then the ones the file adds. A rule that changes changes its text; nobody writes it twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.campaigns.facts import NO_NAMES, Naming
from domain.campaigns.model import (
    Apply,
    BasePoints,
    Campaign,
    Cashback,
    Choice,
    Claim,
    CouponReward,
    Discount,
    Draw,
    DrawChance,
    EntitlementReward,
    Extension,
    FeeWaiver,
    Gift,
    Holder,
    Message,
    Notice,
    Offer,
    Place,
    PointsBonus,
    ReturnOn,
    Reward,
    Schedule,
    SignUp,
    Story,
    Till,
    Validity,
    WaiverBasis,
)
from domain.campaigns.schedule import runs_of
from domain.campaigns.terms import SubjectKind
from domain.campaigns.words import COUPON_KIND, PER, PERIOD, PRODUCT, WEEKDAY, clock, either, moment, money, percent
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class RuleText:
    """text: numbered lines, parted by newlines. disclaimers: shown beside it, always."""

    text: Words
    disclaimers: tuple[Words, ...]


def rule_text(offer: Offer, campaign: Campaign, names: Naming = NO_NAMES) -> RuleText:
    """What a customer must know of `offer`. names: what groups, offers and segments are called."""
    lines = [
        _when(offer, campaign, names),
        _who(offer, campaign, names),
        _how(offer, names),
        *(_reward(reward, campaign, names) for reward in offer.rewards),
        *_limits(offer),
        *_till(offer),
    ]
    return RuleText(
        Words(
            "\n".join(f"{number}. {line.zh}。" for number, line in enumerate(lines, 1)),
            "\n".join(f"{number}. {line.en}." for number, line in enumerate(lines, 1)),
        ),
        (*_disclaimers(offer, campaign), *offer.notes),
    )


# The lines -------------------------------------------------------------------------------------------------------


def _when(offer: Offer, campaign: Campaign, names: Naming) -> Words:
    zh, en = [], []
    for run in runs_of(offer, campaign):
        opens, closes = moment(run.opens_at), moment(run.closes_at)
        zh.append(f"{opens.zh}至{closes.zh}（不含）")
        en.append(f"from {opens.en} until just before {closes.en}")
    recurring = [window.describe(names) for window in offer.when]
    every = Words("".join(f"，{word.zh}" for word in recurring), "".join(f"; {word.en}" for word in recurring))
    return Words(
        f"活动时间：{'，'.join(zh) or '以公告为准'}{every.zh}（北京时间）",
        f"When: {', '.join(en) or 'to be announced'}{every.en} (Beijing time)",
    )


def _who(offer: Offer, campaign: Campaign, names: Naming) -> Words:
    asked = dict.fromkeys((*campaign.audience.conditions(), *offer.audience.conditions()))
    described = [condition.describe(names) for condition in asked]
    if not described:
        return Words("参与对象：全部客户", "Who: all customers")
    return Words(
        f"参与对象：{'，且'.join(word.zh for word in described)}",
        f"Who: {', and '.join(word.en for word in described)}",
    )


def _how(offer: Offer, names: Naming) -> Words:
    deed = _deed(offer)
    described = [condition.describe(names) for condition in offer.conditions]
    if not described:
        return Words(f"参与方式：{deed.zh}", f"How: {deed.en}")
    return Words(
        f"参与方式：{deed.zh}，须同时满足：{'；'.join(word.zh for word in described)}",
        f"How: {deed.en}; all of this must hold: {'; '.join(word.en for word in described)}",
    )


def _deed(offer: Offer) -> Words:
    match offer.trigger:
        case Story(subject=subject):
            return _GIVEN[subject]
        case Claim():
            return Words("在权益大厅领取", "claim it in the hall")
        case Till():
            return Words("付款时立减", "taken off while you pay")
        case Apply(notify=notify):
            by = either(_NOTICE[one] for one in notify)
            return Words(
                f"在权益大厅申请，经银行审批后以{by.zh}通知",
                f"apply in the hall; the bank decides and tells you by {by.en}",
            )
        case SignUp(waiting_list=waiting_list, cancel_by=cancel_by):
            words = Words("在权益大厅报名", "sign up in the hall")
            if waiting_list:
                words = Words(f"{words.zh}，额满可候补", f"{words.en}; when it is full there is a waiting list")
            if cancel_by is not None:
                by = moment(cancel_by)
                words = Words(f"{words.zh}，{by.zh}前可取消", f"{words.en}; you can cancel before {by.en}")
            return words
        case Schedule(days=days, at=at):
            if not days:
                return Words("活动开始后自动发放", "given by itself when it begins")
            named = either(WEEKDAY[day] for day in days)
            return Words(f"每{named.zh}{clock(at)}自动发放", f"given by itself every {named.en} at {clock(at)}")


_GIVEN = {
    SubjectKind.PURCHASE: Words("用卡消费后自动获得", "given by itself when you pay with the card"),
    SubjectKind.BINDING: Words("绑定微信或支付宝后自动获得", "given by itself when you bind WeChat or Alipay"),
    SubjectKind.INSTALMENT: Words("办理分期后自动获得", "given by itself when you set up an instalment"),
    SubjectKind.ACTIVATION: Words("激活卡片后自动获得", "given by itself when you activate the card"),
    SubjectKind.APPROVAL: Words("核卡后自动获得", "given by itself when the card is approved"),
}
_NOTICE = {Notice.EMAIL: Words("电子邮件", "e-mail"), Notice.SMS: Words("短信", "SMS")}


def _limits(offer: Offer) -> Iterable[Words]:
    for limit in offer.limits:
        per, period = PER[limit.per], PERIOD[limit.period]
        yield Words(f"次数限制：{per.zh}{period.zh}限{limit.max}次", f"Limit: {limit.max} {per.en} {period.en}")
    if offer.limits and offer.bonus is not None and offer.grants:
        yield Words("积分加赠不受次数限制", "The limit does not touch the points on top")
    if offer.quota is not None:
        yield Words(f"名额：共{offer.quota}份", f"Places: {offer.quota} in all")


def _till(offer: Offer) -> Iterable[Words]:
    if not isinstance(offer.trigger, Till):
        return
    if offer.stacking.stackable and offer.stacking.exclusion_group is None:
        yield Words("可与其他优惠同享", "It goes together with other offers")
    elif offer.stacking.stackable:
        yield Words("同类优惠仅享优惠金额较大的一项", "Of offers of the same group the larger one counts")
    else:
        yield Words(
            "不与本活动其他立减同享，系统自动选择优惠金额较大的一项",
            "It does not add up with this campaign's others; the larger one counts",
        )
        if offer.stacking.exclusion_group is not None:
            yield Words("也不与其他活动的同类优惠同享", "Nor with other campaigns' offers of the same group")
    returns = offer.returns
    kept = [
        words
        for comes_back, words in (
            (returns.coupon, Words("同笔使用的优惠券", "a coupon used with it")),
            (returns.allowance and bool(offer.limits), Words("参与次数", "the allowance")),
            (returns.quota and offer.quota is not None, Words("名额", "the place")),
        )
        if comes_back
    ]
    if returns.on is ReturnOn.NEVER or not kept:
        yield Words("退货后优惠不予恢复", "Nothing comes back when the payment is reversed")
        return
    yield Words(
        f"全额退货后恢复{'、'.join(word.zh for word in kept)}，部分退货不恢复",
        f"Given back when the whole payment is reversed, not for a part of it: {', '.join(word.en for word in kept)}",
    )


# Rewards ---------------------------------------------------------------------------------------------------------


def _reward(reward: Reward, campaign: Campaign, names: Naming) -> Words:
    described = reward_words(reward, campaign, names)
    return Words(f"权益内容：{described.zh}", f"Benefit: {described.en}")


def reward_words(reward: Reward, campaign: Campaign, names: Naming = NO_NAMES) -> Words:
    """A reward with all its figures, as a clause."""
    match reward:
        case CouponReward():
            return _coupon(reward, names)
        case Gift(title=title, value=value):
            worth = money(value)
            address = (
                Words("，请在权益大厅填写收货地址", ", give your address in the hall")
                if reward.needs_address
                else Words("", "")
            )
            return Words(f"{title.zh}（价值{worth.zh}）{address.zh}", f"{title.en} (worth {worth.en}){address.en}")
        case Choice(options=options, choose_within_days=days):
            listed = [reward_words(option, campaign, names) for option in options]
            either_zh = "；或".join(word.zh for word in listed)
            return Words(
                f"以下{len(options)}项任选1项，{days}天内（含第{days}天）选择：{either_zh}",
                f"choose 1 of {len(options)} within {days} days: {'; or '.join(word.en for word in listed)}",
            )
        case PointsBonus(ppm=ppm):
            return Words(
                f"每笔符合条件的消费在基础积分上加赠{percent(ppm)}%",
                f"{percent(ppm)} % on top of the base points of every purchase that qualifies",
            )
        case BasePoints():
            return _base_points(campaign, names)
        case Cashback(ppm=ppm, cap=cap, valid=valid):
            most, until = Words("", ""), _validity(valid)
            if cap is not None:
                figure = money(cap)
                most = Words(f"，封顶{figure.zh}", f", at most {figure.en}")
            return Words(
                f"返还{percent(ppm)}%{most.zh}，以还款券发放，{until.zh}",
                f"{percent(ppm)} % back{most.en}, as a repayment coupon, {until.en}",
            )
        case FeeWaiver(of=of, ppm=ppm):
            if of is WaiverBasis.INSTALMENT_FEE:
                return Words(f"分期手续费减免{percent(ppm)}%", f"{percent(ppm)} % of the instalment fee is waived")
            return Words(
                f"免收相当于交易金额{percent(ppm)}%的货币转换费",
                f"the currency conversion fee of {percent(ppm)} % of the amount is waived",
            )
        case DrawChance(draw=code, valid_days=days, count=count):
            draw = campaign.draw(code)
            title = draw.title if draw is not None else Words(code, code)
            return Words(
                f"「{title.zh}」抽奖机会{count}次，{days}天内有效（含第{days}天）",
                f"{count} chance{'' if count == 1 else 's'} in “{title.en}”, good for {days} days",
            )
        case EntitlementReward(title=title, total=total, valid=valid, holder=holder):
            until = _validity(valid)
            own = (
                Words("，仅限持卡人本人使用", ", for the cardholder only")
                if holder is Holder.CARDHOLDER
                else Words("", "")
            )
            return Words(f"{title.zh}{total}次{own.zh}，{until.zh}", f"{total} × {title.en}{own.en}, {until.en}")
        case Extension(days=days, offers=offers):
            whose = names.of_offers(offers) if offers else Words("本活动", "this campaign")
            return Words(
                f"{whose.zh}的未使用优惠券有效期延长{days}天",
                f"unused coupons of {whose.en} stay good for {days} days longer",
            )
        case Message(title=title):
            return Words(f"消息：{title.zh}", f"a message: {title.en}")
        case Discount(off=off, ppm=ppm, cap=cap):
            if off:
                figure = money(off)
                return Words(f"立减{figure.zh}", f"{figure.en} off")
            most = money(cap or 0)
            return Words(f"立减{percent(ppm)}%，封顶{most.zh}", f"{percent(ppm)} % off, at most {most.en}")
        case Place(title=title, starts_at=starts_at, where=where):
            then = moment(starts_at)
            return Words(f"{title.zh}，{then.zh}，{where.zh}", f"{title.en}, {then.en}, {where.en}")


def _coupon(coupon: CouponReward, names: Naming) -> Words:
    kind, value, until = COUPON_KIND[coupon.kind], money(coupon.value), _validity(coupon.valid)
    zh = f"{coupon.title.zh}（{value.zh}{kind.zh}）"
    en = f"{coupon.title.en} ({kind.en} of {value.en})"
    if coupon.min_spend:
        least = money(coupon.min_spend)
        zh, en = f"{zh}，满{least.zh}可用", f"{en}, for payments of at least {least.en}"
    if coupon.merchant_groups:
        named = names.of_groups(coupon.merchant_groups)
        zh, en = f"{zh}，限{named.zh}使用", f"{en}, to use at: {named.en}"
    if coupon.count > 1:
        zh, en = f"{coupon.count}张{zh}", f"{coupon.count} × {en}"
    return Words(f"{zh}，{until.zh}", f"{en}, {until.en}")


def _validity(valid: Validity) -> Words:
    zh, en = [], []
    if valid.days is not None:
        zh.append(f"自发放起{valid.days}天内有效（含第{valid.days}天）")
        en.append(f"good for {valid.days} days")
    if valid.until is not None:
        then = moment(valid.until)
        zh.append(f"{then.zh}前有效")
        en.append(f"good until just before {then.en}")
    return Words("且".join(zh), " and ".join(en))


def _base_points(campaign: Campaign, names: Naming) -> Words:
    zh, en = [], []
    for rate in campaign.points:
        products = either(PRODUCT[product] for product in rate.products)
        if rate.merchant_groups:
            where = names.of_groups(rate.merchant_groups)
            zh.append(f"{products.zh}在{where.zh}每1元积{rate.per_yuan}分")
            en.append(f"{rate.per_yuan} points for each ¥1 paid with {products.en} at: {where.en}")
        else:
            zh.append(f"{products.zh}每1元积{rate.per_yuan}分")
            en.append(f"{rate.per_yuan} points for each ¥1 paid with {products.en}")
    return Words("；".join(zh), "; ".join(en))


# Disclaimers -----------------------------------------------------------------------------------------------------


def _disclaimers(offer: Offer, campaign: Campaign) -> Iterable[Words]:
    stocked = [draw for draw in _draws(offer, campaign) if any(prize.stock is not None for prize in draw.prizes)]
    if offer.quota is not None or stocked:
        yield LIMITED
    if isinstance(offer.trigger, Story) and offer.trigger.subject is SubjectKind.INSTALMENT:
        yield INSTALMENT
    for draw in _draws(offer, campaign):
        yield odds_words(draw)


LIMITED = Words("名额有限，先到先得", "Limited places, first come first served")
INSTALMENT = Words(
    "分期业务按合同收取手续费或利息，费率及折合年化利率以办理页面公示为准，提前结清的收费以合同约定为准",
    "Instalments carry fees or interest as agreed; the rate and its yearly equivalent are those shown when you order;"
    " charges on early repayment are as agreed",
)


def _draws(offer: Offer, campaign: Campaign) -> list[Draw]:
    codes = {reward.draw for reward in offer.rewards if isinstance(reward, DrawChance)}
    return [draw for draw in campaign.draws if draw.code in codes]


def odds_words(draw: Draw) -> Words:
    """Every prize with its odds, number and value, as the law asks of a draw."""
    zh, en = [], []
    for prize in draw.prizes:
        worth, odds = money(prize.value), percent(prize.odds_ppm)
        many = Words("不限量", "as many as are drawn")
        if prize.stock is not None:
            many = Words(f"{prize.stock}份", f"{prize.stock} in all")
        zh.append(f"{prize.title.zh}（价值{worth.zh}，{many.zh}）中奖概率{odds}%")
        en.append(f"{prize.title.en} (worth {worth.en}, {many.en}): {odds} %")
    instead = draw.consolation
    after = Words("", "")
    if instead is not None:
        after = Words(f"；奖品抽完后改发{instead.title.zh}", f"; what has run out is replaced by {instead.title.en}")
    return Words(f"奖品及概率：{'；'.join(zh)}{after.zh}", f"Prizes and odds: {'; '.join(en)}{after.en}")

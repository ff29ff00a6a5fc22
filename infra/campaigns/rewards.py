"""How the rewards of `domain.campaigns.model` are written in a campaign file."""

from domain.campaigns.model import (
    BasePoints,
    Cashback,
    CouponReward,
    Discount,
    DrawChance,
    EntitlementReward,
    Extension,
    FeeWaiver,
    Gift,
    Holder,
    Message,
    Place,
    PointsBonus,
    Reward,
    Validity,
    WaiverBasis,
)
from domain.campaigns.model import Choice as RewardChoice
from domain.campaigns.terms import CouponKind, DeliveryKind
from domain.kernel.words import Words
from infra.campaigns.conditions import GROUP, OFFER, Kind, record
from infra.campaigns.shapes import (
    CODE,
    Adapted,
    Choice,
    CodeOf,
    Field,
    Got,
    ListOf,
    Moment,
    OneKind,
    Only,
    Percent,
    Record,
    Shape,
    Text,
    Token,
    Whole,
    Yuan,
    days,
    made,
    refuse,
)
from infra.campaigns.tree import Reading


def _words(name: str, most: int) -> Record[Words]:
    return record(
        name,
        {
            "zh": Field(Text(most), "In Chinese.", required=True),
            "en": Field(Text(most), "In English.", required=True),
        },
        lambda got: Words(got["zh"], got["en"]),
        "{zh: 周五嗨购日, en: Friday shopping day}",
    )


WORDS = _words("words", 120)
SENTENCES = _words("sentences", 600)

DRAW = CodeOf("a draw")
SKU = Token("a provider's article number", "VIP-1M", r"^[A-Za-z0-9._-]{1,64}$")

_validity = {
    "valid": Field(days(), "Until the end of the n-th Shanghai day after the grant."),
    "validUntil": Field(Moment(), "Until this moment; with both, the earlier counts."),
}


def _valid(got: Got, reading: Reading) -> Validity:
    if got["valid"] is None and got["validUntil"] is None:
        raise refuse(reading, got.node, "valid is missing.", "Add `valid: 30d` or `validUntil: day 97 00:00`.")
    return Validity(got["valid"], got["validUntil"])


def _coupon(got: Got, reading: Reading) -> CouponReward:
    valid = _valid(got, reading)
    kind: CouponKind = got["kind"]
    delivered = kind in (CouponKind.TOP_UP, CouponKind.EXCHANGE)
    if delivered and got["delivery"] is None:
        meant = "PHONE_CREDIT" if kind is CouponKind.TOP_UP else "MEMBERSHIP"
        raise refuse(reading, got.node, f"a {kind} coupon becomes a delivery.", f"Add `delivery: {meant}`.")
    if not delivered and got["delivery"] is not None:
        remedy = "Remove it: only TOP_UP and EXCHANGE coupons become a delivery."
        raise refuse(reading, got.at("delivery"), f"a {kind} coupon is spent at a till.", remedy)
    if kind is CouponKind.THRESHOLD and got["minSpend"] <= got["value"]:
        remedy = "Add a `minSpend` above its value, or make it `kind: CASH`."
        raise refuse(reading, got.at("minSpend"), "a THRESHOLD coupon's minSpend must be above its value.", remedy)
    return made(
        got.node,
        reading,
        lambda: CouponReward(
            code=got["code"],
            kind=kind,
            title=got["title"],
            value=got["value"],
            valid=valid,
            min_spend=got["minSpend"],
            merchant_groups=got["merchantGroups"],
            count=got["count"],
            delivery=got["delivery"],
            sku=got["sku"],
            cost=got["cost"],
        ),
    )


COUPON: Record[CouponReward] = Record(
    "coupon",
    {
        "code": Field(CODE, "Its own code, the same for the same coupon in every version.", required=True),
        "kind": Field(
            Choice(CouponKind),
            "THRESHOLD and CASH: off at a till. REPAYMENT: credited to the bill. TOP_UP and EXCHANGE: delivered.",
            required=True,
        ),
        "title": Field(WORDS, "What the wallet shows.", required=True),
        "value": Field(Yuan(), "What it is worth.", required=True),
        **_validity,
        "minSpend": Field(Yuan(), "The least payment it may be used for.", default=0),
        "merchantGroups": Field(ListOf(GROUP), "Where it may be used; everywhere unless said.", default=()),
        "count": Field(Whole(1, 100), "How many of it; 1 unless said.", default=1),
        "delivery": Field(Choice(DeliveryKind), "What a TOP_UP or EXCHANGE coupon becomes when it is used."),
        "sku": Field(SKU, "The provider's article."),
        "cost": Field(Yuan(), "What each costs the budget line; its value unless said (a partner carries the rest)."),
    },
    _coupon,
)

GIFT: Record[Gift] = record(
    "gift",
    {
        "code": Field(CODE, "Its own code.", required=True),
        "title": Field(WORDS, "What the delivery is called.", required=True),
        "delivery": Field(
            Choice(DeliveryKind), "How it reaches the customer; a PARCEL needs an address.", required=True
        ),
        "value": Field(Yuan(), "What it is worth.", required=True),
        "sku": Field(SKU, "The provider's article."),
        "cost": Field(Yuan(), "What it costs the budget line; its value unless said."),
    },
    lambda got: Gift(got["code"], got["title"], got["delivery"], got["value"], got["sku"], got["cost"]),
)

_option: Shape[CouponReward | Gift] = OneKind(
    "option",
    "an option",
    {"coupon": COUPON, "gift": GIFT},
    {"coupon": "A coupon in the wallet.", "gift": "Something sent."},
)


def _cashback(got: Got, reading: Reading) -> Cashback:
    valid = _valid(got, reading)
    return made(got.node, reading, lambda: Cashback(got["code"], got["title"], got["percent"], got["cap"], valid))


CASHBACK: Record[Cashback] = Record(
    "cashback",
    {
        "code": Field(CODE, "Its own code.", required=True),
        "title": Field(WORDS, "What the wallet shows.", required=True),
        "percent": Field(Percent(1, 1_000_000), "Of the amount or principal, rounded down to the fen.", required=True),
        "cap": Field(Yuan(1), "At most so much; without it there is no bound."),
        **_validity,
    },
    _cashback,
)


def _discount(got: Got, reading: Reading) -> Discount:
    if (got["amount"] is None) == (got["percent"] is None):
        raise refuse(reading, got.node, "a discount is either an amount or a share.", "Write one of them.")
    if got["percent"] is not None and got["cap"] is None:
        raise refuse(reading, got.node, "a share off needs a cap.", "Add `cap: 100 yuan`.")
    if got["amount"] is not None and got["cap"] is not None:
        raise refuse(reading, got.at("cap"), "an amount off has no cap.", "Remove it.")
    return made(got.node, reading, lambda: Discount(got["amount"] or 0, got["percent"] or 0, got["cap"]))


def _choice(got: Got, reading: Reading) -> RewardChoice:
    codes = [option.code for option in got["options"]]
    if len(set(codes)) < len(codes):
        raise refuse(reading, got.at("options"), "two options have the same code.", "Give each a code of its own.")
    return made(got.node, reading, lambda: RewardChoice(got["options"], got["within"]))


REWARDS: dict[str, Kind] = {
    "coupon": Kind(COUPON, "A coupon in the wallet."),
    "gift": Kind(GIFT, "Something sent: a parcel, an E-card, a membership."),
    "choice": Kind(
        Record(
            "choice",
            {
                "within": Field(
                    days(1), "How long the customer may choose; then the place is free again.", required=True
                ),
                "options": Field(
                    ListOf(_option, least=2, most=10), "Coupons or gifts, each with its code.", required=True
                ),
            },
            _choice,
        ),
        "The customer chooses one of several; one quota place is held until then.",
    ),
    "pointsBonus": Kind(
        Adapted(Percent(1), lambda found: PointsBonus(found)),
        "So much of the base points on top, on every purchase that meets the conditions; bonuses add up.",
    ),
    "basePoints": Kind(
        Adapted(Only(), lambda _: BasePoints()),
        "Shows the campaign's own base rates as an offer; gives nothing besides.",
    ),
    "cashback": Kind(CASHBACK, "A share of the amount back, as a REPAYMENT coupon at once."),
    "feeWaiver": Kind(
        record(
            "feeWaiver",
            {
                "of": Field(
                    Choice(
                        WaiverBasis,
                        {
                            "instalmentFee": WaiverBasis.INSTALMENT_FEE,
                            "purchaseAmount": WaiverBasis.PURCHASE_AMOUNT,
                        },
                    ),
                    "Of an instalment's fee, or of a purchase's settled amount (a conversion fee abroad).",
                    required=True,
                ),
                "percent": Field(Percent(1, 1_000_000), "What is waived: a fee at 80 % is 20 % waived.", required=True),
            },
            lambda got: FeeWaiver(got["of"], got["percent"]),
            "{of: instalmentFee, percent: 20 %}",
        ),
        "Part of a fee, reported to the bank.",
    ),
    "drawChance": Kind(
        record(
            "drawChance",
            {
                "draw": Field(DRAW, "The draw, declared under `draws`.", required=True),
                "valid": Field(days(), "How long the chance may be used.", required=True),
                "count": Field(Whole(1, 100), "How many chances; 1 unless said.", default=1),
            },
            lambda got: DrawChance(got["draw"], got["valid"], got["count"]),
            "{draw: wake-up, valid: 30d}",
        ),
        "A chance in a draw.",
    ),
    "entitlement": Kind(
        Record(
            "entitlement",
            {
                "code": Field(CODE, "Its own code.", required=True),
                "title": Field(WORDS, "What the hall calls it.", required=True),
                "total": Field(Whole(1, 1000), "How many visits or uses.", required=True),
                **_validity,
                "holder": Field(
                    Choice(Holder, {found.value.lower(): found for found in Holder}),
                    "Who may use it; the cardholder unless said.",
                    default=Holder.CARDHOLDER,
                ),
                "cost": Field(Yuan(), "What the whole costs the budget line; nothing unless said.", default=0),
            },
            lambda got, reading: EntitlementReward(
                got["code"], got["title"], got["total"], _valid(got, reading), got["holder"], got["cost"]
            ),
        ),
        "So many visits to lounges, or other uses.",
    ),
    "extension": Kind(
        record(
            "extension",
            {
                "days": Field(days(1, 366), "How much longer.", required=True),
                "offers": Field(ListOf(OFFER), "Coupons of these offers; of the campaign unless said.", default=()),
            },
            lambda got: Extension(got["days"], got["offers"]),
            "{days: 30d}",
        ),
        "Coupons held and still available live longer.",
    ),
    "message": Kind(
        record(
            "message",
            {
                "title": Field(WORDS, "Its heading.", required=True),
                "body": Field(SENTENCES, "What it says.", required=True),
            },
            lambda got: Message(got["title"], got["body"]),
        ),
        "Words sent to those who agreed to receive them.",
    ),
    "discount": Kind(
        Record(
            "discount",
            {
                "amount": Field(Yuan(1), "So much off."),
                "percent": Field(Percent(1, 1_000_000), "A share off, with a `cap`."),
                "cap": Field(Yuan(1), "At most so much, for a share off."),
            },
            _discount,
            "{amount: 50 yuan}",
        ),
        "Taken off while paying at the till.",
    ),
    "place": Kind(
        record(
            "place",
            {
                "title": Field(WORDS, "What it is a place at.", required=True),
                "startsAt": Field(Moment(), "When it begins.", required=True),
                "where": Field(WORDS, "Where it is.", required=True),
                "cost": Field(Yuan(), "What a place costs the budget line; nothing unless said.", default=0),
            },
            lambda got: Place(got["title"], got["startsAt"], got["where"], got["cost"]),
        ),
        "A place at an evening, a tasting, a tour.",
    ),
}

REWARD: Shape[Reward] = OneKind(
    "reward",
    "a reward",
    {name: kind.shape for name, kind in REWARDS.items()},
    {name: kind.says for name, kind in REWARDS.items()},
)

PRIZE_REWARD: Shape[CouponReward | Gift | Cashback] = OneKind(
    "prizeReward",
    "what a prize gives",
    {"coupon": COUPON, "gift": GIFT, "cashback": CASHBACK},
    {
        "coupon": "A coupon in the wallet.",
        "gift": "Something sent.",
        "cashback": "A share of the purchase that gave the chance.",
    },
)

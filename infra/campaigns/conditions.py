"""How the conditions of `domain.campaigns.conditions` are written in a campaign file."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any as Anything
from typing import TypeVar

from domain.campaigns.conditions import (
    All,
    Any,
    ApplicationChannelIs,
    BirthdayMonth,
    Bound,
    Condition,
    Country,
    Dormant,
    DormantAt,
    FirstPurchase,
    Flyer,
    HoldsProduct,
    InSegment,
    Instalment,
    MerchantGroup,
    MonthDays,
    Months,
    NewCustomer,
    Not,
    PaymentMethodIs,
    ProfileIs,
    PurchasedAt,
    Purchases,
    Reached,
    SalesChannelIs,
    Slot,
    Spend,
    TotalSpend,
    TrackRecord,
    Weekly,
    Window,
    WithinDays,
    Workday,
)
from domain.campaigns.conditions.weekly import MIDNIGHT
from domain.campaigns.terms import (
    WEEK,
    ApplicationChannel,
    BindingProvider,
    InstalmentKind,
    OwnDate,
    PaymentMethod,
    Period,
    Phase,
    Product,
    SalesChannel,
    Weekday,
)
from infra.campaigns.shapes import (
    COUNTRY,
    Adapted,
    Choice,
    CodeOf,
    Definitions,
    Field,
    Got,
    Later,
    ListOf,
    OneKind,
    Only,
    Record,
    Schema,
    Shape,
    Text,
    TimeOfDay,
    Token,
    Whole,
    WordOr,
    YesNo,
    Yuan,
    days,
    made,
    months,
    periods,
    refuse,
)
from infra.campaigns.tree import Node, Reading, Sequence

GROUP = CodeOf("a merchant group")
SEGMENT = CodeOf("a segment")
OFFER = CodeOf("an offer")

OWN_DATES = Choice(OwnDate, {found.value.lower(): found for found in OwnDate})
PERIODS = Choice(Period, {found.value.lower(): found for found in Period})
PHASES = Choice(Phase, {"warmUp": Phase.WARM_UP, "active": Phase.ACTIVE, "closing": Phase.CLOSING})
FLYER_CODE = Token("a flyer's code", "SH-0142", r"^[A-Za-z0-9-]{1,64}$")

R = TypeVar("R")


def record(name: str, fields: Mapping[str, Field], make: Callable[[Got], R], example: str = "") -> Record[R]:
    """A record whose maker's ValueError is a fault of the file."""
    return Record(name, fields, lambda got, reading: made(got.node, reading, lambda: make(got)), example)


class ListOrOne(Shape[tuple[Anything, ...]]):
    """A list of tables, or one of them alone."""

    def __init__(self, item: Shape[Anything]) -> None:
        self.item, self.items = item, ListOf(item)

    def read(self, node: Node, reading: Reading) -> tuple[Anything, ...]:
        return self.items.read(node, reading) if isinstance(node, Sequence) else (self.item.read(node, reading),)

    def schema(self, definitions: Definitions) -> Schema:
        return {"anyOf": [self.item.schema(definitions), self.items.schema(definitions)]}

    def written(self) -> str:
        return f"{self.item.written()}, or a list of them"

    def inside(self) -> Iterable[Shape[Anything]]:
        return (self.item,)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of condition, window or reward: how it is written and what it means, in a sentence."""

    shape: Shape[Anything]
    says: str


def condition() -> Shape[Condition]:
    return CONDITION


conditions: Shape[tuple[Condition, ...]] = ListOf(Later("a condition", condition), repeats=True)

_count_fields = {
    "each": Field(conditions, "What every purchase that counts must meet.", default=()),
    "period": Field(
        PERIODS, "Counted afresh each day, week, month or year; else over the campaign.", default=Period.CAMPAIGN
    ),
    "rounds": Field(Whole(1, 1000), "How often it may be completed in one period (1 unless said).", default=1),
}

_slot = record(
    "slot",
    {
        "days": Field(ListOf(Choice(Weekday)), "Weekdays it begins on; every day unless said.", default=WEEK),
        "from": Field(TimeOfDay(), "The first moment of the window; midnight unless said.", default=MIDNIGHT),
        "to": Field(TimeOfDay(), "The first moment after it; not after `from` means the next day.", default=MIDNIGHT),
    },
    lambda got: Slot(got["days"], got["from"], got["to"]),
    '{days: [FRI], from: "10:00", to: "22:00"}',
)

WINDOWS: dict[str, Kind] = {
    "weekly": Kind(
        Adapted(ListOrOne(_slot), lambda slots: Weekly(slots)),
        "On these weekdays, between these times of day (one window, or a list of which any will do).",
    ),
    "months": Kind(Adapted(ListOf(Whole(1, 12)), lambda found: Months(found)), "In these calendar months."),
    "monthDays": Kind(Adapted(ListOf(Whole(1, 31)), lambda found: MonthDays(found)), "On these days of every month."),
    "workday": Kind(
        Adapted(YesNo(), lambda found: Workday(found)),
        "true: on official workdays of the Chinese holiday calendar; false: on days off.",
    ),
}
"""Conditions about the moment alone: in `when`, or among the conditions."""


def _list(item: Shape[Anything], make: Callable[[tuple[Anything, ...]], Condition]) -> Shape[Condition]:
    return Adapted(ListOf(item), make)


def _combined(make: Callable[[tuple[Condition, ...]], Condition]) -> Shape[Condition]:
    return _Combined(conditions, make)


class _Combined(Shape[Condition]):
    """Conditions inside a condition; what may not stand there is said with its place."""

    def __init__(self, inner: Shape[Anything], make: Callable[[Anything], Condition]) -> None:
        self.inner, self.make = inner, make

    def read(self, node: Node, reading: Reading) -> Condition:
        inner = self.inner.read(node, reading)
        try:
            return self.make(inner)
        except ValueError as fault:
            raise refuse(reading, node, f"{fault}.", "Move it to the top of `if`.") from None

    def schema(self, definitions: Definitions) -> Schema:
        return self.inner.schema(definitions)

    def written(self) -> str:
        return self.inner.written()

    def inside(self) -> Iterable[Shape[Anything]]:
        return (self.inner,)


CONDITIONS: dict[str, Kind] = {
    "product": Kind(
        _list(Choice(Product), lambda found: HoldsProduct(found)),
        "The card that pays (is bound, activated ...), else any open card of the customer, is one of these.",
    ),
    "newCustomer": Kind(
        Adapted(Only(), lambda _: NewCustomer()),
        "The card's approval made a new customer, in this campaign's warm-up or active phase.",
    ),
    "applicationChannel": Kind(
        _list(Choice(ApplicationChannel), lambda found: ApplicationChannelIs(found)),
        "The card was applied for through one of these.",
    ),
    "flyer": Kind(
        Adapted(WordOr("any", (), ListOf(FLYER_CODE)), lambda found: Flyer(found)),
        "A branch flyer's code came with the application: any, or one of these.",
    ),
    "segment": Kind(_list(SEGMENT, lambda found: InSegment(found)), "The customer is in any of these segments."),
    "profile": Kind(
        record(
            "profile",
            {
                "cities": Field(ListOf(Text(40)), "Lives in one of these.", default=()),
                "occupations": Field(
                    ListOf(Token("an occupation", "WHITE_COLLAR", r"^[A-Z][A-Z_]{0,63}$")),
                    "Has one of these.",
                    default=(),
                ),
                "childrenAtLeast": Field(Whole(1, 20), "Has so many children or more."),
                "assetsTierAtLeast": Field(Whole(0, 9), "Is in this tier of assets or a higher one."),
            },
            lambda got: ProfileIs(got["cities"], got["occupations"], got["childrenAtLeast"], got["assetsTierAtLeast"]),
            "{childrenAtLeast: 1}",
        ),
        "What the bank holds about the customer; everything said must hold. Mostly for segments.",
    ),
    "within": Kind(
        record(
            "within",
            {
                "days": Field(days(), "Until the end of the n-th Shanghai day after that date.", required=True),
                "of": Field(OWN_DATES, "The customer's own date that is counted from.", required=True),
            },
            lambda got: WithinDays(got["days"], got["of"]),
            "{days: 30d, of: approval}",
        ),
        "At most so many days after a date of the customer's own.",
    ),
    "firstPurchase": Kind(
        record(
            "firstPurchase",
            {
                "since": Field(
                    Choice(OwnDate, {"approval": OwnDate.APPROVAL, "activation": OwnDate.ACTIVATION}),
                    "What it is the first purchase after.",
                    required=True,
                ),
                "atLeast": Field(Yuan(), "Its amount; when it is less, the chance is gone.", default=0),
                "within": Field(days(), "At most so many days after."),
            },
            lambda got: FirstPurchase(got["since"], got["atLeast"], got["within"]),
            "{since: activation, within: 7d, atLeast: 100 yuan}",
        ),
        "This purchase is the customer's first since the card's approval or activation.",
    ),
    "purchases": Kind(
        record(
            "purchases",
            {"count": Field(Whole(1, 10_000), "How many.", required=True), **_count_fields},
            lambda got: Purchases(got["count"], got["each"], got["period"], got["rounds"]),
            "{count: 3, each: [{spend: {atLeast: 999 yuan}}]}",
        ),
        "So many purchases, each meeting conditions. Stands at the top of `if`, once an offer.",
    ),
    "totalSpend": Kind(
        record(
            "totalSpend",
            {"atLeast": Field(Yuan(1), "How much in all.", required=True), **_count_fields},
            lambda got: TotalSpend(got["atLeast"], got["each"], got["period"], got["rounds"]),
            "{atLeast: 10_000 yuan}",
        ),
        "So much spent in all. Stands at the top of `if`, once an offer.",
    ),
    "spend": Kind(
        record(
            "spend",
            {
                "atLeast": Field(Yuan(), "This much or more.", default=0),
                "below": Field(Yuan(1), "Less than this much."),
            },
            lambda got: Spend(got["atLeast"], got["below"]),
            "{atLeast: 200 yuan}",
        ),
        "The amount of the single payment.",
    ),
    "instalment": Kind(
        record(
            "instalment",
            {
                "kinds": Field(ListOf(Choice(InstalmentKind)), "Of these kinds; any unless said.", default=()),
                "atLeast": Field(Yuan(), "The principal.", default=0),
                "periods": Field(periods(), "This many periods or more.", default=1),
                "first": Field(YesNo(), "The first of its kinds in the phase.", default=False),
            },
            lambda got: Instalment(got["kinds"], got["atLeast"], got["periods"], got["first"]),
            "{kinds: [BILL], atLeast: 3_000 yuan}",
        ),
        "What the instalment is.",
    ),
    "merchantGroup": Kind(_list(GROUP, lambda found: MerchantGroup(found)), "The merchant is in any of these groups."),
    "purchasedAt": Kind(
        record(
            "purchasedAt",
            {
                "groups": Field(ListOf(GROUP), "Merchants of any of these groups.", required=True),
                "within": Field(days(), "At most so many days ago.", required=True),
            },
            lambda got: PurchasedAt(got["groups"], got["within"]),
            "{groups: [mall], within: 7d}",
        ),
        "The customer bought there lately.",
    ),
    "channel": Kind(_list(Choice(SalesChannel), lambda found: SalesChannelIs(found)), "Paid in store or online."),
    "paymentMethod": Kind(_list(Choice(PaymentMethod), lambda found: PaymentMethodIs(found)), "Paid by one of these."),
    "country": Kind(
        Adapted(
            WordOr("abroad", (), ListOf(COUNTRY)),
            lambda found: Country(countries=found) if found else Country(abroad=True),
        ),
        "Paid abroad (anywhere but mainland China), or in one of these countries.",
    ),
    **WINDOWS,
    "birthdayMonth": Kind(Adapted(Only(), lambda _: BirthdayMonth()), "In the month of the customer's birthday."),
    "dormant": Kind(
        record(
            "dormant",
            {
                "months": Field(
                    months(), "Calendar months without a purchase, the first card being older.", required=True
                ),
                "at": Field(
                    Choice(DormantAt, {found.value.lower(): found for found in DormantAt}),
                    "Looked at when the card was activated, or now.",
                    required=True,
                ),
            },
            lambda got: Dormant(got["months"], got["at"]),
            "{months: 6 months, at: activation}",
        ),
        "The customer had not used a card for a long time.",
    ),
    "reached": Kind(
        record(
            "reached",
            {
                "offers": Field(ListOf(OFFER), "Any of these offers that events give.", required=True),
                "within": Field(days(), "At most so many days ago."),
            },
            lambda got: Reached(got["offers"], got["within"]),
            "{offers: [first-spend]}",
        ),
        "The customer has earned an earlier offer.",
    ),
    "trackRecord": Kind(
        record(
            "trackRecord",
            {
                "phase": Field(PHASES, "In this phase of the campaign; active unless said.", default=Phase.ACTIVE),
                "purchasesAtLeast": Field(Whole(), "So many purchases or more."),
                "purchasesBelow": Field(Whole(1), "Fewer purchases than this."),
                "spendAtLeast": Field(Yuan(), "So much spent or more."),
                "spendBelow": Field(Yuan(1), "Less spent than this."),
            },
            lambda got: TrackRecord(
                got["phase"], got["purchasesAtLeast"], got["purchasesBelow"], got["spendAtLeast"], got["spendBelow"]
            ),
            "{purchasesAtLeast: 1, purchasesBelow: 3}",
        ),
        "What the customer did in a phase of this campaign.",
    ),
    "bound": Kind(
        Adapted(WordOr("any", tuple(BindingProvider), ListOf(Choice(BindingProvider))), lambda found: Bound(found)),
        "A card is bound with one of these providers, or the binding is with one of them.",
    ),
    "all": Kind(_combined(lambda of: All(of)), "All of these hold."),
    "any": Kind(_combined(lambda of: Any(of)), "At least one of these holds."),
    "not": Kind(_Combined(Later("a condition", condition), lambda of: Not(of)), "This does not hold."),
}

CONDITION: Shape[Condition] = OneKind(
    "condition",
    "a condition",
    {name: kind.shape for name, kind in CONDITIONS.items()},
    {name: kind.says for name, kind in CONDITIONS.items()},
)

WHEN: Shape[tuple[Window, ...]] = record(
    "when",
    {name: Field(kind.shape, kind.says) for name, kind in WINDOWS.items()},
    lambda got: tuple(got[name] for name in WINDOWS if got[name] is not None),
    '{weekly: {days: [FRI], from: "10:00", to: "22:00"}}',
)

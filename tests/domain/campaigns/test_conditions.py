"""Each kind of condition from both sides of its edge: it judges, gives a reason when it does not hold, and reads."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from domain.campaigns import conditions as kinds
from domain.campaigns.calendar import Calendar
from domain.campaigns.conditions import (
    KINDS,
    All,
    ApplicationChannelIs,
    BirthdayMonth,
    Bound,
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
    Rule,
    SalesChannelIs,
    Slot,
    Spend,
    TotalSpend,
    TrackRecord,
    Weekly,
    WithinDays,
    Workday,
)
from domain.campaigns.facts import (
    BindingFacts,
    CardFacts,
    Facts,
    First,
    History,
    InstalmentFacts,
    Profile,
    PurchaseFacts,
    Record,
    Subject,
    facts_at,
)
from domain.campaigns.terms import (
    About,
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
from tests.builders.campaigns import PHASES, shanghai

NOON = "2026-10-02T12:00"  # a Friday
NATIONAL_DAY = Calendar(
    holidays=frozenset(date(2026, 10, day) for day in range(1, 8)), workdays=frozenset({date(2026, 10, 10)})
)


def card(**changes: Any) -> CardFacts:
    """A new customer's GOLD card, approved in the active phase, applied for in the mobile bank."""
    parts: dict[str, Any] = {
        "product": Product.GOLD,
        "new_customer": True,
        "channel": ApplicationChannel.MOBILE_BANK,
        "flyer": "F1",
        "approved_at": shanghai("2026-10-01T09:00"),
        "activated_at": shanghai("2026-10-01T10:00"),
    }
    return CardFacts("card-1", **(parts | changes))


def facts(
    now: str | datetime = NOON, *, subject: Subject | None = None, anchor: CardFacts | None = None, **changes: Any
) -> Facts:
    history: dict[str, Any] = changes.pop("history", {})
    anchor = anchor or card()
    found = facts_at(shanghai(now) if isinstance(now, str) else now, History(cards={anchor.card: anchor}, **history))
    found.subject, found.anchor = subject, anchor
    found.card = anchor if subject is not None else None
    found.campaign, found.new_from, found.new_until = "smart", PHASES.warm_up_at, PHASES.ends_at
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def paid(amount: int = 30_000, *groups: str, **changes: Any) -> PurchaseFacts:
    return PurchaseFacts(amount, frozenset(groups), transaction="t1", **changes)


FRIDAY = Weekly((Slot((Weekday.FRI,), time(10), time(22)),))
NIGHT = Weekly((Slot((Weekday.FRI,), time(22), time(2)),))
BILL = InstalmentFacts(InstalmentKind.BILL, 500_000, 12, 1_000)
MICRO = timedelta(microseconds=1)
PERSON = Profile(10, 5, "p", "上海", "WHITE_COLLAR", 2, 5)

APPLYING = card(approved_at=None, activated_at=None, channel=None, flyer=None)

HOLDS: list[tuple[Rule, Facts]] = [
    (HoldsProduct((Product.GOLD,)), facts()),
    (HoldsProduct((Product.GOLD,)), facts(subject=paid())),
    (NewCustomer(), facts()),
    (NewCustomer(), facts(anchor=card(approved_at=PHASES.warm_up_at))),
    (NewCustomer(), facts(anchor=card(approved_at=PHASES.ends_at - MICRO))),
    (ApplicationChannelIs((ApplicationChannel.MOBILE_BANK,)), facts()),
    (Flyer(), facts()),
    (Flyer(("F0", "F1")), facts()),
    (InSegment(("vip",)), facts(segments={"vip": (ProfileIs(min_assets_tier=5),)}, history={"profile": PERSON})),
    (ProfileIs(("上海",), ("WHITE_COLLAR",), 2, 5), facts(history={"profile": PERSON})),
    (WithinDays(0, OwnDate.APPROVAL), facts("2026-10-01T23:59:59")),
    (WithinDays(1, OwnDate.APPROVAL), facts("2026-10-02T23:59:59")),
    (WithinDays(30, OwnDate.ACTIVATION), facts(shanghai("2026-11-01") - MICRO)),
    (
        WithinDays(2, OwnDate.BINDING),
        facts(history={"bindings": {("card-1", BindingProvider.WECHAT): shanghai("2026-09-30T18:00")}}),
    ),
    (WithinDays(3, OwnDate.BIRTHDAY), facts("2026-10-08T23:59", history={"profile": PERSON})),
    (WithinDays(3, OwnDate.BIRTHDAY), facts("2027-02-28", history={"profile": Profile(2, 29, "p")})),
    (FirstPurchase(OwnDate.APPROVAL, 30_000), facts(subject=paid())),
    (
        FirstPurchase(OwnDate.ACTIVATION, 30_000, within_days=1),
        facts(subject=paid(), anchor=card(first_since_activation=First("t1", 30_000, shanghai(NOON)))),
    ),
    (Purchases(2), facts(tallied=(2, 1))),
    (TotalSpend(100), facts(tallied=(1, 100))),
    (Spend(30_000), facts(subject=paid(30_000))),
    (Spend(10_000, below=30_000), facts(subject=paid(29_999))),
    (Instalment((InstalmentKind.BILL,), 500_000, 12, first=True), facts(subject=BILL)),
    (
        Instalment((InstalmentKind.BILL,), first=True),
        facts(subject=BILL, record=Record(instalments={InstalmentKind.TRANSACTION: 1})),
    ),
    (MerchantGroup(("a", "b")), facts(subject=paid(1, "b", "c"))),
    (PurchasedAt(("travel",), 1), facts(history={"at_groups": {"travel": shanghai("2026-10-01T00:00")}})),
    (SalesChannelIs((SalesChannel.ONLINE,)), facts(subject=paid(channel=SalesChannel.ONLINE))),
    (PaymentMethodIs((PaymentMethod.QUICKPASS,)), facts(subject=paid(method=PaymentMethod.QUICKPASS))),
    (Country(abroad=True), facts(subject=paid(country="HK"))),
    (Country(countries=("JP",)), facts(subject=paid(country="JP"))),
    (FRIDAY, facts("2026-10-02T10:00")),
    (FRIDAY, facts(shanghai("2026-10-02T22:00") - MICRO)),
    (NIGHT, facts("2026-10-02T22:00")),
    (NIGHT, facts("2026-10-03T01:59:59")),
    (Weekly((Slot((Weekday.SAT, Weekday.SUN)),)), facts("2026-10-04T23:59:59")),
    (Months((10, 12)), facts("2026-10-31T23:59:59")),
    (MonthDays((2, 31)), facts()),
    (Workday(), facts("2026-10-10", calendar=NATIONAL_DAY)),  # a Saturday worked in exchange
    (Workday(working=False), facts("2026-10-07T23:59", calendar=NATIONAL_DAY)),
    (BirthdayMonth(), facts("2026-10-31T23:59:59", history={"profile": PERSON})),
    (
        Dormant(6),
        facts(anchor=card(approved_at=shanghai("2026-04-01T10:00"), quiet_since=shanghai("2026-04-01T10:00") - MICRO)),
    ),
    (Dormant(1, DormantAt.NOW), facts("2026-11-01T09:00")),
    (Reached(("x", "first")), facts(history={"reached": {"first": shanghai("2026-10-01")}})),
    (
        Reached(("first",), within_days=1),
        facts("2026-10-02T23:59", history={"reached": {"first": shanghai("2026-10-01")}}),
    ),
    (
        TrackRecord(Phase.ACTIVE, 2, 3, 100, 101),
        facts(history={"records": {"smart": {Phase.ACTIVE: Record(2, 100)}}}),
    ),
    (TrackRecord(Phase.CLOSING, purchases_below=1), facts()),
    (Bound((BindingProvider.ALIPAY,)), facts(subject=BindingFacts(BindingProvider.ALIPAY))),
    (Bound(), facts(history={"bindings": {("card-1", BindingProvider.WECHAT): shanghai(NOON)}})),
    (All((Spend(1), Country(countries=("CN",)))), facts(subject=paid())),
    (kinds.Any((Spend(99_999), Country(countries=("CN",)))), facts(subject=paid())),
    (Not(Country(abroad=True)), facts(subject=paid())),
]

FAILS: list[tuple[Rule, Facts, str]] = [
    (HoldsProduct((Product.PLATINUM,)), facts(), "CARD_NEEDED"),
    (HoldsProduct((Product.GOLD,)), facts(anchor=card(closed_at=shanghai(NOON))), "CARD_NEEDED"),
    (HoldsProduct((Product.PLATINUM,)), facts(subject=paid()), "OTHER_CARD"),
    (NewCustomer(), facts(anchor=card(new_customer=False)), "NEW_CUSTOMERS_ONLY"),
    (NewCustomer(), facts(anchor=card(approved_at=PHASES.warm_up_at - MICRO)), "NEW_CUSTOMERS_ONLY"),
    (NewCustomer(), facts(anchor=card(approved_at=PHASES.ends_at)), "NEW_CUSTOMERS_ONLY"),
    (NewCustomer(), facts(anchor=card(approved_at=None)), "NEW_CUSTOMERS_ONLY"),
    (ApplicationChannelIs((ApplicationChannel.BRANCH,)), facts(), "OTHER_APPLICATION_CHANNEL"),
    (Flyer(), facts(anchor=card(flyer=None)), "FLYER_NEEDED"),
    (Flyer(("F0",)), facts(), "FLYER_NEEDED"),
    (
        InSegment(("vip",)),
        facts(segments={"vip": (ProfileIs(min_assets_tier=6),)}, history={"profile": PERSON}),
        "OTHER_SEGMENT",
    ),
    (ProfileIs(("北京",)), facts(history={"profile": PERSON}), "OTHER_CUSTOMERS"),
    (ProfileIs(min_children=3), facts(history={"profile": PERSON}), "OTHER_CUSTOMERS"),
    (ProfileIs(min_children=0), facts(), "OTHER_CUSTOMERS"),
    (WithinDays(0, OwnDate.APPROVAL), facts("2026-10-02"), "TOO_LATE"),
    (WithinDays(30, OwnDate.ACTIVATION), facts("2026-11-01"), "TOO_LATE"),
    (WithinDays(3, OwnDate.APPROVAL), facts(anchor=card(approved_at=shanghai("2026-10-03"))), "NO_APPROVAL"),
    (WithinDays(3, OwnDate.BINDING), facts(), "NO_BINDING"),
    (WithinDays(3, OwnDate.BIRTHDAY), facts("2026-10-09", history={"profile": PERSON}), "TOO_LATE"),
    (WithinDays(3, OwnDate.BIRTHDAY), facts(), "NO_BIRTHDAY"),
    (FirstPurchase(OwnDate.APPROVAL, 30_000), facts(subject=paid(29_999)), "AMOUNT_TOO_SMALL"),
    (
        FirstPurchase(OwnDate.APPROVAL),
        facts(subject=paid(), anchor=card(first_since_approval=First("t0", 1, shanghai(NOON)))),
        "FIRST_PURCHASE_MADE",
    ),
    (FirstPurchase(OwnDate.ACTIVATION, within_days=0), facts(subject=paid()), "TOO_LATE"),
    (FirstPurchase(OwnDate.ACTIVATION), facts(subject=paid(), anchor=card(activated_at=None)), "NO_ACTIVATION"),
    (Purchases(2), facts(tallied=(1, 9_999)), "MORE_PURCHASES_NEEDED"),
    (TotalSpend(100), facts(tallied=(9, 99)), "MORE_SPEND_NEEDED"),
    (Spend(30_000), facts(subject=paid(29_999)), "AMOUNT_TOO_SMALL"),
    (Spend(10_000, below=30_000), facts(subject=paid(30_000)), "AMOUNT_TOO_LARGE"),
    (Spend(1), facts(subject=BILL), "AMOUNT_TOO_SMALL"),
    (Instalment((InstalmentKind.TRANSACTION,)), facts(subject=BILL), "INSTALMENT_DOES_NOT_QUALIFY"),
    (Instalment(at_least=500_001), facts(subject=BILL), "INSTALMENT_DOES_NOT_QUALIFY"),
    (Instalment(min_periods=13), facts(subject=BILL), "INSTALMENT_DOES_NOT_QUALIFY"),
    (
        Instalment(first=True),
        facts(subject=BILL, record=Record(instalments={InstalmentKind.BILL: 1})),
        "NOT_THE_FIRST_INSTALMENT",
    ),
    (MerchantGroup(("a",)), facts(subject=paid(1, "b")), "OTHER_MERCHANT"),
    (MerchantGroup(("a",)), facts(subject=BILL), "OTHER_MERCHANT"),
    (
        PurchasedAt(("travel",), 0),
        facts(history={"at_groups": {"travel": shanghai("2026-10-01T23:59")}}),
        "PURCHASE_NEEDED",
    ),
    (PurchasedAt(("travel",), 9), facts(history={"at_groups": {"mall": shanghai(NOON)}}), "PURCHASE_NEEDED"),
    (SalesChannelIs((SalesChannel.ONLINE,)), facts(subject=paid()), "OTHER_SALES_CHANNEL"),
    (PaymentMethodIs((PaymentMethod.ALIPAY,)), facts(subject=paid()), "OTHER_PAYMENT_METHOD"),
    (Country(abroad=True), facts(subject=paid()), "OTHER_COUNTRY"),
    (Country(countries=("JP",)), facts(subject=paid(country="KR")), "OTHER_COUNTRY"),
    (FRIDAY, facts(shanghai("2026-10-02T10:00") - MICRO), "OUTSIDE_WINDOW"),
    (FRIDAY, facts("2026-10-02T22:00"), "OUTSIDE_WINDOW"),
    (FRIDAY, facts("2026-10-03T12:00"), "OUTSIDE_WINDOW"),
    (NIGHT, facts("2026-10-03T02:00"), "OUTSIDE_WINDOW"),
    (NIGHT, facts("2026-10-02T01:00"), "OUTSIDE_WINDOW"),  # the night of Thursday
    (Weekly((Slot((Weekday.SAT, Weekday.SUN)),)), facts("2026-10-05"), "OUTSIDE_WINDOW"),
    (Months((11,)), facts("2026-10-31T23:59:59"), "OUTSIDE_WINDOW"),
    (MonthDays((31,)), facts(), "OUTSIDE_WINDOW"),
    (Workday(), facts(calendar=NATIONAL_DAY), "OUTSIDE_WINDOW"),
    (Workday(working=False), facts("2026-10-10", calendar=NATIONAL_DAY), "OUTSIDE_WINDOW"),
    (BirthdayMonth(), facts("2026-11-01", history={"profile": PERSON}), "NOT_BIRTHDAY_MONTH"),
    (BirthdayMonth(), facts(), "NOT_BIRTHDAY_MONTH"),
    (Dormant(6), facts(anchor=card(approved_at=shanghai("2026-04-01T10:00") + MICRO)), "NOT_DORMANT"),
    (
        Dormant(6),
        facts(anchor=card(approved_at=shanghai("2020-01-01"), quiet_since=shanghai("2026-04-01T10:00"))),
        "NOT_DORMANT",
    ),
    (Dormant(6), facts(anchor=card(approved_at=shanghai("2020-01-01"), activated_at=None)), "NO_ACTIVATION"),
    (
        Dormant(1, DormantAt.NOW),
        facts("2026-11-01T09:00", history={"last_purchase_at": shanghai("2026-10-01T09:00")}),
        "NOT_DORMANT",
    ),
    (Reached(("first",)), facts(), "EARLIER_OFFER_NEEDED"),
    (
        Reached(("first",), within_days=1),
        facts("2026-10-03", history={"reached": {"first": shanghai("2026-10-01")}}),
        "TOO_LATE",
    ),
    (TrackRecord(purchases_at_least=1), facts(), "OTHER_TRACK_RECORD"),
    (TrackRecord(Phase.CLOSING, purchases_at_least=1), facts(), "OTHER_TRACK_RECORD"),
    (TrackRecord(purchases_at_least=1), facts(PHASES.ends_at), "OTHER_TRACK_RECORD"),
    (
        TrackRecord(spend_below=100),
        facts(history={"records": {"smart": {Phase.ACTIVE: Record(2, 100)}}}),
        "OTHER_TRACK_RECORD",
    ),
    (Bound((BindingProvider.ALIPAY,)), facts(subject=BindingFacts(BindingProvider.WECHAT)), "NOT_BOUND"),
    (Bound(), facts(), "NOT_BOUND"),
    (All((Spend(1), Country(abroad=True))), facts(subject=paid()), "OTHER_COUNTRY"),
    (kinds.Any((Spend(99_999), Country(abroad=True))), facts(subject=paid()), "AMOUNT_TOO_SMALL"),
    (Not(Spend(1)), facts(subject=paid()), "EXCLUDED"),
    (Not(FRIDAY), facts(), "EXCLUDED"),
    (Not(NIGHT), facts("2026-10-03T01:00"), "EXCLUDED"),
    (Not(Workday()), facts("2026-10-10", calendar=NATIONAL_DAY), "EXCLUDED"),
    (Not(Months(tuple(range(1, 13)))), facts(), "EXCLUDED"),
    (ApplicationChannelIs((ApplicationChannel.BRANCH,)), facts(anchor=APPLYING), "OTHER_APPLICATION_CHANNEL"),
    (Flyer(("F0",)), facts(anchor=APPLYING), "FLYER_NEEDED"),
    (FirstPurchase(OwnDate.APPROVAL, 30_000), facts(subject=PurchaseFacts(29_999)), "AMOUNT_TOO_SMALL"),
]


def _id(value: object) -> str:
    return f"{value.kind}" if isinstance(value, Rule) else ""


@pytest.mark.parametrize(("rule", "given"), HOLDS, ids=_id)
def test_a_condition_that_holds_gives_no_reason(rule: Rule, given: Facts) -> None:
    assert rule.judge(given)
    assert rule.explain(given) is None


@pytest.mark.parametrize(("rule", "given", "code"), FAILS, ids=_id)
def test_a_condition_that_does_not_hold_says_why_in_both_languages(rule: Rule, given: Facts, code: str) -> None:
    reason = rule.explain(given)

    assert not rule.judge(given)
    assert reason is not None
    assert reason.code == code
    for words in (reason.message, reason.remedy):
        assert words is None or (
            words.zh and re.search(r"[\u4e00-\u9fff]", words.zh) and not re.search(r"[\u4e00-\u9fff]", words.en)
        )


def test_every_kind_is_tried_from_both_sides() -> None:
    holding = {type(rule) for rule, _ in HOLDS}
    failing = {type(rule) for rule, _, _ in FAILS}

    assert holding == failing == set(KINDS.values())


@pytest.mark.parametrize(("rule", "given", "code"), FAILS, ids=_id)
def test_without_a_subject_a_condition_about_one_has_nothing_to_explain(rule: Rule, given: Facts, code: str) -> None:
    if rule.about is About.SUBJECT and code != "NOT_THE_FIRST_INSTALMENT":
        given.subject = None
        assert rule.explain(given) is None


@pytest.mark.parametrize(
    ("rule", "given", "opens"),
    [
        (FRIDAY, facts("2026-10-02T22:00"), "2026-10-09T10:00"),
        (FRIDAY, facts("2026-10-02T09:59"), "2026-10-02T10:00"),
        (NIGHT, facts("2026-10-03T02:00"), "2026-10-09T22:00"),
        (Months((3,)), facts(), "2027-03-01"),
        (MonthDays((31,)), facts("2026-11-01"), "2026-12-31"),
        (Workday(), facts(calendar=NATIONAL_DAY), "2026-10-08"),
        (BirthdayMonth(), facts("2026-11-01", history={"profile": PERSON}), "2027-10-01"),
        (BirthdayMonth(), facts("2026-09-30", history={"profile": PERSON}), "2026-10-01"),
        (WithinDays(3, OwnDate.BIRTHDAY), facts("2026-10-09", history={"profile": PERSON}), "2027-10-05"),
        (Not(FRIDAY), facts(), "2026-10-02T22:00"),
        (Not(NIGHT), facts("2026-10-03T01:00"), "2026-10-03T02:00"),
        (Not(Weekly((Slot((Weekday.SAT, Weekday.SUN)),))), facts("2026-10-03"), "2026-10-05"),
        (Not(Months((10, 11))), facts(), "2026-12-01"),
    ],
    ids=_id,
)
def test_where_time_alone_stands_against_it_the_reason_names_the_moment(rule: Rule, given: Facts, opens: str) -> None:
    reason = rule.explain(given)

    assert reason is not None
    assert reason.next_at == shanghai(opens)


def test_a_window_that_never_opens_names_no_moment() -> None:
    no_rest = Calendar(workdays=frozenset(date(2026, 10, 2) + timedelta(days=ahead) for ahead in range(500)))

    reason = Workday(working=False).explain(facts(calendar=no_rest))

    assert reason is not None
    assert (reason.code, reason.remedy, reason.next_at) == ("OUTSIDE_WINDOW", None, None)


def test_a_deadline_is_the_end_of_the_last_day() -> None:
    given = facts(history={"profile": PERSON, "at_groups": {"a": shanghai(NOON)}, "reached": {"x": shanghai(NOON)}})

    assert WithinDays(30, OwnDate.APPROVAL).deadline(given) == shanghai("2026-11-01")
    assert FirstPurchase(OwnDate.ACTIVATION, within_days=7).deadline(given) == shanghai("2026-10-09")
    assert FirstPurchase(OwnDate.ACTIVATION).deadline(given) is None
    assert PurchasedAt(("a",), 2).deadline(given) == shanghai("2026-10-05")
    assert Reached(("x",), 1).deadline(given) == shanghai("2026-10-04")
    assert BirthdayMonth().deadline(given) == shanghai("2026-11-01")
    soon, late = WithinDays(1, OwnDate.APPROVAL), WithinDays(9, OwnDate.APPROVAL)
    assert All((soon, late)).deadline(given) == soon.deadline(given)
    assert kinds.Any((soon, late)).deadline(given) == late.deadline(given)
    assert kinds.Any((soon, Spend(1))).deadline(given) is None


def test_any_of_several_has_nothing_against_it_while_one_of_them_has_not() -> None:
    given = facts()  # no payment yet

    assert kinds.Any((Spend(1), Country(abroad=True))).explain(given) is None


def test_rounds_are_completed_whole_and_no_more_than_allowed() -> None:
    counts = Purchases(3, rounds=2)
    sums = TotalSpend(1_000, rounds=2)

    assert [counts.completed((made, 0)) for made in (2, 3, 5, 6, 99)] == [0, 1, 1, 2, 2]
    assert [sums.completed((9, spent)) for spent in (999, 1_000, 1_999, 2_000, 99_999)] == [0, 1, 1, 2, 2]


NONSENSE = {
    "negative days": lambda: WithinDays(-1, OwnDate.APPROVAL),
    "first since binding": lambda: FirstPurchase(OwnDate.BINDING),
    "negative first": lambda: FirstPurchase(OwnDate.APPROVAL, -1),
    "no purchases": lambda: Purchases(0),
    "count in count": lambda: Purchases(1, each=(TotalSpend(1),)),
    "count in sum": lambda: TotalSpend(1, each=(Purchases(1),)),
    "nothing to spend": lambda: TotalSpend(0),
    "below under at least": lambda: Spend(100, below=100),
    "no periods": lambda: Instalment(min_periods=0),
    "here and there": lambda: Country(abroad=True, countries=("JP",)),
    "nowhere": lambda: Country(),
    "thirteenth month": lambda: Months((13,)),
    "no months": lambda: Months(()),
    "day 32": lambda: MonthDays((32,)),
    "no slots": lambda: Weekly(()),
    "no days": lambda: Slot(()),
    "no earlier offer": lambda: Reached(()),
    "no figures": lambda: TrackRecord(),
    "no months asleep": lambda: Dormant(0),
    "negative days ago": lambda: PurchasedAt(("a",), -1),
    "count inside all": lambda: All((Purchases(1),)),
    "count inside not": lambda: Not(Purchases(1)),
    "any of nothing": lambda: kinds.Any(()),
}


@pytest.mark.parametrize("make", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_cannot_be_built(make: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make()


FIGURES: list[tuple[Rule, set[str]]] = [
    (WithinDays(17, OwnDate.APPROVAL), {"17"}),
    (FirstPurchase(OwnDate.ACTIVATION, 12_345, 7), {"123.45", "7"}),
    (Purchases(3, each=(Spend(99_900),), period=Period.MONTH, rounds=2), {"3", "999", "2"}),
    (TotalSpend(1_000_050, rounds=4), {"10000.50", "4"}),
    (Spend(20_000, below=50_001), {"200", "500.01"}),
    (Instalment(at_least=500_000, min_periods=12), {"5000", "12"}),
    (PurchasedAt(("g",), 9), {"9"}),
    (Reached(("o",), 5), {"5"}),
    (Dormant(6), {"6"}),
    (TrackRecord(Phase.ACTIVE, 2, 8, 100, 900_000), {"2", "8", "1", "9000"}),
    (MonthDays((8, 18)), {"8", "18"}),
    (FRIDAY, {"10:00", "22:00"}),
]


@pytest.mark.parametrize(("rule", "figures"), FIGURES, ids=_id)
def test_every_figure_of_a_rule_stands_in_its_words(rule: Rule, figures: set[str]) -> None:
    words = rule.describe()

    for text in (words.zh, words.en):
        assert set(re.findall(r"\d+(?:[.:]\d+)?", text)) == figures


@pytest.mark.parametrize("rule", [rule for rule, _ in HOLDS], ids=_id)
def test_every_rule_reads_in_both_languages(rule: Rule) -> None:
    words = rule.describe()

    assert words.zh
    assert words.en
    assert "{" not in words.zh + words.en


def test_a_window_over_midnight_names_the_next_day_and_whole_days_their_names() -> None:
    assert "次日02:00" in NIGHT.describe().zh
    assert "next day" in NIGHT.describe().en
    assert Weekly((Slot(tuple(Weekday)[:5]),)).describe().zh == "周一至周五全天"
    assert Weekly((Slot(from_=time(19), until=time(22)),)).describe().zh.startswith("每天19:00-22:00")
    assert "24:00" in Weekly((Slot(from_=time(19)),)).describe().en

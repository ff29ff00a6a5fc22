"""Why, why not, what is missing: asked about one offer at one moment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.campaigns.conditions import (
    ApplicationChannelIs,
    BirthdayMonth,
    Bound,
    Dormant,
    DormantAt,
    FirstPurchase,
    Flyer,
    InSegment,
    Instalment,
    MerchantGroup,
    NewCustomer,
    Not,
    PaymentMethodIs,
    ProfileIs,
    PurchasedAt,
    Purchases,
    Reached,
    Rule,
    Slot,
    Spend,
    TotalSpend,
    Weekly,
    WithinDays,
)
from domain.campaigns.facts import PurchaseFacts
from domain.campaigns.model import Apply, Audience, Campaign, Limit, Offer, PointsBonus, SegmentRule, Till
from domain.campaigns.model import Discount as Off
from domain.campaigns.schedule import state_of
from domain.campaigns.terms import (
    ApplicationChannel,
    BindingProvider,
    InstalmentKind,
    OwnDate,
    PaymentMethod,
    Per,
    Period,
    Phase,
    Product,
    SubjectKind,
    Weekday,
)
from domain.kernel.time import Interval
from domain.stories.events import StoryEvent
from domain.stories.explain import Asking, Eligibility, Progress, UsedUp, explain, explain_many, open_again, progress
from domain.stories.fold import fold_all
from domain.stories.merchants import MerchantHistory
from domain.stories.plans import Plans
from domain.stories.segments import segments_of
from domain.stories.state import StoryState
from tests.builders.campaigns import a_campaign, an_offer, called, plans_of, shanghai, story_offer
from tests.builders.stories import (
    activated,
    approved,
    bought,
    bound,
    closed,
    instalment,
    merchants_in,
    newcomer,
    profile,
)

FRIDAY = Weekly((Slot((Weekday.FRI,), time(10), time(22)),))
ONCE = (Limit(Per.CUSTOMER, Period.CAMPAIGN, 1),)
MERCHANTS = merchants_in("market", "travel")


def claimed(*conditions: Rule) -> Offer:
    return an_offer("claimed", conditions=conditions)


class Asked:
    """One offer, a story and a moment."""

    def __init__(self, offer: Offer, *others: Offer, segments: tuple[SegmentRule, ...] = ()) -> None:
        self.campaign: Campaign = a_campaign(offer, *others)
        self.offer = offer
        self.plans: Plans = plans_of(self.campaign, segments=segments)

    def state(self, *events: StoryEvent) -> StoryState:
        return fold_all(events, self.plans, MERCHANTS).state

    def at(self, now: str | datetime, *events: StoryEvent, payment: PurchaseFacts | None = None) -> Eligibility:
        when = shanghai(now) if isinstance(now, str) else now
        state = self.state(*events)
        return explain(
            self.offer, self.campaign, state, when, self.plans, payment=payment, card="card-1" if payment else None
        )

    def progress(self, now: str, *events: StoryEvent) -> Progress | None:
        return progress(self.offer, self.campaign, self.state(*events), shanghai(now), self.plans)


def codes(found: Eligibility) -> tuple[list[str], list[str]]:
    return [reason.code for reason in found.reasons], [reason.code for reason in found.missing]


BIND = Asked(
    story_offer(
        SubjectKind.BINDING,
        conditions=(
            NewCustomer(),
            ApplicationChannelIs((ApplicationChannel.MOBILE_BANK,)),
            WithinDays(30, OwnDate.APPROVAL),
        ),
        limits=ONCE,
    )
)


def test_a_customer_who_may_still_earn_it_is_eligible_and_told_what_to_do_and_by_when() -> None:
    found = BIND.at("2026-10-05", approved("2026-10-02"))

    assert codes(found) == ([], ["BINDING_NEEDED"])
    assert found.eligible
    assert found.deadline == shanghai("2026-11-02")
    remedy = found.missing[0].remedy
    assert remedy is not None
    assert "2026年11月2日00:00前" in remedy.zh


def test_who_has_it_is_told_so_and_nothing_else() -> None:
    found = BIND.at("2026-12-05", approved("2026-10-02"), bound("2026-10-03"))

    assert codes(found) == (["ALREADY_RECEIVED"], [])
    assert found.reasons[0].remedy is None


def test_too_late_has_no_remedy() -> None:
    found = BIND.at("2026-11-02", approved("2026-10-02"))

    assert codes(found)[0] == ["TOO_LATE"]
    assert found.reasons[0].remedy is None
    assert not found.eligible


def test_existing_customers_are_told_that_it_is_for_new_ones_people_without_a_card_how_to_become_one() -> None:
    existing = BIND.at("2026-10-05", approved("2020-01-01"))
    nobody = BIND.at("2026-10-05")

    assert "NEW_CUSTOMERS_ONLY" in codes(existing)[0]
    assert all(reason.remedy is None for reason in existing.reasons if reason.code == "NEW_CUSTOMERS_ONLY")
    assert {reason.code for reason in nobody.reasons} == {
        "CARD_NEEDED",
        "NEW_CUSTOMERS_ONLY",
        "OTHER_APPLICATION_CHANNEL",
        "NO_APPROVAL",
    }
    assert all(reason.remedy is not None for reason in nobody.reasons)


def test_many_offers_at_once_are_explained_as_each_alone() -> None:
    offers = [
        BIND.offer,
        an_offer("claimed"),
        story_offer(SubjectKind.PURCHASE, code="count", conditions=(Purchases(2),)),
    ]
    campaign = a_campaign(*offers)
    plans, now = plans_of(campaign), shanghai("2026-10-05")
    state = fold_all([*newcomer(), bought("2026-10-03")], plans, MERCHANTS).state

    found = explain_many([Asking(campaign, offer) for offer in offers], state, now, plans)

    assert found == [
        (explain(offer, campaign, state, now, plans), progress(offer, campaign, state, now, plans)) for offer in offers
    ]


def test_what_the_ledger_says_is_told_of_each_offer_and_takes_no_mission_away() -> None:
    offers = [BIND.offer, story_offer(SubjectKind.PURCHASE, code="count", conditions=(Purchases(2),))]
    campaign = a_campaign(*offers)
    plans, now = plans_of(campaign), shanghai("2026-10-05")
    state = fold_all([*newcomer(), bought("2026-10-03")], plans, MERCHANTS).state

    gone = explain_many([Asking(campaign, offer, sold_out=True) for offer in offers], state, now, plans)

    assert [told for told, _ in gone] == [
        explain(offer, campaign, state, now, plans, sold_out=True) for offer in offers
    ]
    assert [way for _, way in gone] == [progress(offer, campaign, state, now, plans) for offer in offers]
    assert gone[1][1] is not None


def test_signed_out_is_the_same_as_knowing_nothing() -> None:
    now = shanghai("2026-10-05")

    assert explain(BIND.offer, BIND.campaign, None, now, BIND.plans) == BIND.at(now)


def test_before_it_begins_and_after_it_ends() -> None:
    early, late = BIND.at("2026-09-25", approved("2026-09-22")), BIND.at("2026-12-30", approved("2026-12-20"))

    assert codes(early)[0] == ["NOT_STARTED"]
    assert early.next_at == shanghai("2026-10-01")
    assert codes(late)[0] == ["ENDED"]
    assert late.next_at is None


def test_between_its_hours_it_says_when_they_come_again() -> None:
    friday = Weekly((Slot((Weekday.FRI,), shanghai("2026-10-02T10:00").time(), shanghai("2026-10-02T22:00").time()),))
    asked = Asked(an_offer("friday", Off(off=5_000), trigger=Till(), when=(friday,)))

    for now in ("2026-10-02T22:00", "2026-10-09T09:59"):
        found = asked.at(now, *newcomer())
        assert codes(found)[0] == ["OUTSIDE_WINDOW"]
        assert found.next_at == shanghai("2026-10-09T10:00")
    assert asked.at("2026-10-09T10:00", *newcomer()).eligible


def test_a_paused_offer_says_so() -> None:
    found = Asked(an_offer(paused=True)).at("2026-10-05", *newcomer())

    assert codes(found)[0] == ["PAUSED"]


def test_a_dormant_customer_is_told_to_activate_and_then_to_pay() -> None:
    asked = Asked(
        story_offer(
            SubjectKind.PURCHASE,
            conditions=(Dormant(6), FirstPurchase(OwnDate.ACTIVATION, 10_000, within_days=7)),
            limits=ONCE,
        )
    )
    asleep = [approved("2025-01-01", new_customer=False)]

    before = asked.at("2026-10-05", *asleep)
    after = asked.at("2026-10-05", *asleep, activated("2026-10-04"))
    gone = asked.at("2026-10-06", *asleep, activated("2026-10-04"), bought("2026-10-05", 50))
    awake = asked.at("2026-10-05", *asleep, bought("2026-09-30"))

    assert codes(before) == ([], ["NO_ACTIVATION", "PURCHASE_NEEDED"])
    assert codes(after) == ([], ["PURCHASE_NEEDED"])
    assert after.deadline == shanghai("2026-10-12")
    assert "100" in (after.missing[0].remedy or called("")).zh
    assert codes(gone)[0] == ["FIRST_PURCHASE_MADE"]
    assert "NOT_DORMANT" in codes(awake)[0]


def test_a_card_that_is_activated_already_will_not_be_again() -> None:
    asked = Asked(story_offer(SubjectKind.ACTIVATION, limits=ONCE))

    assert codes(asked.at("2026-10-05", approved("2026-09-01"), activated("2026-09-02")))[0] == ["ALREADY_ACTIVATED"]
    assert codes(asked.at("2026-10-05", approved("2026-09-01"))) == ([], ["NO_ACTIVATION"])
    both = [approved("2026-09-01"), activated("2026-09-02"), approved("2026-10-02", "card-2")]
    assert codes(asked.at("2026-10-05", *both)) == ([], ["NO_ACTIVATION"])


def test_a_limit_by_period_says_when_the_next_one_begins() -> None:
    nexts = {
        Period.DAY: "2026-10-06",
        Period.WEEK: "2026-10-12",
        Period.MONTH: "2026-11-01",
        Period.YEAR: None,  # it will have ended by then
    }
    for period, again in nexts.items():
        asked = Asked(story_offer(SubjectKind.PURCHASE, limits=(Limit(Per.CUSTOMER, period, 1),)))
        found = asked.at("2026-10-05T12:00", *newcomer(), bought("2026-10-05T11:00"))
        assert codes(found) == (["LIMIT_REACHED"], [])
        assert found.next_at == (shanghai(again) if again else None)
        assert (found.reasons[0].remedy is None) == (again is None)
        if again:
            assert asked.at(again, *newcomer(), bought("2026-10-05T11:00")).eligible


def told_by_ledger(
    asked: Asked, now: str, *events: StoryEvent, sold_out: bool = False, **limits: UsedUp
) -> Eligibility:
    state, used_up = asked.state(*events), tuple(limits.values())
    return explain(
        asked.offer, asked.campaign, state, shanghai(now), asked.plans, used_up=used_up, sold_out=sold_out
    )  # fmt: skip


def test_the_limit_that_keeps_the_customer_away_longest_is_told() -> None:
    asked = Asked(an_offer())
    day, month = UsedUp(1, shanghai("2026-10-06")), UsedUp(5, shanghai("2026-11-01"))

    found = told_by_ledger(asked, "2026-10-05", *newcomer(), day=day, month=month)
    for_good = told_by_ledger(asked, "2026-10-05", *newcomer(), day=day, once=UsedUp(1, None))

    assert (codes(found), found.next_at) == ((["LIMIT_REACHED"], []), shanghai("2026-11-01"))
    assert not found.eligible
    assert "5" in found.reasons[0].message.en
    assert [(reason.remedy, reason.next_at) for reason in for_good.reasons] == [(None, None)]


def test_a_limit_by_card_is_used_up_once_it_is_for_every_card_that_suits() -> None:
    asked = Asked(an_offer())
    two = [approved("2026-10-02"), approved("2026-10-02", "card-2")]
    foreign = approved("2026-10-02", "card-3", product=Product.PLATINUM)
    one, other = UsedUp(1, shanghai("2026-10-07"), "card-1"), UsedUp(1, shanghai("2026-10-06"), "card-2")

    left = told_by_ledger(asked, "2026-10-05", *two, foreign, one=one)
    none = told_by_ledger(asked, "2026-10-05", *two, foreign, one=one, other=other)
    only = told_by_ledger(asked, "2026-10-05", *two, closed("2026-10-04", "card-2"), one=one)

    assert left.eligible
    assert (codes(none), none.next_at) == ((["LIMIT_REACHED"], []), shanghai("2026-10-06"))
    assert (codes(only), only.next_at) == ((["LIMIT_REACHED"], []), shanghai("2026-10-07"))


def test_a_card_with_nothing_left_does_not_speak_for_the_others() -> None:
    asked = Asked(claimed(WithinDays(3, OwnDate.APPROVAL)))
    cards = [approved("2026-09-25"), approved("2026-10-04", "card-2")]

    found = told_by_ledger(asked, "2026-10-05", *cards, spent=UsedUp(1, shanghai("2026-10-06"), "card-2"))

    assert told_by_ledger(asked, "2026-10-05", *cards).eligible
    assert codes(found) == (["TOO_LATE"], [])


def test_a_used_up_day_sends_to_the_next_window_and_not_to_a_closed_door() -> None:
    friday = Weekly((Slot((Weekday.FRI,), shanghai("2026-10-02T10:00").time(), shanghai("2026-10-02T22:00").time()),))
    asked = Asked(an_offer(when=(friday,)))
    last = Asked(an_offer(when=(friday,), between=Interval(shanghai("2026-10-01"), shanghai("2026-10-03"))))
    today = UsedUp(1, shanghai("2026-10-03"))

    found = told_by_ledger(asked, "2026-10-02T12:00", *newcomer(), today=today)
    never_again = told_by_ledger(last, "2026-10-02T12:00", *newcomer(), today=today)

    assert found.next_at == shanghai("2026-10-09T10:00")
    assert told_by_ledger(asked, "2026-10-09T10:00", *newcomer()).eligible
    assert [(reason.code, reason.remedy, reason.next_at) for reason in never_again.reasons] == [
        ("LIMIT_REACHED", None, None)
    ]


@pytest.mark.parametrize(
    ("offer", "now", "next_period", "again"),
    [
        # A Friday's window, its limit by the day and by the week.
        (an_offer(when=(FRIDAY,)), "2026-10-02T12:00", "2026-10-03", "2026-10-09T10:00"),
        (an_offer(when=(FRIDAY,)), "2026-10-02T12:00", "2026-10-05", "2026-10-09T10:00"),
        # December's birthday: January is not its month, and the December after that is past the end.
        (claimed(BirthdayMonth()), "2026-12-05", "2027-01-01", None),
        (claimed(BirthdayMonth()), "2026-12-05", "2026-12-06", "2026-12-06"),
        # What must be within three days of the approval on 4 December is over on the 8th.
        (claimed(WithinDays(3, OwnDate.APPROVAL)), "2026-12-05", "2026-12-06", "2026-12-06"),
        (claimed(WithinDays(3, OwnDate.APPROVAL)), "2026-12-05", "2026-12-08", None),
        # The campaign's last day.
        (an_offer(), "2026-12-29", "2026-12-30", None),
        (an_offer(), "2026-12-28", "2026-12-29", "2026-12-29"),
        (an_offer(), "2026-12-28", None, None),
    ],
)
def test_a_limit_is_told_with_the_first_moment_at_which_it_is_open_and_the_customers_own_time(
    offer: Offer, now: str, next_period: str | None, again: str | None
) -> None:
    asked = Asked(offer)
    story = [profile("2026-10-01", "12-01"), approved("2026-12-04")]
    begins = shanghai(next_period) if next_period else None

    told = told_by_ledger(asked, now, *story, limit=UsedUp(1, begins))
    at = open_again(asked.offer, asked.campaign, asked.state(*story), shanghai(now), asked.plans, begins)

    assert codes(told) == (["LIMIT_REACHED"], [])
    assert told.next_at == at == (shanghai(again) if again else None)
    assert again is None or asked.at(again, *story).eligible


def test_a_birthday_month_after_the_end_is_not_promised() -> None:
    asked = Asked(claimed(BirthdayMonth()))

    def told(month: int) -> list[tuple[str, bool, datetime | None]]:
        found = asked.at("2026-11-05", profile("2026-10-01", f"{month:02d}-01"), approved("2026-10-04"))
        return [(reason.code, reason.remedy is None, reason.next_at) for reason in found.reasons]

    assert told(12) == [("NOT_BIRTHDAY_MONTH", False, shanghai("2026-12-01"))]
    assert told(1) == told(10) == [("NOT_BIRTHDAY_MONTH", True, None)]


def test_of_what_is_sold_out_only_that_is_said_unless_it_is_theirs_already() -> None:
    to_do = told_by_ledger(BIND, "2026-10-05", approved("2026-10-02"), sold_out=True)
    stranger = told_by_ledger(BIND, "2026-10-05", sold_out=True)
    theirs = told_by_ledger(BIND, "2026-10-05", approved("2026-10-02"), bound("2026-10-03"), sold_out=True)
    today = told_by_ledger(
        Asked(an_offer()), "2026-10-05", *newcomer(), sold_out=True, today=UsedUp(1, shanghai("2026-10-06"))
    )

    for found in (to_do, stranger, today):
        assert (codes(found), found.reasons[0].remedy, found.next_at) == ((["SOLD_OUT"], []), None, None)
        assert not found.eligible
    assert codes(theirs) == (["ALREADY_RECEIVED"], [])


def test_an_earlier_offer_that_was_missed_was_not_had_and_cannot_be_had_any_more() -> None:
    first = story_offer(SubjectKind.BINDING, code="first", limits=ONCE)
    wants, not_for = Asked(claimed(Reached(("first",))), first), Asked(claimed(Not(Reached(("first",)))), first)
    story: list[StoryEvent] = [approved("2026-10-02"), bound("2026-10-03")]

    def at(asked: Asked, missed: frozenset[str]) -> Eligibility:
        state = asked.state(*story)
        state.missed = missed
        return explain(asked.offer, asked.campaign, state, shanghai("2026-10-05"), asked.plans)

    assert at(wants, frozenset()).eligible
    assert codes(at(not_for, frozenset()))[0] == ["EXCLUDED"]
    (reason,) = at(wants, frozenset({"first"})).reasons
    assert (reason.code, reason.remedy) == ("EARLIER_OFFER_NEEDED", None)
    assert at(not_for, frozenset({"first"})).eligible


def test_a_rate_without_limit_misses_nothing() -> None:
    asked = Asked(story_offer(SubjectKind.PURCHASE, PointsBonus(1_000_000)))

    assert codes(asked.at("2026-10-05", *newcomer())) == ([], [])


def test_a_closed_card_is_no_card() -> None:
    asked = Asked(an_offer())

    assert codes(asked.at("2026-10-05", *newcomer(), closed("2026-10-04")))[0] == ["CARD_NEEDED"]


def test_a_closed_card_makes_nobody_a_new_customer() -> None:
    asked = Asked(an_offer(conditions=(NewCustomer(),)))
    old = approved("2020-01-01", "card-2", new_customer=False)

    assert asked.at("2026-10-05", old, *newcomer()).eligible
    assert codes(asked.at("2026-10-05", old, *newcomer(), closed("2026-10-04")))[0] == ["NEW_CUSTOMERS_ONLY"]


def test_a_payment_is_judged_with_everything_it_brings() -> None:
    asked = Asked(
        an_offer(
            "friday",
            Off(off=5_000),
            trigger=Till(),
            conditions=(MerchantGroup(("market",)), Spend(20_000), Not(PaymentMethodIs((PaymentMethod.ALIPAY,)))),
        )
    )
    market = frozenset({"market"})

    def with_payment(payment: PurchaseFacts) -> list[str]:
        return codes(asked.at("2026-10-05", *newcomer(), payment=payment))[0]

    assert with_payment(PurchaseFacts(20_000, market)) == []
    assert with_payment(PurchaseFacts(19_999, market)) == ["AMOUNT_TOO_SMALL"]
    assert with_payment(PurchaseFacts(20_000)) == ["OTHER_MERCHANT"]
    assert with_payment(PurchaseFacts(20_000, market, method=PaymentMethod.ALIPAY)) == ["EXCLUDED"]
    assert codes(asked.at("2026-10-05", *newcomer())) == ([], [])


def test_a_payment_with_an_unknown_or_other_card_is_refused() -> None:
    asked = Asked(an_offer("friday", Off(off=5_000), trigger=Till()))
    payment = PurchaseFacts(20_000)

    assert codes(asked.at("2026-10-05", payment=payment))[0] == ["OTHER_CARD"]
    platinum = approved("2026-10-02", product=Product.PLATINUM)
    assert codes(asked.at("2026-10-05", platinum, payment=payment))[0] == ["OTHER_CARD"]


def test_it_says_why_an_offer_is_theirs() -> None:
    found = BIND.at("2026-10-05", approved("2026-10-02"))

    assert any("新客户" in words.zh for words in found.because)
    assert not any("新客户" in words.zh for words in BIND.at("2026-10-05", approved("2020-01-01")).because)


# Missions ------------------------------------------------------------------------------------------------------------

SUITCASE = Asked(
    story_offer(
        SubjectKind.PURCHASE,
        conditions=(NewCustomer(), WithinDays(30, OwnDate.APPROVAL), Purchases(3, each=(Spend(99_900),))),
        limits=ONCE,
    )
)


def test_a_mission_counts_towards_its_end_and_stays_done() -> None:
    purchases = [bought(f"2026-10-0{day}", 999) for day in (3, 4, 5, 6)]

    counts = [SUITCASE.progress("2026-10-07", *newcomer(), *purchases[:made]) for made in range(5)]

    assert [(found.done, found.needed) for found in counts if found] == [(0, 3), (1, 3), (2, 3), (3, 3), (3, 3)]
    assert counts[0] is not None
    assert counts[0].deadline == shanghai("2026-11-02")


def test_a_mission_that_cannot_be_finished_any_more_is_none() -> None:
    assert SUITCASE.progress("2026-11-02", *newcomer(), bought("2026-10-03", 999)) is None
    assert SUITCASE.progress("2026-10-07", approved("2020-01-01")) is None
    assert SUITCASE.progress("2026-10-07") is None


def test_a_mission_of_one_thing_is_done_or_not() -> None:
    assert BIND.progress("2026-10-05", approved("2026-10-02")) == Progress(0, 1, shanghai("2026-11-02"))
    assert BIND.progress("2026-10-05", approved("2026-10-02"), bound("2026-10-03")) == Progress(
        1, 1, shanghai("2026-11-02")
    )


def test_an_application_that_counts_spending_is_a_mission_in_fen() -> None:
    asked = Asked(an_offer("hotel", trigger=Apply(), conditions=(TotalSpend(100_000),)))

    some = asked.progress("2026-10-05", *newcomer(), bought("2026-10-03", 400))
    enough = asked.progress("2026-10-05", *newcomer(), bought("2026-10-03", 1_400))

    assert some == Progress(40_000, 100_000, shanghai("2026-12-30"))
    assert enough == Progress(100_000, 100_000, shanghai("2026-12-30"))
    assert codes(asked.at("2026-10-05", *newcomer(), bought("2026-10-03", 400)))[0] == ["MORE_SPEND_NEEDED"]
    assert asked.at("2026-10-05", *newcomer(), bought("2026-10-03", 1_400)).eligible


def test_what_gives_each_time_is_no_mission() -> None:
    assert Asked(story_offer(SubjectKind.PURCHASE)).progress("2026-10-05", *newcomer()) is None
    assert Asked(an_offer()).progress("2026-10-05", *newcomer()) is None


# Remedies ------------------------------------------------------------------------------------------------------------
# Applying the remedy that a reason names makes that reason go away.

NOW = "2026-10-20T12:00"
LATER = "2026-10-20T13:00"
QUIET = SegmentRule("quiet", called("quiet"), (Dormant(6, DormantAt.NOW),))
FIRST = story_offer(SubjectKind.BINDING, code="first")


def on_purchase(*conditions: Rule) -> Offer:
    return story_offer(SubjectKind.PURCHASE, conditions=conditions, limits=ONCE)


def _new_card(**changes: object) -> Callable[[str], list[StoryEvent]]:
    return lambda at: [approved(at, "new-card", **changes)]


REMEDIES: list[tuple[str, Offer, list[StoryEvent], Callable[[str], list[StoryEvent]]]] = [
    ("CARD_NEEDED", claimed(), [], _new_card()),
    ("NEW_CUSTOMERS_ONLY", claimed(NewCustomer()), [], _new_card()),
    (
        "OTHER_APPLICATION_CHANNEL",
        claimed(ApplicationChannelIs((ApplicationChannel.BRANCH,))),
        [],
        _new_card(channel=ApplicationChannel.BRANCH),
    ),
    ("FLYER_NEEDED", claimed(Flyer(("F1",))), [], _new_card(flyer="F1")),
    ("NO_APPROVAL", claimed(WithinDays(3, OwnDate.APPROVAL)), [], _new_card()),
    (
        "NO_ACTIVATION",
        claimed(WithinDays(3, OwnDate.ACTIVATION)),
        [approved("2026-10-02")],
        lambda at: [activated(at)],
    ),
    ("NO_BINDING", claimed(WithinDays(3, OwnDate.BINDING)), [approved("2026-10-02")], lambda at: [bound(at)]),
    ("NO_ACTIVATION", claimed(Dormant(6)), [approved("2025-10-02")], lambda at: [activated(at)]),
    (
        "NOT_BOUND",
        claimed(Bound((BindingProvider.ALIPAY,))),
        [approved("2026-10-02"), bound("2026-10-03")],
        lambda at: [bound(at, provider=BindingProvider.ALIPAY)],
    ),
    (
        "PURCHASE_NEEDED",
        claimed(PurchasedAt(("travel",), 7)),
        [approved("2026-10-02")],
        lambda at: [bought(at, merchant="at-travel")],
    ),
    ("EARLIER_OFFER_NEEDED", claimed(Reached(("first",))), [approved("2026-10-02")], lambda at: [bound(at)]),
    (
        "MORE_PURCHASES_NEEDED",
        claimed(Purchases(3, each=(Spend(10_000),))),
        [approved("2026-10-02"), bought("2026-10-03"), bought("2026-10-04", 99.99)],
        lambda at: [bought(at, 100, "r1"), bought(at, 100, "r2")],
    ),
    (
        "MORE_SPEND_NEEDED",
        claimed(TotalSpend(50_000)),
        [approved("2026-10-02"), bought("2026-10-03", 300)],
        lambda at: [bought(at, 200)],
    ),
    (
        "PURCHASE_NEEDED",
        on_purchase(FirstPurchase(OwnDate.APPROVAL, 30_000)),
        [approved("2026-10-02")],
        lambda at: [bought(at, 300)],
    ),
    (
        "MORE_PURCHASES_NEEDED",
        on_purchase(Purchases(2)),
        [approved("2026-10-02"), bought("2026-10-03")],
        lambda at: [bought(at)],
    ),
    (
        "BINDING_NEEDED",
        story_offer(SubjectKind.BINDING, limits=ONCE),
        [approved("2026-10-02")],
        lambda at: [bound(at)],
    ),
    (
        "NO_ACTIVATION",
        story_offer(SubjectKind.ACTIVATION, limits=ONCE),
        [approved("2026-10-02")],
        lambda at: [activated(at)],
    ),
    (
        "INSTALMENT_NEEDED",
        story_offer(
            SubjectKind.INSTALMENT,
            conditions=(Instalment((InstalmentKind.BILL,), at_least=300_000, min_periods=6, first=True),),
            limits=ONCE,
        ),
        [approved("2026-10-02")],
        lambda at: [instalment(at, 3_000, periods=6)],
    ),
    ("APPROVAL_NEEDED", story_offer(SubjectKind.APPROVAL, limits=ONCE, audience=Audience()), [], _new_card()),
]


@pytest.mark.parametrize(("code", "offer", "before", "remedy"), REMEDIES, ids=lambda value: str(value)[:24])
def test_following_the_remedy_makes_the_reason_go_away(
    code: str, offer: Offer, before: list[StoryEvent], remedy: Callable[[str], list[StoryEvent]]
) -> None:
    asked = Asked(offer, FIRST, segments=(QUIET,))
    found = asked.at(NOW, *before)
    named = [reason for reason in (*found.reasons, *found.missing) if reason.code == code]

    after = asked.at(LATER, *before, *remedy(NOW))

    assert len(named) == 1
    assert named[0].remedy is not None
    assert code not in [reason.code for reason in (*after.reasons, *after.missing)]


@pytest.mark.parametrize(
    "condition",
    [
        BirthdayMonth(),
        WithinDays(5, OwnDate.BIRTHDAY),
        Weekly((Slot((Weekday.FRI,), shanghai("2026-10-02T10:00").time(), shanghai("2026-10-02T22:00").time()),)),
    ],
)
@given(now=st.datetimes(min_value=datetime(2026, 10, 1), max_value=datetime(2026, 12, 1)))  # noqa: DTZ001
def test_what_only_time_stands_against_holds_from_the_moment_named(condition: Rule, now: datetime) -> None:
    asked = Asked(an_offer(conditions=(condition,), phases=tuple(Phase)))
    story = [profile("2026-09-01", "12-20"), approved("2026-09-22")]

    found = asked.at(shanghai(now.isoformat()), *story)

    if not found.eligible:
        assert found.next_at is not None
        assert asked.at(found.next_at, *story).eligible


def test_a_reason_about_the_person_tells_nothing_that_the_bank_knows() -> None:
    asked = Asked(an_offer(conditions=(ProfileIs(occupations=("DOCTOR",), min_assets_tier=7),)))

    reason = asked.at("2026-10-05", profile("2026-10-01", assets_tier=3), *newcomer()).reasons[0]

    assert reason.code == "OTHER_CUSTOMERS"
    assert not any(figure in reason.message.zh + reason.message.en for figure in ("7", "3", "DOCTOR"))


# Segments ------------------------------------------------------------------------------------------------------------

SEGMENTS = (
    SegmentRule("white-collar", called("white-collar"), (ProfileIs(occupations=("WHITE_COLLAR",)),)),
    SegmentRule("family", called("family"), (ProfileIs(min_children=1),)),
    SegmentRule("dormant", called("dormant"), (Dormant(6, DormantAt.NOW),)),
)


def test_segments_are_judged_by_what_is_known_at_the_moment() -> None:
    asked = Asked(an_offer(conditions=(InSegment(("family", "dormant")),)), segments=SEGMENTS)
    story = [profile("2026-01-01", occupation="WHITE_COLLAR", children=1), approved("2026-01-01")]
    state = asked.state(*story, bought("2026-04-05T12:00"))

    def at(now: str) -> list[str]:
        return [rule.code for rule in segments_of(state, shanghai(now), asked.plans)]

    assert at("2026-10-05T12:00") == ["white-collar", "family"]  # a purchase exactly 6 months before
    assert at("2026-10-05T12:00:01") == ["white-collar", "family", "dormant"]
    assert segments_of(None, shanghai("2026-10-05"), asked.plans) == ()


def test_an_offer_for_segments_is_for_any_of_them() -> None:
    asked = Asked(an_offer(conditions=(InSegment(("family", "dormant")),)), segments=SEGMENTS)

    assert asked.at("2026-10-05", *newcomer(), profile("2026-10-01", children=2)).eligible
    assert codes(asked.at("2026-10-05", *newcomer(), profile("2026-10-01")))[0] == ["OTHER_SEGMENT"]
    assert not Asked(an_offer(conditions=(InSegment(("unknown",)),))).at("2026-10-05", *newcomer()).eligible


def test_an_empty_history_of_merchants_knows_no_groups() -> None:
    assert MerchantHistory().groups_at("anywhere", shanghai("2026-10-05")) == frozenset()


SLEEPERS = SegmentRule("sleepers", called("sleepers"), (Dormant(6, DormantAt.NOW),))
FRIDAYS = Weekly((Slot((Weekday.FRI,), time(10), time(22)),))
NIGHTS = Weekly((Slot(tuple(Weekday), time(19), time(22)),))
NEWCOMERS = Asked(story_offer(SubjectKind.BINDING, conditions=(NewCustomer(), WithinDays(30, OwnDate.APPROVAL))))
CHANGING: list[tuple[Asked, tuple[UsedUp, ...], bool]] = [
    (Asked(an_offer(conditions=(InSegment(("sleepers",)),)), segments=(SLEEPERS,)), (), False),
    (Asked(an_offer(conditions=(Not(NIGHTS),), when=(FRIDAYS,))), (), False),
    (Asked(an_offer(conditions=(BirthdayMonth(),))), (UsedUp(1, shanghai("2026-11-01")),), False),
    (Asked(an_offer(conditions=(WithinDays(3, OwnDate.BIRTHDAY),), when=(FRIDAYS,))), (), True),
    (Asked(an_offer(conditions=(TotalSpend(90_000, period=Period.MONTH),), trigger=Apply())), (), False),
    (Asked(story_offer(SubjectKind.ACTIVATION, conditions=(Dormant(6),), limits=ONCE)), (), False),
    (Asked(story_offer(SubjectKind.PURCHASE, conditions=(Purchases(2, period=Period.WEEK),))), (), False),
    (Asked(story_offer(SubjectKind.INSTALMENT, conditions=(Instalment(first=True),), phases=tuple(Phase))), (), False),
    (Asked(story_offer(SubjectKind.PURCHASE, limits=(Limit(Per.CUSTOMER, Period.MONTH, 1),))), (), False),
    (NEWCOMERS, (), False),
]
LIVED = (
    profile("2026-01-01", birthday="10-09"),
    approved("2026-04-04T15:30", new_customer=False),
    approved("2026-10-20T08:00", card="card-2"),
    bought("2026-04-30T20:15", 500),
    bought("2026-11-02T09:00", 500),
    instalment("2026-10-12T10:00"),
)


@settings(max_examples=400)
@example(asked=CHANGING[7], told=6, minutes=60 * 24 * 60, part=0.5)  # the phase ends that had its first instalment
@given(
    asked=st.sampled_from(CHANGING),
    told=st.integers(1, len(LIVED)),
    minutes=st.integers(0, 110 * 24 * 60),
    part=st.floats(0, 1, exclude_max=True),
)
def test_what_is_explained_stays_as_it_is_until_the_moment_it_names(
    asked: tuple[Asked, tuple[UsedUp, ...], bool], told: int, minutes: int, part: float
) -> None:
    """Together with the moment its state names; of a limit that begins again the ledger is asked again by then."""
    here, used_up, sold_out = asked
    now = shanghai("2026-09-20") + timedelta(minutes=minutes)
    # What has happened by then, in the order it did: none of it happens while time passes here.
    state = here.state(*sorted((each for each in LIVED[:told] if each.at <= now), key=lambda each: each.at))
    left = tuple(limit for limit in used_up if limit.again is not None and now < limit.again)

    def explained(at: datetime) -> Eligibility:
        found = explain(here.offer, here.campaign, state, at, here.plans, used_up=left, sold_out=sold_out)
        return replace(found, changes_at=None)

    told_now = explain(here.offer, here.campaign, state, now, here.plans, used_up=left, sold_out=sold_out)
    times = state_of(here.offer, here.campaign, now)
    moments = [at for at in (told_now.changes_at, times.next_change_at) if at is not None]
    until = min(moments, default=now + timedelta(days=400)) - timedelta(microseconds=1)

    assert until >= now
    assert explained(now + (until - now) * part) == explained(now)
    assert explained(until) == explained(now)


def test_of_two_cards_the_one_that_is_not_looked_at_changes_it_too() -> None:
    """From 2 November on there is no more against the older card than against the younger one."""
    settled = Not(WithinDays(30, OwnDate.APPROVAL))
    here = Asked(an_offer(conditions=(settled, ApplicationChannelIs((ApplicationChannel.MOBILE_BANK,)))))
    older = approved("2026-10-02", card="card-2", channel=ApplicationChannel.WEB)

    found = here.at("2026-10-25", older, approved("2026-10-20"))

    assert codes(found) == (["EXCLUDED"], [])
    assert found.changes_at == shanghai("2026-11-02")
    assert codes(here.at("2026-11-02", older, approved("2026-10-20"))) != codes(found)


def test_a_limit_that_is_used_up_changes_it_when_it_begins_again() -> None:
    here = Asked(an_offer())
    tomorrow = shanghai("2026-10-06")

    found = explain(
        here.offer, here.campaign, here.state(approved("2026-10-02")), shanghai("2026-10-05T12:00"), here.plans,
        used_up=(UsedUp(1, tomorrow),),
    )  # fmt: skip

    assert found.changes_at == tomorrow


def test_once_it_is_over_nothing_changes_any_more() -> None:
    assert BIND.at("2026-12-30", approved("2026-12-20")).changes_at is None

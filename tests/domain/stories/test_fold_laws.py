"""The laws of the fold: whatever the order of arrival and however it is cut, a story comes to the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.campaigns.conditions import (
    BirthdayMonth,
    Country,
    Dormant,
    DormantAt,
    FirstPurchase,
    InSegment,
    Instalment,
    MerchantGroup,
    NewCustomer,
    PurchasedAt,
    Purchases,
    Reached,
    Slot,
    Spend,
    TotalSpend,
    TrackRecord,
    Weekly,
    WithinDays,
)
from domain.campaigns.model import (
    Apply,
    Audience,
    Campaign,
    Cashback,
    FeeWaiver,
    Limit,
    PointsBonus,
    PointsRate,
    SegmentRule,
    Validity,
    WaiverBasis,
)
from domain.campaigns.terms import InstalmentKind, OwnDate, Per, Period, Phase, Product, SubjectKind, Weekday
from domain.kernel.money import PPM
from domain.offers.story_change import difference
from domain.stories.events import InstalmentCancelled, StoryEvent, TransactionRefunded, sort_key
from domain.stories.fold import (
    Earned,
    Folded,
    PointsEarned,
    can_fold_on,
    fold_all,
    fold_on,
    points_of,
)
from domain.stories.plans import Plans, Version
from domain.stories.state import StoryState
from infra.db.stores.states import state_of, text_of
from tests.builders.campaigns import PHASES, a_campaign, an_offer, called, shanghai, story_offer
from tests.builders.grants import grants_of
from tests.builders.stories import (
    activated,
    applied,
    approved,
    bought,
    bound,
    cancelled,
    closed,
    instalment,
    merchants_in,
    profile,
    refunded,
    unbound,
)

ONCE = (Limit(Per.CUSTOMER, Period.CAMPAIGN, 1),)
CASHBACK = Cashback("back", called("back"), ppm=10_000, cap=10_000, valid=Validity(days=9))
MERCHANTS = merchants_in("mall", "travel")


def everything(version: int) -> Campaign:
    """A campaign in which nearly every kind of condition, limit and count has a say."""
    purchase = SubjectKind.PURCHASE
    offers = [
        story_offer(purchase, PointsBonus(1_000_000), code="double"),
        story_offer(purchase, PointsBonus(500_000), code="birthday", conditions=(BirthdayMonth(),)),
        story_offer(
            purchase, code="first", conditions=(NewCustomer(), FirstPurchase(OwnDate.APPROVAL, 5_000)), limits=ONCE
        ),
        story_offer(
            purchase,
            code="wake-up",
            conditions=(Dormant(1), FirstPurchase(OwnDate.ACTIVATION, within_days=3)),
            limits=ONCE,
        ),
        story_offer(
            purchase,
            code="three",
            conditions=(NewCustomer(), WithinDays(9, OwnDate.APPROVAL), Purchases(2, each=(Spend(4_000),))),
            limits=ONCE,
        ),
        story_offer(purchase, code="rounds", conditions=(TotalSpend(10_000, period=Period.WEEK, rounds=2),)),
        story_offer(
            purchase,
            code="daily",
            conditions=(MerchantGroup(("mall",)),),
            limits=(Limit(Per.CARD, Period.DAY, 1), Limit(Per.CUSTOMER, Period.MONTH, 3)),
        ),
        story_offer(
            purchase,
            FeeWaiver(WaiverBasis.PURCHASE_AMOUNT, 10_000),
            code="abroad",
            conditions=(Country(abroad=True),),
        ),
        story_offer(purchase, code="again", conditions=(Reached(("first",), within_days=5),), limits=ONCE),
        story_offer(purchase, code="weekend", when=(Weekly((Slot((Weekday.SAT, Weekday.SUN)),)),)),
        story_offer(purchase, code="quiet", conditions=(InSegment(("quiet",)),)),
        story_offer(
            purchase,
            code="closing",
            conditions=(TrackRecord(Phase.ACTIVE, purchases_at_least=2),),
            phases=(Phase.CLOSING,),
        ),
        story_offer(SubjectKind.BINDING, code="bind", conditions=(WithinDays(4, OwnDate.APPROVAL),), limits=ONCE),
        story_offer(SubjectKind.ACTIVATION, code="come-back", conditions=(Dormant(1),)),
        story_offer(SubjectKind.APPROVAL, code="flyer", audience=Audience(flyer=True), limits=ONCE),
        story_offer(
            SubjectKind.INSTALMENT,
            FeeWaiver(WaiverBasis.INSTALMENT_FEE, 200_000),
            code="fee",
            conditions=(Instalment((InstalmentKind.BILL,), first=True),),
        ),
        story_offer(SubjectKind.INSTALMENT, CASHBACK, code="cashback", conditions=(PurchasedAt(("travel",), 5),)),
        an_offer("hotel", trigger=Apply(), conditions=(TotalSpend(9_000, each=(Country(abroad=True),)),)),
    ]
    return a_campaign(*offers, version=version, points=(PointsRate((Product.GOLD,), 1),))


QUIET = SegmentRule("quiet", called("quiet"), (Dormant(1, DormantAt.NOW),))
CHANGED_AT = shanghai("2026-10-08")


def changed() -> Campaign:
    """The next version: another rate, another limit, an offer less."""
    first = everything(1)
    kept = [offer for offer in first.offers if offer.code not in ("weekend", "daily")]
    daily = story_offer(
        SubjectKind.PURCHASE,
        code="daily",
        conditions=(MerchantGroup(("mall",)),),
        limits=(Limit(Per.CUSTOMER, Period.DAY, 2),),
    )
    return a_campaign(*kept, daily, version=2, points=(PointsRate((Product.GOLD,), 3),))


def plans(*, with_change: bool, stamp: int = 1) -> Plans:
    versions = [Version(everything(1), PHASES.warm_up_at)]
    if with_change:
        versions.append(Version(changed(), CHANGED_AT))
    return Plans(versions, stamp=stamp, segments=[QUIET])


BEFORE, AFTER = plans(with_change=False), plans(with_change=True, stamp=2)

# A few moments only, so that many events fall on the same one; from before the warm-up to the closing phase.
MOMENTS = st.sampled_from(
    [shanghai("2026-08-20")]
    + [shanghai("2026-10-01") + timedelta(hours=6 * step) for step in range(-8, 56, 3)]
    + [CHANGED_AT, shanghai("2026-12-31")]
)
CARDS = st.sampled_from(["card-1", "card-2"])


@st.composite
def stories(draw: st.DrawFn) -> list[StoryEvent]:
    """Events of one customer, in any order; a refund or cancellation always has something to take back."""
    events: list[StoryEvent] = []
    for card in draw(st.sets(CARDS, min_size=1)):
        product = draw(st.sampled_from([Product.GOLD, Product.GOLD, Product.PLATINUM]))
        flyer = draw(st.sampled_from([None, "F1"]))
        events.append(approved(draw(MOMENTS), card, product=product, flyer=flyer, new_customer=draw(st.booleans())))
    events += [activated(at, card) for at, card in draw(st.sets(st.tuples(MOMENTS, CARDS), max_size=3))]
    events += [
        profile(at, draw(st.sampled_from(["10-01", "10-01", "11-05"]))) for at in draw(st.sets(MOMENTS, max_size=2))
    ]
    events += [bound(at, card) for at, card in draw(st.sets(st.tuples(MOMENTS, CARDS), max_size=2))]
    events += [unbound(at) for at in draw(st.sets(MOMENTS, max_size=1))]
    events += [closed(at) for at in draw(st.sets(MOMENTS, max_size=1))]
    if draw(st.booleans()):
        events.append(applied(draw(MOMENTS), flyer="F2"))
    for number in range(draw(st.integers(2, 7))):
        name = f"t{number}"
        events.append(
            bought(
                draw(MOMENTS),
                draw(st.sampled_from([0.99, 39.99, 40, 50, 120, 333.33])),
                name,
                card=draw(CARDS),
                merchant=draw(st.sampled_from(["at-mall", "at-travel", "elsewhere"])),
                country=draw(st.sampled_from(["CN", "JP"])),
            )
        )
        back = draw(st.sampled_from([None, None, None, 10, 400]))
        if back:
            events.append(refunded(draw(MOMENTS), name, back, f"refund-{name}"))
            if draw(st.booleans()):
                events.append(replace(events[-1], at=draw(MOMENTS), id=f"again-{name}"))
    for number in range(draw(st.integers(0, 3))):
        name = f"i{number}"
        kind = draw(st.sampled_from(InstalmentKind))
        events.append(instalment(draw(MOMENTS), 3_000, name, card=draw(CARDS), kind=kind))
        if draw(st.booleans()):
            events.append(cancelled(draw(MOMENTS), name))
    return draw(st.permutations(events))


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[StoryEvent]]:
    """A story cut into batches in its order of arrival: as it happened, or any other."""
    events = draw(stories())
    if draw(st.booleans()):
        events = sorted(events, key=sort_key)
    batches: list[list[StoryEvent]] = [[]]
    for event in events:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(event)
    return batches


class Hall:
    """What a worker does, in small: fold on where that is allowed, else fold everything; keep the state as JSON."""

    def __init__(self) -> None:
        self.story: list[StoryEvent] = []
        self.kept = "{}"
        self.earned: list[Earned] = []
        self.points: dict[str, PointsEarned] = {}
        self.waiting: list[StoryEvent] = []
        self.folded_on = 0

    def take(self, batch: Sequence[StoryEvent], plans: Plans) -> None:
        """A refund or cancellation waits until the story has what it takes back."""
        known = {getattr(event, "transaction", getattr(event, "instalment", None)) for event in [*self.story, *batch]
                 if not isinstance(event, TransactionRefunded | InstalmentCancelled)}  # fmt: skip
        due = [*self.waiting, *batch]
        self.waiting = [event for event in due if _takes_back(event) not in (None, *known)]
        ready = [event for event in due if event not in self.waiting]
        self.story += ready
        state = state_of(self.kept)
        if can_fold_on(state, ready, plans):
            found = fold_on(state, ready, plans, MERCHANTS)
            self.earned += found.earned
            self.folded_on += 1
        else:
            found = fold_all(self.story, plans, MERCHANTS)
            self.earned = found.earned
            self.points = {}
        self.points |= {points.transaction: points for points in found.points}
        self.kept = text_of(found.state)


def _takes_back(event: StoryEvent) -> str | None:
    match event:
        case TransactionRefunded(transaction=name) | InstalmentCancelled(instalment=name):
            return name
        case _:
            return None


def plain(found: Folded) -> tuple[list[Earned], dict[str, PointsEarned], Any]:
    return (
        sorted(found.earned, key=lambda earned: (earned.offer, earned.cause)),
        {points.transaction: points for points in found.points},
        orjson.loads(text_of(found.state)),
    )


@settings(max_examples=400, deadline=None)
@given(arrivals(), st.one_of(st.just(0), st.integers(1, 9)))
def test_a_story_folded_as_it_arrives_comes_to_the_same_as_folded_whole(
    batches: list[list[StoryEvent]], published_before: int
) -> None:
    """Fails when `can_fold_on` forgets any of its refusals: tried by hand with each of them taken out."""
    hall = Hall()

    for number, batch in enumerate(batches):
        hall.take(batch, AFTER if number >= published_before else BEFORE)
    hall.take([], AFTER)

    assert not hall.waiting
    whole = fold_all(hall.story, AFTER, MERCHANTS)
    kept = state_of(hall.kept)
    assert plain(Folded(kept, hall.earned, list(hall.points.values()))) == plain(whole)


@settings(max_examples=150, deadline=None)
@given(stories(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(events: list[StoryEvent], chance: Any) -> None:
    shuffled = events.copy()
    chance.shuffle(shuffled)

    assert plain(fold_all(events, AFTER, MERCHANTS)) == plain(fold_all(shuffled, AFTER, MERCHANTS))


@settings(max_examples=150, deadline=None)
@given(stories())
def test_no_earning_has_the_name_of_another_and_a_state_survives_json(events: list[StoryEvent]) -> None:
    found = fold_all(events, AFTER, MERCHANTS)

    # An activation said again is the same card activated: its name is given again, and the difference takes it once.
    names = [(e.offer, e.cause) for e in found.earned if e.offer not in ("come-back",)]
    assert len(names) == len(set(names))
    assert state_of(text_of(found.state)) == found.state


@settings(max_examples=100, deadline=None)
@given(stories(), st.integers(0, 30))
def test_what_was_given_plus_gained_minus_lost_is_what_is_earned(events: list[StoryEvent], cut: int) -> None:
    before = {(e.offer, e.cause): e for e in fold_all(events[:cut], AFTER, MERCHANTS).earned}
    now = {(e.offer, e.cause): e for e in fold_all(events, AFTER, MERCHANTS).earned}

    found = difference(now.values(), grants_of(before.values()))

    after = {key: earned.amount for key, earned in before.items()}
    for grant in found.lost:
        del after[grant.offer, grant.cause]
    after |= {(earned.offer, earned.cause): earned.amount for earned, _ in found.gained}
    assert after == {key: earned.amount for key, earned in now.items()}


@given(
    st.integers(0, 10**12),
    st.integers(0, 10),
    st.lists(st.tuples(st.text(max_size=3), st.integers(1, 3_000_000)), max_size=4),
)
def test_points_are_rounded_down_once_and_their_parts_add_up(
    amount: int, per_yuan: int, bonuses: list[tuple[str, int]]
) -> None:
    found = points_of(bought("2026-10-03"), amount, per_yuan, ("smart", 1), bonuses)

    exact = Fraction(amount, 100) * per_yuan * (1 + Fraction(sum(ppm for _, ppm in bonuses), PPM))
    assert found.total == int(exact)
    assert found.base + sum(part.points for part in found.bonuses) + found.rounding == found.total
    assert 0 <= found.rounding <= len(bonuses)


# The refusals, one by one --------------------------------------------------------------------------------------------

NOW = shanghai("2026-10-05")


def state_after(*events: StoryEvent) -> StoryState:
    return fold_all(events, BEFORE, MERCHANTS).state


def test_a_story_goes_on_with_what_sorts_after_it() -> None:
    state = state_after(approved(NOW), bought(NOW, transaction="b"))

    assert can_fold_on(state, [bought(NOW, transaction="c")], BEFORE)
    assert not can_fold_on(state, [bought(NOW, transaction="a")], BEFORE)
    assert can_fold_on(state, [bought(NOW + timedelta(seconds=1), transaction="a")], BEFORE)


def test_a_refund_of_something_earlier_asks_for_the_whole_story_one_of_the_same_batch_does_not() -> None:
    state = state_after(approved(NOW), bought(NOW, transaction="a"))
    later = NOW + timedelta(days=1)

    assert not can_fold_on(state, [refunded(later, "a", 1)], BEFORE)
    assert not can_fold_on(state, [cancelled(later, "i")], BEFORE)
    assert can_fold_on(state, [bought(later, 5, "b"), refunded(later, "b", 1)], BEFORE)
    assert can_fold_on(state, [instalment(later, name="i"), cancelled(later, "i")], BEFORE)


def test_a_refund_moves_no_later_purchase_out_of_reach() -> None:
    whole = [approved(NOW), bought(NOW, transaction="a"), refunded(NOW + timedelta(days=9), "a", 1)]

    assert can_fold_on(state_after(*whole), [bought(NOW + timedelta(days=1))], BEFORE)


def test_the_first_news_of_a_card_or_profile_asks_for_the_whole_story_later_news_does_not() -> None:
    later = NOW + timedelta(days=1)
    stranger = state_after(bought(NOW))
    known = state_after(profile(NOW), approved(NOW))

    assert not can_fold_on(stranger, [approved(later)], BEFORE)
    assert not can_fold_on(stranger, [profile(later)], BEFORE)
    assert can_fold_on(stranger, [approved(later, "card-2")], BEFORE)
    assert can_fold_on(known, [profile(later)], BEFORE)


def test_a_version_the_state_does_not_know_asks_for_the_whole_story_once_it_judges_the_past() -> None:
    def until(at: datetime) -> StoryState:
        return state_after(approved(NOW), bought(at))

    late, early = CHANGED_AT, CHANGED_AT - timedelta(seconds=1)
    following = [bought(CHANGED_AT + timedelta(days=1))]
    new_campaign = Plans(
        [Version(everything(1), PHASES.warm_up_at), Version(a_campaign(code="new"), CHANGED_AT)], stamp=3
    )

    assert can_fold_on(until(early), following, AFTER)
    assert not can_fold_on(until(late), following, AFTER)
    assert not can_fold_on(until(early), following, new_campaign)  # a first version judges from the beginning
    assert can_fold_on(StoryState(), following, new_campaign)


def test_an_event_is_judged_by_the_version_in_force_when_it_happened() -> None:
    before, at = bought(CHANGED_AT - timedelta(microseconds=1), 10, "a"), bought(CHANGED_AT, 10, "b")

    found = fold_all([approved(NOW), before, at], AFTER, MERCHANTS)

    assert [(points.version, points.total) for points in found.points] == [(1, 20), (2, 60)]


def test_folding_on_leaves_the_state_it_began_with_as_it_was() -> None:
    state = state_after(approved(NOW), bought(NOW))
    before = text_of(state)

    fold_on(state, [bought(NOW + timedelta(days=1)), instalment(NOW + timedelta(days=2))], BEFORE, MERCHANTS)

    assert text_of(state) == before

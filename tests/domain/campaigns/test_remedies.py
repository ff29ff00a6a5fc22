"""Doing what a reason names as its remedy, or coming back when it says, makes the reason go away: for every kind."""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.conditions import (
    KINDS,
    All,
    Any,
    ApplicationChannelIs,
    BirthdayMonth,
    Bound,
    Country,
    Dormant,
    FirstPurchase,
    Flyer,
    HoldsProduct,
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
    SalesChannelIs,
    Spend,
    TotalSpend,
    TrackRecord,
    WithinDays,
)
from domain.campaigns.facts import (
    BindingFacts,
    CardFacts,
    Facts,
    History,
    InstalmentFacts,
    PurchaseFacts,
    Record,
)
from domain.campaigns.terms import InstalmentKind, OwnDate, Phase
from domain.kernel.time import SHANGHAI
from tests.domain.campaigns.test_conditions import FAILS, facts, paid

NOBODY_CAN = (InSegment, ProfileIs)
"""Who somebody is is not for them to change at the hall's asking."""


def new_customer() -> Facts:
    """Nobody has a card of theirs yet."""
    given = facts()
    given.history, given.anchor, given.card = History(), None, None
    return given


MORE: list[tuple[Rule, Facts]] = [(NewCustomer(), new_customer()), (Flyer(), new_customer())]
CASES: list[tuple[Rule, Facts]] = [*((rule, deepcopy(given)) for rule, given, _ in FAILS), *MORE]


def helped(rule: Rule, given: Facts) -> bool:
    reason = rule.explain(given)
    return reason is not None and (reason.remedy is not None or reason.next_at is not None)


def follow(rule: Rule, given: Facts) -> Facts:
    """The facts once the customer has done what the reason of `rule` names."""
    after = deepcopy(given)
    reason = rule.explain(given)
    assert reason is not None
    if reason.next_at is not None:
        return _at(after, reason.next_at)
    subject = after.subject
    match rule:
        case HoldsProduct() | NewCustomer() | ApplicationChannelIs() | Flyer():
            _approve(rule, after)
        case WithinDays(of=date) | FirstPurchase(since=date) if reason.code.startswith("NO_"):
            _happens(date, after)
        case Dormant():
            _happens(OwnDate.ACTIVATION, after)
            assert after.anchor is not None
            after.anchor.quiet_since = after.history.last_purchase_at
        case FirstPurchase(at_least=least) | Spend(at_least=least) if isinstance(subject, PurchaseFacts):
            subject.amount = least
        case Spend(at_least=least):
            after.subject = PurchaseFacts(least)
        case Purchases(count=count):
            after.tallied = (count, after.tallied[1])
        case TotalSpend(at_least=least):
            after.tallied = (after.tallied[0], least)
        case Instalment():
            kind = rule.kinds[0] if rule.kinds else InstalmentKind.BILL
            after.subject = InstalmentFacts(kind, max(1, rule.at_least), max(1, rule.min_periods), 1)
        case MerchantGroup(groups=groups):
            after.subject = paid(1, groups[0])
        case SalesChannelIs(channels=channels):
            after.subject = replace(paid(), channel=channels[0])
        case PaymentMethodIs(methods=methods):
            after.subject = replace(paid(), method=methods[0])
        case Country():
            after.subject = replace(paid(), country="HK" if rule.abroad else rule.countries[0])
        case PurchasedAt(groups=groups):
            after.history.at_groups[groups[0]] = after.at
        case Reached(offers=offers):
            after.history.reached[offers[0]] = after.at
        case Bound(providers=providers):
            if isinstance(subject, BindingFacts):
                after.subject = BindingFacts(providers[0])
            after.history.bindings["card-1", providers[0]] = after.at
        case TrackRecord():
            _spend_more(rule, after)
        case All(of=rules):
            after = follow(next(inner for inner in rules if inner.explain(after) is not None), after)
        case Any(of=rules):
            after = follow(next(inner for inner in rules if helped(inner, after)), after)
        case _:
            raise AssertionError(f"nobody has said how to follow the remedy of {rule.kind}")
    return after


def _at(after: Facts, moment: datetime) -> Facts:
    after.at, after.local = moment, moment.astimezone(SHANGHAI)
    return after


def _approve(rule: Rule, after: Facts) -> None:
    """Another card where there is one with a purchase, else the card that was applied for."""
    card = CardFacts("card-2", new_customer=True, approved_at=after.at, activated_at=after.at)
    match rule:
        case HoldsProduct(products=products):
            card.product = products[0]
        case ApplicationChannelIs(channels=channels):
            card.channel = channels[0]
        case Flyer(codes=codes):
            card.flyer = codes[0] if codes else "ANY"
    after.history.cards[card.card] = card
    after.anchor = card
    after.card = card if after.subject is not None else None


def _happens(date: OwnDate, after: Facts) -> None:
    assert after.anchor is not None
    match date:
        case OwnDate.APPROVAL:
            after.anchor.approved_at = after.at
        case OwnDate.ACTIVATION:
            after.anchor.activated_at = after.at
        case _:
            after.history.bindings["card-1", next(iter(Bound().providers))] = after.at


def _spend_more(rule: TrackRecord, after: Facts) -> None:
    """Exactly what the remedy names: so many purchases, one at least where only an amount lacks."""
    record = after.history.records.setdefault(after.campaign, {}).setdefault(rule.phase, Record())
    more, fen = (rule.purchases_at_least or 0) - record.purchases, (rule.spend_at_least or 0) - record.spend
    record.purchases += max(more, int(fen > 0))
    record.spend += max(fen, int(more > 0))


@pytest.mark.parametrize(("rule", "given"), CASES, ids=lambda value: value.kind if isinstance(value, Rule) else "")
def test_following_the_remedy_makes_the_reason_go_away(rule: Rule, given: Facts) -> None:
    before = rule.explain(given)
    if not helped(rule, given):
        return
    assert before is not None

    after = rule.explain(follow(rule, given))

    assert after is None


def test_every_kind_names_a_remedy_that_is_tried_but_those_about_who_somebody_is() -> None:
    tried = {type(rule) for rule, given in CASES if helped(rule, given)}

    assert tried == set(KINDS.values()) - set(NOBODY_CAN)
    assert not any(helped(rule, given) for rule, given in CASES if isinstance(rule, NOBODY_CAN))


FIGURE = st.integers(1, 10**7)


@given(
    rule=st.one_of(
        st.builds(Spend, FIGURE),
        st.builds(Purchases, st.integers(1, 50)),
        st.builds(TotalSpend, FIGURE),
        st.builds(
            TrackRecord,
            st.just(Phase.ACTIVE),
            st.none() | st.integers(1, 30),
            st.none() | st.integers(1, 40),
            FIGURE,
            st.none() | FIGURE,
        ),
    ),
    amount=FIGURE,
    count=st.integers(0, 30),
    spend=FIGURE,
)
def test_whatever_the_figures_the_remedy_is_enough(rule: Rule, amount: int, count: int, spend: int) -> None:
    given = facts(
        subject=paid(amount),
        tallied=(count, spend),
        history={"records": {"smart": {Phase.ACTIVE: Record(count, spend)}}},
    )

    if helped(rule, given):
        assert rule.explain(follow(rule, given)) is None


def test_a_birthday_month_is_named_and_holds_then() -> None:
    rule = BirthdayMonth()
    cases = [given for each, given in CASES if isinstance(each, BirthdayMonth) and helped(each, given)]

    assert cases
    assert all(rule.judge(follow(rule, given)) for given in cases)


def test_what_an_exclusion_shuts_out_for_good_names_no_moment() -> None:
    """Not of something about the customer or the payment: nothing they are asked to undo."""
    found = [rule.explain(given) for rule, given in CASES if isinstance(rule, Not) and not helped(rule, given)]

    assert found
    assert all(reason is not None and reason.remedy is None for reason in found)

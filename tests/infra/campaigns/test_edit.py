"""A live change touches nothing of a campaign file but what it changes."""

from datetime import date
from difflib import unified_diff

import pytest

from domain.campaigns.terms import PaymentMethod
from domain.kernel.time import DAY
from domain.operate.changes import (
    Changed,
    EndEarly,
    Extend,
    LiveChange,
    Pause,
    Resume,
    SetPaymentMethods,
    SetQuota,
    decide_change,
)
from domain.operate.classify import ALL_METHODS, methods_of
from infra.campaigns.edit import edited
from infra.campaigns.loader import HERE, SHIPPED, load_campaign
from tests.builders.campaigns import shanghai
from tests.builders.plans import plan

DAY_ONE = date(2026, 10, 1)
NOW = shanghai("2026-10-20T12:00:30")
END = shanghai("2026-12-30")


def change(text: str, made: LiveChange) -> tuple[str, list[str]]:
    """The edited file, read back as what was decided, and the lines that differ."""
    before = load_campaign(text, file="", starts_on=DAY_ONE, elsewhere=None).campaign
    decided = decide_change(made, before, NOW)
    assert isinstance(decided, Changed), decided
    after = edited(text, decided.change, decided.after)
    assert load_campaign(after, file="", starts_on=DAY_ONE, elsewhere=None).campaign == decided.after
    lines = list(unified_diff(text.splitlines(), after.splitlines(), n=0, lineterm=""))
    return after, [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


@pytest.mark.parametrize(
    ("made", "lines"),
    [
        (SetQuota("cup", 100, 2_000), ["-    quota: 100", "+    quota: 2_000"]),
        (Pause("cup"), ["+    paused: true"]),
        (EndEarly("cup", END, None), ["+    between: {from: 2026-10-01 00:00, to: 2026-10-20 12:01}"]),
        (
            Extend(None, END, END + 10 * DAY),
            [
                "-phases: {warmUp: 10d, active: 90d, closing: 7d}",
                "+phases: {warmUp: 10d, active: 100d, closing: 7d}",
            ],
        ),
    ],
)
def test_one_line_says_it(made: LiveChange, lines: list[str]) -> None:
    assert change(plan(), made)[1] == lines


def test_changes_follow_each_other() -> None:
    text, _ = change(plan(), Pause("cup"))
    text, resumed = change(text, Resume("cup"))
    text, _ = change(text, EndEarly("cup", END, shanghai("2026-11-01")))
    _, longer = change(text, Extend("cup", shanghai("2026-11-01"), shanghai("2026-12-01")))

    assert resumed == ["-    paused: true", "+    paused: false"]
    assert longer[1] == "+    between: {from: 2026-10-01 00:00, to: 2026-12-01 00:00}"


@pytest.mark.parametrize(
    "conditions",
    [
        "",
        "if: [{spend: {atLeast: 50 yuan}}]",
        "if:\n      - spend: {atLeast: 50 yuan} # picked here\n      - channel: [POS]",
        "if:\n      - paymentMethod: [CARD, ALIPAY, WECHAT_PAY]",
        "if:\n    - spend:\n        atLeast: 50 yuan",
    ],
)
def test_a_way_of_paying_is_shut_out_however_the_conditions_are_written(conditions: str) -> None:
    text = plan(trigger="{story: purchase}", conditions=conditions)
    offer = load_campaign(text, file="", starts_on=DAY_ONE, elsewhere=None).campaign.offers[0]

    after, _ = change(text, SetPaymentMethods("cup", methods_of(offer), (PaymentMethod.CARD,)))

    assert after.count("paymentMethod") == 1
    if "picked here" in conditions:
        assert "# picked here" in after


@pytest.mark.parametrize("name", SHIPPED)
def test_every_offer_of_the_shipped_plans_can_be_paused_and_ended(name: str) -> None:
    text = (HERE / name).read_text(encoding="utf-8")
    campaign = load_campaign(text, file="", starts_on=DAY_ONE, elsewhere=None).campaign
    for offer in campaign.offers:
        for made in (Pause(offer.code), SetPaymentMethods(offer.code, ALL_METHODS, (PaymentMethod.CARD,))):
            decided = decide_change(made, campaign, NOW)
            if isinstance(decided, Changed):
                _, lines = change(text, made)
                assert len(lines) <= 2

"""A file becomes frozen campaign data for a given first day."""

from datetime import date, datetime

import pytest

from domain.campaigns.conditions import All, Any, MonthDays, Months, Not, Slot, Weekly, Workday
from domain.campaigns.model import Claim, ReturnOn, Returns, SignUp
from domain.campaigns.terms import Weekday
from domain.kernel.time import SHANGHAI, day_start
from domain.kernel.words import Words
from infra.campaigns.loader import CampaignUnreadable, Elsewhere, head_of, load_campaign, load_segments
from tests.builders.plans import plan

DAY = date(2026, 10, 1)
PLACE = """
  - code: party
    section: tea
    title: {zh: 茶会, en: Tea party}
    trigger: {signUp: {cancelBy: day 18 00:00}}
    quota: 10
    rewards: [{place: {title: {zh: 茶会, en: Tea party}, startsAt: day 20 15:00, where: {zh: 茶馆, en: Tea house}}}]
"""


def load(text: str, **given: object):
    return load_campaign(text, file="tea.yaml", **({"starts_on": DAY} | given)).campaign


def errors(text: str, **given: object) -> list[str]:
    with pytest.raises(CampaignUnreadable) as caught:
        load(text, **given)
    return [str(error) for error in caught.value.errors]


def test_phases_lie_around_the_first_active_day() -> None:
    phases = load(plan(phases="{warmUp: 2d, active: 3d, closing: 1d}")).phases

    assert phases.warm_up_at == day_start(date(2026, 9, 29))
    assert phases.starts_at == day_start(date(2026, 10, 1))
    assert phases.ends_at == day_start(date(2026, 10, 4))
    assert phases.closes_at == day_start(date(2026, 10, 5))


def test_the_day_given_comes_before_the_files_own() -> None:
    text = "starts: 2027-01-01" + plan()

    own = load_campaign(text, file="tea.yaml").campaign.phases.starts_at
    given = load(text).phases.starts_at

    assert own == day_start(date(2027, 1, 1))
    assert given == day_start(DAY)


def test_days_of_the_campaign_are_counted_from_one() -> None:
    party = load(plan(more=PLACE)).offers[-1]

    assert party.rewards[0].starts_at == datetime(2026, 10, 20, 15, tzinfo=SHANGHAI)
    assert party.trigger == SignUp(cancel_by=datetime(2026, 10, 18, tzinfo=SHANGHAI))


def test_the_version_is_the_one_asked_for() -> None:
    assert load(plan(), version=7).version == 7


def test_groups_keep_their_titles() -> None:
    (group,) = load(plan()).groups

    assert (group.code, group.title) == ("teahouse", Words("茶馆", "tea houses"))


def test_a_trigger_without_settings_is_a_word() -> None:
    assert load(plan(trigger="claim")).offers[0].trigger == Claim()


def test_conditions_may_be_combined() -> None:
    text = plan(
        conditions="if: [{any: [{monthDays: [8]}, {not: {workday: true}}, {all: [{months: [1]}, {workday: false}]}]}]"
    )

    (rule,) = load(text).offers[0].conditions

    assert rule == Any((MonthDays((8,)), Not(Workday()), All((Months((1,)), Workday(working=False)))))


def test_windows_may_be_several() -> None:
    text = plan(conditions='when: {weekly: [{days: [SAT], from: "10:00", to: "12:00"}, {days: [SUN]}]}')

    (rule,) = load(text).offers[0].when

    assert isinstance(rule, Weekly)
    assert [slot.days for slot in rule.slots] == [(Weekday.SAT,), (Weekday.SUN,)]
    assert rule.slots[1] == Slot((Weekday.SUN,))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("onFullReversal", Returns()),
        ("never", Returns(ReturnOn.NEVER, coupon=False, quota=False, allowance=False)),
        ("{quota: false}", Returns(quota=False)),
    ],
)
def test_return_policies(written: str, read: Returns) -> None:
    assert load(plan(conditions=f"returns: {written}")).offers[0].returns == read


def test_an_earlier_offer_may_be_another_campaigns() -> None:
    text = plan(conditions="if: [{reached: {offers: [first-spend]}}]")

    load(text, elsewhere=Elsewhere(offers={"first-spend": "smart-life"}))

    assert "first-spend is not the code of an offer" in errors(text)[0]


def test_a_published_file_is_read_again_whatever_became_of_other_campaigns() -> None:
    load(plan(conditions="if: [{reached: {offers: [gone-since]}}]"), elsewhere=None)


def test_the_lines_of_all_paths_are_kept_for_lint() -> None:
    loaded = load_campaign(plan(), file="tea.yaml", starts_on=DAY)

    text = plan().splitlines()
    assert "quota" in text[loaded.lines["offers[0].quota"] - 1]


def test_the_head_can_be_told_of_a_file_that_is_wrong() -> None:
    head = head_of("starts: 2027-01-01" + plan(quota="many", draw_stock="5"))

    assert (head.code, head.starts) == ("tea", date(2027, 1, 1))
    assert (head.offers, head.draws) == (("cup", "kettle-chance"), ("kettles",))


def test_a_faulty_offer_does_not_make_others_faulty() -> None:
    """What it declares is known all the same."""
    text = plan(
        quota="many",
        more="""
  - code: second
    section: tea
    title: {zh: 第二份, en: Second}
    trigger: {story: purchase}
    if: [{reached: {offers: [cup]}}]
    rewards: [{pointsBonus: 10 %}]
""",
    )

    assert len(errors(text)) == 1


def test_segments_are_read_with_the_same_conditions() -> None:
    (rule,) = load_segments(
        "segments:\n  - {code: young, title: {zh: 年轻, en: Young}, if: [{profile: {cities: [上海]}}]}\n", file="s.yaml"
    )

    assert rule.code == "young"


def test_a_bad_segment_is_told_with_its_line() -> None:
    with pytest.raises(CampaignUnreadable) as caught:
        load_segments("segments:\n  - {code: young, title: {zh: 年轻, en: Young}}\n", file="s.yaml")

    assert caught.value.errors[0].line == 2

"""The text of a story's state: what it looks like, and that what was written before is read."""

from datetime import UTC, timedelta

import msgspec
import orjson
import pytest

from domain.campaigns.facts import CardFacts, First, Profile, Record
from domain.campaigns.terms import ApplicationChannel, BindingProvider, InstalmentKind, Phase, Product
from domain.stories.state import Application, StoryState, Tallied
from infra.db.stores.states import state_of, text_of
from tests.builders.campaigns import shanghai

# As orjson spelled it: with +00:00, where Z stands now.
WRITTEN_BEFORE = (
    '{"profile":[5,20,"person","上海","WHITE_COLLAR",1,2],"cards":[["card-1","GOLD",true,"BRANCH","F1","4958",'
    '"2024-12-22T02:00:00+00:00","2024-12-24T02:00:00+00:00","2026-11-01T00:00:00+00:00","2024-12-23T02:00:00+00:00",'
    '["t-1",2600,"2026-10-22T16:00:00+00:00"],["t-2",1,"2026-10-23T10:00:00+08:00"]],'
    '["card-2",null,false,null,null,"",null,null,null,null,null,null]],'
    '"bindings":[["card-1","ALIPAY","2025-01-01T00:00:00+00:00"]],"lastPurchaseAt":"2026-11-22T04:24:56.497046+00:00",'
    '"atGroups":{"mall":"2026-11-16T11:32:47+00:00"},"reached":{"free-order":"2026-10-31T22:25:58.100000+00:00"},'
    '"records":{"smart-life":{"ACTIVE":[99,1899600,{"BILL":2}]}},"missed":["a","b"],'
    '"upto":["2026-11-22T04:24:56.497046+00:00",5,"t-9","urn:bank","posted:t-9"],'
    '"versions":{"smart-life":1,"platinum":3},"application":["PLATINUM",null],'
    '"tallies":[["three","","2026-11",2,8000],["rounds","card-1","week-2026-11-16",1,500]],'
    '"ordinals":[["daily","DAY","card-1","2026-11-22",1],["first","CAMPAIGN","","campaign",1]]}'
)


def whole() -> StoryState:
    """Each part of it there, and each of a card's fields."""
    first = First("t-1", 2_600, shanghai("2026-10-23").astimezone(UTC))
    last = shanghai("2026-11-22 12:24").astimezone(UTC) + timedelta(seconds=56, microseconds=497_046)
    card = CardFacts(
        "card-1", Product.GOLD, True, ApplicationChannel.BRANCH, "F1", "4958",
        shanghai("2024-12-22 10:00").astimezone(UTC), shanghai("2024-12-24 10:00").astimezone(UTC),
        shanghai("2026-11-01 08:00").astimezone(UTC), shanghai("2024-12-23 10:00").astimezone(UTC),
        first, First("t-2", 1, shanghai("2026-10-23 10:00")),
    )  # fmt: skip
    return StoryState(
        profile=Profile(5, 20, "person", "上海", "WHITE_COLLAR", 1, 2),
        cards={"card-1": card, "card-2": CardFacts("card-2")},
        bindings={("card-1", BindingProvider.ALIPAY): shanghai("2025-01-01 08:00").astimezone(UTC)},
        last_purchase_at=last,
        at_groups={"mall": shanghai("2026-11-16 19:32").astimezone(UTC) + timedelta(seconds=47)},
        reached={"free-order": shanghai("2026-11-01 06:25").astimezone(UTC) + timedelta(seconds=58.1)},
        records={"smart-life": {Phase.ACTIVE: Record(99, 1_899_600, {InstalmentKind.BILL: 2})}},
        missed=frozenset({"a", "b"}),
        upto=(last, 5, "t-9", "urn:bank", "posted:t-9"),
        versions={"smart-life": 1, "platinum": 3},
        application=Application(Product.PLATINUM, None),
        tallies={("three", ""): Tallied("2026-11", 2, 8_000), ("rounds", "card-1"): Tallied("week-2026-11-16", 1, 500)},
        ordinals={("daily", "DAY", "card-1"): ("2026-11-22", 1), ("first", "CAMPAIGN", ""): ("campaign", 1)},
    )


def test_what_was_written_before_is_read() -> None:
    assert state_of(WRITTEN_BEFORE) == whole()


def test_only_the_spelling_of_moments_in_utc_is_another_than_before() -> None:
    assert text_of(whole()) == WRITTEN_BEFORE.replace("+00:00", "Z")


def test_a_state_is_read_as_it_was_spelled_and_nothing_of_it_is_lost() -> None:
    found = state_of(text_of(whole()))

    assert found == whole()
    assert type(found.cards["card-1"].product) is Product
    assert type(found.cards["card-1"].first_since_approval) is First
    assert [type(phase) for phase in found.records["smart-life"]] == [Phase]
    assert [type(provider) for _, provider in found.bindings] == [BindingProvider]


def test_moments_keep_their_offset_and_those_in_utc_share_its_zone() -> None:
    card = state_of(text_of(whole())).cards["card-1"]

    assert card.approved_at is not None
    assert card.approved_at.tzinfo is UTC  # what is of one zone is compared at a third of the cost
    assert card.first_since_activation is not None
    assert card.first_since_activation.at.utcoffset() == timedelta(hours=8)


def test_of_nothing_nothing_is_written() -> None:
    assert text_of(StoryState()) == "{}"
    assert state_of("{}") == StoryState()


def test_what_is_missed_can_be_another_than_the_state_knows() -> None:
    state = whole()

    assert state_of(text_of(state, frozenset({"c"}))).missed == {"c"}
    assert state_of(text_of(state, frozenset())).missed == frozenset()
    assert state.missed == {"a", "b"}


def test_folding_on_what_was_read_never_reaches_a_second_reading() -> None:
    text = text_of(StoryState())
    state_of(text).versions["smart-life"] = 1

    assert state_of(text).versions == {}


@pytest.mark.parametrize("text", ["", "[]", '{"cards":[["card-1"]]}', '{"reached":{"a":"yesterday"}}', "null"])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        state_of(text)


def test_it_is_json_like_any_other() -> None:
    assert orjson.loads(text_of(whole()))["upto"][1:] == [5, "t-9", "urn:bank", "posted:t-9"]

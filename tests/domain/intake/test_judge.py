"""Which events of a batch are new, known, reused or unfit."""

from hypothesis import given
from hypothesis import strategies as st

from domain.intake.fields import split_data
from domain.intake.judge import Key, judge
from domain.intake.model import Accepted, Duplicate, Incoming, RejectCode, Rejected, Verdict
from tests.builders.doors import DATA, NOW

BATCH = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), max_size=20)
"""Which event, which content, whether it fits."""


def entry(name: int, content: int, fits: bool) -> tuple[Key, int, Incoming]:
    print_ = content * 2 + fits  # another content has another print
    return (name, "s", str(name)), print_, Incoming("s", str(name), "fit" if fits else "unfit", NOW, {})


def unfit(event: Incoming) -> str | None:
    return None if event.type == "fit" else "unfit"


def one_by_one(batch: list[tuple[Key, int, Incoming]], known: dict[Key, int]) -> list[Verdict]:
    """The same, each event a batch of its own and durable before the next."""
    verdicts = []
    for one in batch:
        verdicts += judge([one], known, unfit)
        if isinstance(verdicts[-1], Accepted):
            known = known | {one[0]: one[1]}
    return verdicts


@given(BATCH, st.dictionaries(st.integers(0, 3), st.integers(0, 5)))
def test_a_batch_is_judged_as_its_events_one_by_one(
    drawn: list[tuple[int, int, bool]], durable: dict[int, int]
) -> None:
    batch = [entry(*one) for one in drawn]
    known = {(name, "s", str(name)): print_ for name, print_ in durable.items()}

    assert judge(batch, known, unfit) == one_by_one(batch, known)


@given(BATCH)
def test_each_name_is_accepted_once_and_a_second_time_changes_nothing(drawn: list[tuple[int, int, bool]]) -> None:
    batch = [entry(*one) for one in drawn]

    first = judge(batch, {}, unfit)

    accepted = {one[0]: one[1] for one, verdict in zip(batch, first, strict=True) if isinstance(verdict, Accepted)}
    assert len(accepted) == sum(isinstance(verdict, Accepted) for verdict in first)
    again = judge(batch, accepted, unfit)
    assert not any(isinstance(verdict, Accepted) for verdict in again)
    for one, verdict in zip(batch, again, strict=True):
        match verdict:
            case Duplicate():
                assert accepted[one[0]] == one[1]
            case Rejected(RejectCode.EVENT_REUSED):
                assert accepted[one[0]] != one[1]
            case _:
                assert one[0] not in accepted


def test_what_is_known_is_not_asked_about_again() -> None:
    asked: list[Incoming] = []

    judge([entry(1, 1, True)], {(1, "s", "1"): 3}, lambda event: asked.append(event) or None)

    assert asked == []


def test_personal_fields_and_unknown_ones_are_never_in_the_clear_part() -> None:
    clear, personal = split_data("customer.updated", DATA["customer.updated"] | {"idNumber": "110101199005171234"})

    assert set(personal) == {"name", "phone", "birthday"}
    assert set(clear) == {"customer", "person", "city", "occupation", "children", "assetsTier"}

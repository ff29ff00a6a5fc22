"""The roll, the chain, and what a verifier finds in it."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lottery.chain import EntryUnreadable, hash_of, read_entry, read_head
from domain.lottery.odds import odds_now, prize_at
from domain.lottery.roll import roll
from domain.lottery.verify import Day, Verdict, verify
from tests.builders.draws import DAY, MadeUp, shipped

NONCES = st.lists(
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=16, max_size=64), min_size=1, max_size=12
)


def checked(made: MadeUp) -> Verdict:
    return verify(made.draw, made.days, made.record())


def test_a_roll_is_the_same_for_everybody() -> None:
    assert [roll(bytes(range(32)), "smart-life/wake-up", n, "sixteen characters") for n in (1, 2, 3)] == [
        roll(bytes(range(32)), "smart-life/wake-up", n, "sixteen characters") for n in (1, 2, 3)
    ]


@given(st.binary(min_size=32, max_size=32), st.integers(1, 10**9), st.text(min_size=16, max_size=64))
def test_a_roll_is_one_of_a_million(secret: bytes, sequence: int, nonce: str) -> None:
    if any(0xD800 <= ord(character) <= 0xDFFF for character in nonce):
        return  # half a pair is no text

    assert 0 <= roll(secret, "a/b", sequence, nonce) < 1_000_000


def test_a_hundred_thousand_rolls_fall_as_the_odds_say() -> None:
    """Chi-square over the shipped odds and over a hundred equal classes, at one in a million; no chance in it."""
    draws = 100_000
    numbers = [roll(b"a secret of thirty-two bytes ....", "a/b", n, f"nonce number {n:08}") for n in range(draws)]
    odds = [(prize.code, prize.odds_ppm) for prize in shipped().draw.prizes]

    won = Counter(prize_at(odds, number) for number in numbers)
    classes = Counter(number // 10_000 for number in numbers)

    assert sum((won[code] - ppm / 10) ** 2 / (ppm / 10) for code, ppm in odds) < 27.6  # 2 degrees of freedom
    assert sum((classes[n] - draws / 100) ** 2 / (draws / 100) for n in range(100)) < 180.8  # 99 degrees of freedom


def test_a_prize_owns_its_weights_to_the_edge() -> None:
    odds = [("a", 1), ("b", 0), ("c", 999_999)]

    assert [prize_at(odds, number) for number in (0, 1, 999_999)] == ["a", "c", "c"]
    with pytest.raises(ValueError, match="among"):
        prize_at(odds, 1_000_000)


def test_the_odds_of_what_is_gone_are_the_consolations() -> None:
    draw = shipped().draw

    now = odds_now(draw, ["jd-card-50"])

    assert now == {"jd-card-50": 0, "video-month": 250_000, "repayment-5": 750_000}


@given(NONCES)
def test_an_honest_record_has_no_faults_and_every_entry_reads_as_written(nonces: list[str]) -> None:
    made = MadeUp().add(nonces)

    verdict = checked(made)

    assert (verdict.faults, verdict.entries, verdict.rolled, verdict.whole) == ([], len(nonces), len(nonces), True)
    assert [read_entry(entry.text()) for entry in made.entries] == made.entries


@given(NONCES, st.integers(min_value=0), st.integers(0, 7))
def test_one_flipped_bit_is_found(nonces: list[str], place: int, bit: int) -> None:
    made = MadeUp().add(nonces)
    whole = "\0".join(f"{digest}\1{text}" for digest, text in made.record()).encode()
    at = place % len(whole)
    flipped = bytearray(whole)
    flipped[at] ^= 1 << bit
    try:
        record = [tuple(one.split("\1")) for one in bytes(flipped).decode().split("\0")]
    except UnicodeDecodeError:
        return  # no text any more
    if any(len(one) != 2 for one in record):
        return  # no list of entries any more

    verdict = verify(made.draw, made.days, record)  # type: ignore[arg-type]

    assert verdict.faults


def rehashed(made: MadeUp, n: int, **changes: object) -> MadeUp:
    """Entry `n` changed by somebody who then makes every hash fit again."""
    entries = [*made.entries[:n], replace(made.entries[n], **changes), *made.entries[n + 1 :]]  # type: ignore[arg-type]
    for later in range(n + 1, len(entries)):
        entries[later] = replace(entries[later], previous=hash_of(entries[later - 1].text()))
    return MadeUp(entries=entries)


def test_a_forger_who_makes_all_hashes_fit_is_found_by_the_roll_the_odds_or_the_stock() -> None:
    made = MadeUp().add([f"nonce of number {n:04}" for n in range(20)])
    entry = made.entries[7]
    another = next(code for code in ("card", "video", "coupon") if code != entry.prize)

    forged = {
        "roll": rehashed(made, 7, roll=(entry.roll + 1) % 1_000_000),
        "prize": rehashed(made, 7, prize=another),
        "nonce": rehashed(made, 7, nonce="another nonce of it"),
        "stock": rehashed(made, 7, stock=(("card", 0), ("video", 0), ("coupon", None))),
        "closed": rehashed(made, 7, closed=(entry.won,), prize=entry.prize if entry.prize != "coupon" else "card"),
        "commitment": rehashed(made, 7, commitment="0" * 64),
    }

    assert [what for what, record in forged.items() if not checked(record).faults] == []


def test_an_entry_left_out_or_put_in_another_place_is_found() -> None:
    made = MadeUp().add([f"nonce of number {n:04}" for n in range(6)])

    without = MadeUp(entries=[*made.entries[:2], *made.entries[3:]])
    turned = MadeUp(entries=[made.entries[0], made.entries[2], made.entries[1], *made.entries[3:]])

    assert checked(without).faults
    assert checked(turned).faults


def test_a_secret_that_was_not_committed_to_is_found() -> None:
    made = MadeUp().add(["sixteen characters"])

    verdict = verify(made.draw, [Day(DAY, made.days[0].commitment, "ff" * 32)], made.record())

    assert any("committed" in fault for fault in verdict.faults)


def test_before_the_secret_is_revealed_the_chain_can_be_checked_and_no_roll() -> None:
    made = MadeUp().add(["sixteen characters"])

    verdict = verify(made.draw, [Day(DAY, made.days[0].commitment, None)], made.record())

    assert (verdict.faults, verdict.rolled) == ([], 0)


def test_any_other_text_is_no_entry() -> None:
    for text in ("", "hall-draw/1", MadeUp().add(["sixteen characters"]).entries[0].text() + "\n"):
        with pytest.raises(EntryUnreadable):
            read_entry(text)


def test_a_head_reads_as_it_is_written() -> None:
    assert read_head("17|2026-10-05|ab").text() == "17|2026-10-05|ab"

"""What returns take back: in proportion, rounded down, never more than was given, whoever bears it."""

from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.model import Funding
from domain.till.model import Shares
from domain.till.shares import split, spread, spread_shares, taken_back

NOTHING = Shares(0, 0, 0)

parts = st.lists(st.integers(1, 500), min_size=1, max_size=6)
fundings = st.tuples(st.integers(0, 1_000_000), st.integers(0, 1_000_000)).map(
    lambda cut: Funding(min(cut), max(cut) - min(cut), 1_000_000 - max(cut))
)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=4), parts)
def test_many_returns_take_back_what_one_does_and_all_of_them_all_of_it(
    discounts: list[int], refunds: list[int]
) -> None:
    payable = sum(refunds)
    back: tuple[int, ...] = (0,) * len(discounts)
    refunded = 0

    for refund in refunds:
        refunded += refund
        before, back = back, spread(back, discounts, refunded, payable)

        assert sum(back) == taken_back(sum(discounts), refunded, payable)
        assert all(0 <= was <= now <= most for was, now, most in zip(before, back, discounts, strict=True))
    assert list(back) == discounts


@given(st.integers(1, 5_000), fundings, parts)
def test_each_bearer_gets_back_bit_by_bit_what_it_bore(discount: int, funding: Funding, refunds: list[int]) -> None:
    shares = split(discount, funding)
    payable, refunded, back = sum(refunds), 0, NOTHING

    for refund in refunds:
        refunded += refund
        before, back = back, spread_shares(back, shares, taken_back(discount, refunded, payable))

        step = back.minus(before)
        assert min(step.bank, step.merchant, step.platform) >= 0
        assert back.total == taken_back(discount, refunded, payable)
    assert back == shares


@given(st.integers(1, 10**9), fundings)
def test_shares_sum_to_the_discount(discount: int, funding: Funding) -> None:
    shares = split(discount, funding)

    assert shares.total == discount
    assert min(shares.bank, shares.merchant, shares.platform) >= 0


def test_a_partial_return_is_rounded_down_to_the_fen() -> None:
    assert taken_back(5_000, 5_000, 15_000) == 1_666


def test_a_sale_that_cost_nothing_is_reversed_whole() -> None:
    assert spread((0, 0), (10, 20), 0, 0) == (10, 20)

"""An answer names what was given; those kept before that hold the things themselves, and are read as well."""

from uuid import UUID

import pytest

from domain.offers.answers import named_in, naming

ONE, TWO = UUID(int=1), UUID(int=2)


def test_what_is_named_is_found_again_in_order() -> None:
    answer = naming(coupons=[TWO, ONE], deliveries=[])

    assert named_in(answer, "coupons") == [TWO, ONE]
    assert named_in(answer, "deliveries") == []


@pytest.mark.parametrize(
    ("answer", "coupons", "deliveries"),
    [
        (f'{{"coupons": [{{"id": "{ONE}", "status": "AVAILABLE"}}, {{"id": "{TWO}"}}]}}', [ONE, TWO], []),
        (f'{{"coupon": {{"id": "{ONE}"}}, "delivery": null}}', [ONE], []),
        (f'{{"coupon": null, "delivery": {{"id": "{TWO}"}}}}', [], [TWO]),
    ],
)
def test_an_answer_of_before_is_still_read(answer: str, coupons: list[UUID], deliveries: list[UUID]) -> None:
    assert (named_in(answer, "coupons"), named_in(answer, "deliveries")) == (coupons, deliveries)

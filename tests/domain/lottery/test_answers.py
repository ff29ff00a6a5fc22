"""What is kept of a draw for repetitions."""

from uuid import UUID

from domain.lottery.decide import read_result, write_result


def test_an_answer_is_read_as_it_is_kept_and_as_it_was_kept_before() -> None:
    result = "01a0fac4-da00-7b17-bd9b-9a73f721deb7"
    before = '{"id":"' + result + '","customer":"c","campaign":"smart-life","version":1,"prize":"thanks","coupon":null}'

    assert read_result(before) == read_result(write_result(result)) == UUID(result)

"""What a client may read when something went wrong, and what only our own log may."""

import pytest

from api.graphql import Limits
from tests.builders.graphql_door import GRAPHQL, SECRET, Door, SecretError, codes

MASKED = "服务开小差了，请稍后再试。"


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize(
    "query",
    [
        "{ explode }",
        "{ explodeWhole }",
        "{ tooBig }",
        "{ wrongKind { code } }",
        "{ libraryError }",
        '{ raises(what: "Broken") }',
        '{ raises(what: "no such key") }',
        "{ coupon { failing } }",
    ],
)
async def test_what_broke_on_our_side_is_masked_and_reported(door: Door, query: str) -> None:
    answer = await door.ask(query)

    (error,) = answer.json()["errors"]
    assert answer.status_code == 200
    assert error["message"] == MASKED
    assert error["extensions"] == {"code": "INTERNAL", "traceId": answer.headers["x-trace-id"]}
    assert error["path"]
    assert error["locations"]
    assert SECRET not in answer.text
    assert [trace_id for _, trace_id in door.reported] == [answer.headers["x-trace-id"]]


async def test_the_masked_sentence_follows_the_language(door: Door) -> None:
    answer = await door.ask("{ explode }", headers={"accept-language": "en"})

    assert answer.json()["errors"][0]["message"] == "Something went wrong on our side. Please try again later."


async def test_the_rest_of_an_answer_survives_one_broken_field(door: Door) -> None:
    answer = await door.ask("{ explode hello }")

    assert answer.json()["data"] == {"explode": None, "hello": "hello hall"}


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("NotSignedIn", "NOT_SIGNED_IN"),
        ("NotAllowed", "NOT_ALLOWED"),
        ("RequestReused", "REQUEST_REUSED"),
        ("TooShy", "TOO_SHY"),
    ],
)
async def test_the_halls_own_refusals_are_coded_without_detail(door: Door, what: str, code: str) -> None:
    answer = await door.ask("query ($what: String!) { raises(what: $what) }", variables={"what": what})

    assert codes(answer) == [code]
    assert answer.status_code == 200
    assert SECRET not in answer.text
    assert door.reported == []


async def test_an_invalid_input_says_what_is_invalid(door: Door) -> None:
    answer = await door.ask('{ raises(what: "InputInvalid") }')

    assert codes(answer) == ["INPUT_INVALID"]
    assert answer.json()["errors"][0]["message"] == "quantity must be at least 1"


async def test_an_argument_the_library_refuses_is_the_clients(door: Door) -> None:
    answer = await door.ask("query ($n: Int = 1) { needs(number: $n) }", variables={"n": None})

    assert codes(answer) == ["BAD_USER_INPUT"]
    assert door.reported == []


async def test_a_failed_batch_is_reported_once_however_many_fields_waited_for_it(door: Door) -> None:
    answer = await door.ask("{ shelf { failing } }")

    assert len(answer.json()["errors"]) == 2
    assert [type(exc) for exc, _ in door.reported] == [SecretError]


async def test_a_loader_gathers_the_keys_of_one_request(door: Door) -> None:
    answer = await door.ask("{ shelf { offer } }")

    assert answer.json()["data"]["shelf"] == [{"offer": "offer of 1"}, {"offer": "offer of 2"}]
    assert door.batches == [["1", "2"]]


async def test_unions_enums_and_default_arguments_work_as_in_the_library(door: Door) -> None:
    answer = await door.ask(
        "mutation ($out: Boolean!) { claim(soldOut: $out) { __typename ... on SoldOut { code left }"
        " ... on Claimed { coupon { id colour value expiresAt } } } }",
        variables={"out": False},
    )

    assert answer.json()["data"]["claim"] == {
        "__typename": "Claimed",
        "coupon": {"id": "7", "colour": "RED", "value": 5_000_000_000, "expiresAt": "2026-03-15T08:30:00+08:00"},
    }


async def test_no_more_errors_are_shown_than_the_limits_say() -> None:
    door = Door(limits=Limits(errors=5, field_errors=3))

    unknown = await door.ask("{ hello @a @a @a @a @a @a @a @a @a @a }")
    broken = await door.ask("{ coupons(first: 10) { edges { node { failing } } } }")

    assert len(unknown.json()["errors"]) == 5
    assert len(broken.json()["errors"]) == 3


async def test_names_are_suggested_in_the_sandbox_only() -> None:
    asked = "{ helo }"

    assert "Did you mean" in (await Door(sandbox=True).ask(asked)).text
    assert "Did you mean" not in (await Door().ask(asked)).text


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query ($c: Colour) { echo(colour: $c) }", {"c": "RAD"}),
        ("query ($n: Nested) { echo(nested: $n) }", {"n": {"wurd": "x"}}),
        ("{ echo(colour: RAD) }", None),
        ("{ echo(nested: {wurd: 1}) }", None),
        ("{ hello(nme: 1) }", None),
        ("{ coupon { ... on Cupon { id } } }", None),
    ],
)
async def test_nothing_is_suggested_for_inputs_either(door: Door, query: str, variables: dict[str, object]) -> None:
    answer = await door.ask(query, variables=variables)

    assert answer.status_code == 400
    assert "Did you mean" not in answer.text


async def test_introspection_is_refused_in_production(door: Door) -> None:
    answer = await door.ask("{ ...A } fragment A on Query { __schema { types { name } } }")

    assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"]


async def test_no_type_is_known_by_name_in_production(door: Door) -> None:
    answer = await door.ask(
        'query ($n: String!) { __type(name: $n) { name } a: __type(name: "Query") { name } ...A }'
        ' fragment A on Query { b: __type(name: "Coupon") { fields { name } } }',
        variables={"n": "Mutation"},
    )

    assert answer.json() == {"data": {"__type": None, "a": None, "b": None}}


async def test_a_typename_is_no_introspection(door: Door) -> None:
    answer = await door.ask("{ __typename coupon { __typename } }")

    assert answer.json()["data"] == {"__typename": "Query", "coupon": {"__typename": "Coupon"}}


async def test_types_are_known_in_the_sandbox() -> None:
    answer = await Door(sandbox=True).ask('{ __type(name: "Coupon") { name } __schema { queryType { name } } }')

    assert answer.json()["data"] == {"__type": {"name": "Coupon"}, "__schema": {"queryType": {"name": "Query"}}}


async def test_an_answer_that_cannot_be_written_is_masked() -> None:
    async def compiled(context: object, variables: object) -> object:
        raise SecretError

    door = Door(options={"compile": lambda operation: compiled})

    answer = await door.ask("{ hello }", accept=GRAPHQL)

    assert answer.status_code == 500
    assert codes(answer) == ["INTERNAL"]
    assert SECRET not in answer.text
    assert len(door.reported) == 1


async def test_long_messages_are_cut(door: Door) -> None:
    answer = await door.ask("query ($c: Colour) { echo(colour: $c) }", variables={"c": "x" * 100_000})

    assert len(answer.content) < 1_000

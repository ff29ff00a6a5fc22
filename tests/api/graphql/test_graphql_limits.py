"""Every limit from both sides, what a document costs, and the worst documents a body can carry."""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import orjson
import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.body import read_asked
from api.graphql.errors import Refused
from api.graphql.limits import Cost, Limits, PageVariable, measure
from api.graphql.plans import Documents
from tests.builders.graphql_door import Door, codes, schema

VAST = Limits(
    variable_values=10**6,
    variable_depth=100,
    tokens=10**5,
    name_chars=10**5,
    number_chars=10**5,
    literal_depth=100,
    depth=100,
    nesting=100,
    aliases=10**5,
    directives=10**5,
    root_fields=10**5,
    mutations=10**5,
    cost=10**9,
    overlaps=10**9,
)
"""No limit within reach: a test lowers the one that it is about."""


@dataclass(frozen=True)
class Edge:
    """A limit set to `at`, a document of any size on its scale, and variables for those that speak of them."""

    limit: str
    at: int
    query: Callable[[int], str]
    variables: Callable[[int], Mapping[str, Any]] = lambda size: {}
    operation: str | None = None


def nested(size: int) -> str:
    """`size` levels of fields."""
    return "{ coupon { " + "again { " * (size - 2) + "id" + " }" * size


def nested_by_fragments(size: int) -> str:
    spreads = [f"fragment F{n} on Coupon {{ again {{ ...F{n + 1} }} }}" for n in range(size - 2)]
    return "{ coupon { ...F0 } } " + " ".join(spreads) + f" fragment F{size - 2} on Coupon {{ id }}"


def nested_by_known_fragments(size: int) -> str:
    """The second operation ends in fragments that the first has already had weighed."""
    return (
        "query a { ...F0 } query b { " + "... { " * (size - 7) + "...F0" + " }" * (size - 6) + " "
        + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(5))
        + " fragment F5 on Query { hello }"
    )  # fmt: skip


def spread(size: int, what: str) -> str:
    """`what`, written once and selected `size` times by two storeys of fragments."""
    return (
        "{ coupon { " + " ".join(f"...F{n}" for n in range(size)) + " } } "
        + " ".join(f"fragment F{n} on Coupon {{ ...Last }}" for n in range(size))
        + f" fragment Last on Coupon {{ {what} }}"
    )  # fmt: skip


def deep(size: int) -> Any:
    value: object = 0
    for _ in range(size - 1):
        value = [value]
    return {"deep": value}


HELLO = "{ hello }"
EDGES = [
    Edge("document_chars", 100, lambda size: HELLO.ljust(size)),
    Edge("tokens", 50, lambda size: "{ coupons { " + "total " * (size - 5) + "} }"),
    Edge("tokens", 50, lambda size: "#\n" * (size - 3) + HELLO),
    Edge("name_chars", 20, lambda size: "{ " + "a" * size + ": hello }"),
    Edge("number_chars", 5, lambda size: "{ needs(number: " + "1" * size + ") }"),
    Edge(
        "literal_depth", 4, lambda size: "{ echo(nested: " + "{below: " * (size - 1) + "{}" + "}" * (size - 1) + ") }"
    ),
    Edge("depth", 10, nested),
    Edge("depth", 10, nested_by_fragments),
    Edge("nesting", 12, lambda size: "{ ... " * (size - 1) + HELLO + " }" * (size - 1)),
    Edge("nesting", 12, nested_by_known_fragments, operation="b"),
    Edge("aliases", 15, lambda size: "{ coupon { " + " ".join(f"a{n}: id" for n in range(size)) + " } }"),
    Edge("aliases", 15, lambda size: "{ coupon { " + " ".join(f"a{n}: __typename" for n in range(size)) + " } }"),
    Edge("aliases", 15, lambda size: spread(size, "a: id")),
    Edge("directives", 50, lambda size: "{ coupon { " + "id @skip(if: false) " * size + "} }"),
    Edge("directives", 50, lambda size: spread(size, "id @skip(if: false)")),
    Edge("root_fields", 15, lambda size: "{ " + "hello " * size + "}"),
    Edge("root_fields", 15, lambda size: "{ " + "...F " * size + "} fragment F on Query { hello }"),
    Edge("mutations", 5, lambda size: "mutation { " + "claim { __typename } " * size + "}"),
    Edge("cost", 100, lambda size: f"{{ coupons(first: {size - 2}) {{ edges {{ __typename }} }} }}"),
    Edge(
        "cost",
        100,
        lambda size: "query ($n: Int = 5) { coupons(first: $n) { edges { __typename } } }",
        lambda size: {"n": size - 2},
    ),
    Edge("variable_values", 30, lambda size: HELLO, lambda size: {"many": [0] * (size - 1)}),
    Edge("variable_depth", 10, lambda size: HELLO, deep),
]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.limit)
async def test_a_limit_may_be_reached_and_not_passed(edge: Edge) -> None:
    door = Door(limits=replace(VAST, **{edge.limit: edge.at}))

    reached = await door.ask(edge.query(edge.at), variables=edge.variables(edge.at), operationName=edge.operation)
    passed = await door.ask(
        edge.query(edge.at + 1), variables=edge.variables(edge.at + 1), operationName=edge.operation
    )

    assert reached.status_code == 200, reached.text
    assert codes(reached) == []
    assert passed.status_code == 400
    assert codes(passed) == ["LIMIT_EXCEEDED"]


async def test_the_page_and_the_home_of_a_real_client_are_well_within_the_limits() -> None:
    page = (
        "query Wallet($n: Int!) { coupons(first: $n) { total edges { cursor node { ...Card } } } }"
        " fragment Card on Coupon { id value expiresAt colour offer merchants { name } again { ...Line } }"
        " fragment Line on Coupon { id value offer merchants { name } }"
    )

    answer = await Door().ask(page, variables={"n": 100})

    assert codes(answer) == []
    assert len(answer.json()["data"]["coupons"]["edges"]) == 100


COSTS = [
    ("{ hello }", 1),
    ("{ hello language }", 2),
    ("{ dear }", 40),
    ("{ shelf { id value } }", 1 + 5 * 2),
    ("{ warehouse { id } }", 1 + 100),
    ("{ shelf { merchants { name } } }", 1 + 5 * (1 + 5 * 1)),
    ("{ coupons { total } }", 1 + 1),
    ("{ coupons { edges { cursor } } }", 1 + 1 + 20),
    ("{ coupons(first: 3) { edges { node { id } } } }", 1 + 1 + 3 * 2),
    ("{ coupons(first: 3) { ...E } } fragment E on CouponConnection { edges { cursor } }", 1 + 1 + 3),
    ("{ coupons(first: 3) { ... on CouponConnection { edges { cursor } } } }", 1 + 1 + 3),
    ("{ coupons(first: 3) { edges { node { merchants { name } } } } }", 1 + 1 + 3 * (1 + 1 + 5)),
    ("{ coupons(first: 0) { edges { cursor } } }", 2),
    ("{ coupons(first: 1000000) { edges { cursor } } }", 2 + 100),
    ("{ coupons(first: -3) { edges { cursor } } }", 2),
    ("{ coupon { ...A ...A } } fragment A on Coupon { id value }", 1 + 4),
    ("{ __typename }", 1),
    ("{ nothing { knows { this } } }", 3),
]


def cost_of(query: str) -> Cost:
    ((_, cost),) = measure(schema._schema, parse(query), VAST, introspection=False).operations
    return cost


@pytest.mark.parametrize(("query", "cost"), COSTS)
def test_the_cost_is_the_number_of_values_the_answer_may_hold(query: str, cost: int) -> None:
    assert cost_of(query).total({}) == cost


@pytest.mark.parametrize(
    ("variables", "cost"),
    [
        ({"n": 7}, 2 + 7),
        ({"n": 0}, 2),
        ({"n": -1}, 2),
        ({"n": 101}, 2 + 100),
        ({"n": None}, 2 + 20),
        ({}, 2 + 20),
    ],
)
def test_a_page_from_the_variables_is_known_with_the_request(variables: dict[str, Any], cost: int) -> None:
    assert cost_of("query ($n: Int) { coupons(first: $n) { edges { cursor } } }").total(variables) == cost


@st.composite
def selections(draw: st.DrawFn, levels: int = 3) -> tuple[str, str]:
    """A selection set on Coupon, once in full and once with parts of it moved into fragments' spreads."""
    plain, folded = [], []
    for leaf in draw(
        st.lists(st.sampled_from(["id", "value", "a: colour", "id @skip(if: false)"]), min_size=1, max_size=4)
    ):
        plain.append(leaf)
        folded.append(leaf)
    if levels:
        for field in draw(st.lists(st.sampled_from(["again", "merchants"]), max_size=2)):
            if field == "merchants":
                plain.append("merchants { name }")
                folded.append("merchants { ... on Merchant { name } }")
            else:
                inner, inner_folded = draw(selections(levels - 1))
                plain.append(f"again {{ {inner} }}")
                folded.append(f"again {{ {inner_folded} }}")
    if draw(st.booleans()):
        return " ".join(plain), f"... on Coupon {{ {' '.join(folded)} }}"
    return " ".join(plain), " ".join(folded)


@given(selections(), st.integers(min_value=1, max_value=4))
def test_a_fragment_costs_as_much_as_what_it_stands_for(selection: tuple[str, str], times: int) -> None:
    plain, folded = selection

    ((_, written),) = measure(
        schema._schema, parse(f"{{ shelf {{ {f'{plain} ' * times} }} }}"), VAST, introspection=False
    ).operations
    ((_, spread_),) = measure(
        schema._schema,
        parse(f"{{ shelf {{ {'...F ' * times} }} }} fragment F on Coupon {{ {folded} }}"),
        VAST,
        introspection=False,
    ).operations

    assert written.total({}) == spread_.total({})


def test_a_cost_shared_by_doubling_fragments_is_reckoned_once() -> None:
    """Sixty storeys of two: without the memory in `Cost.total` this test would not end."""
    each = Cost()
    each.add(1)
    each.add_each(PageVariable("n", 1, 100), _one())
    for _ in range(60):
        above = Cost()
        above.add_each(1, each)
        above.add_each(1, each)
        each = above

    assert each.total({"n": 4}) == 2**60 * 5


def _one() -> Cost:
    cost = Cost()
    cost.add(1)
    return cost


async def test_fragments_in_a_circle_are_refused_by_name() -> None:
    answer = await Door().ask(
        "{ coupon { ...A } } fragment A on Coupon { again { ...B } } fragment B on Coupon { again { ...A } }"
    )

    assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"]
    assert "within itself" in answer.text


async def test_nesting_is_refused_before_the_stack_of_python_ends() -> None:
    storeys = 2_000
    door = Door(limits=replace(Limits(), tokens=10**5, document_chars=10**6))

    answer = await door.ask(
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(storeys))
        + f" fragment F{storeys} on Query {{ hello }}"
    )

    assert codes(answer) == ["LIMIT_EXCEEDED"]


async def test_fields_selected_too_often_are_refused_before_they_are_compared() -> None:
    few = await Door().ask("{ coupon { " + "id " * 20 + "} }")
    many = await Door().ask("{ coupon { " + "id " * 900 + "} }")

    assert codes(few) == []
    assert codes(many) == ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize("query", ['{ hello(name: "\\u0000") }', '{ hello(name: """\\u{0}""") hello(name: "\\u{0}") }'])
async def test_text_that_postgresql_cannot_hold_is_refused_in_the_document(query: str) -> None:
    answer = await Door().ask(query)

    assert codes(answer) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("variables", [{"n": "a\0b"}, {"n": "x", "more": [{"a": "\0"}]}, {"n": "x", "a\0": 1}])
async def test_text_that_postgresql_cannot_hold_is_refused_in_the_variables(variables: dict[str, Any]) -> None:
    answer = await Door().ask("query ($n: String!) { hello(name: $n) }", variables=variables)

    assert codes(answer) == ["BAD_USER_INPUT"]


async def test_text_that_only_speaks_of_the_character_is_taken() -> None:
    answer = await Door().ask("query ($n: String!) { hello(name: $n) }", variables={"n": "\\u0000"})

    assert answer.json() == {"data": {"hello": "hello \\u0000"}}


def mesh(size: int) -> str:
    """Every fragment spreads all that follow it."""
    return "{ coupon { ...F0 } } " + " ".join(
        f"fragment F{n} on Coupon {{ id " + " ".join(f"...F{m}" for m in range(n + 1, size)) + " }" for n in range(size)
    )


def doubling(storeys: int) -> str:
    return (
        "{ coupon { ...F0 } } "
        + " ".join(f"fragment F{n} on Coupon {{ ...F{n + 1} ...F{n + 1} }}" for n in range(storeys))
        + f" fragment F{storeys} on Coupon {{ id }}"
    )


WORST = {
    "1,200 conflicting fields": "{" + " ".join(f'a: hello(name: "{n}")' for n in range(1_200)) + "}",
    "conflicting arguments": "{" + " ".join(f'hello(name: "{n}")' for n in range(15)) + "}",
    "the same field 980 times": "{ coupon { " + "id " * 980 + "} }",
    "the same object 240 times": "{ coupon { " + "again { id } " * 240 + "} }",
    "the same objects in objects": "{ coupon { again { " + "again { again { id value } } " * 120 + "} } }",
    "the same inline fragment": "mutation { claim { " + "... on Claimed { coupon { again { id } } } " * 70 + "} }",
    "conflicts between fragments": "{ coupon { " + " ".join(f"...F{n}" for n in range(60)) + " } } "
    + " ".join(f"fragment F{n} on Coupon {{ again {{ again {{ id }} }} }}" for n in range(60)),
    "fragments that double": doubling(12),
    "fragments that double 60 times": doubling(60),
    "fragments that spread all others": mesh(28),
    "fragments nobody spreads": "{ hello } " + " ".join(f"fragment F{n} on Coupon {{ id }}" for n in range(120)),
    "a chain of fragments with variables": "query (" + " ".join(f"$v{n}: Int" for n in range(38)) + ") { ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ coupons(first: $v{n}) {{ total }} ...F{n + 1} }}" for n in range(38))
    + " fragment F38 on Query { hello }",
    "a number of 100,000 digits": "{ needs(number: " + "9" * 100_000 + ") }",
    "a number of 60,000 digits": "{ needs(number: " + "9" * 60_000 + ") }",
    "an exponent of 60,000 digits": "{ needs(number: 1e" + "9" * 60_000 + ") }",
    "lists in lists": "{ echo(nested: " + "[" * 190 + "]" * 190 + ") }",
    "lists in lists beyond the parser": "{ echo(nested: " + "[" * 490 + "]" * 490 + ") }",
    "objects in objects": "{ echo(nested: " + "{below: " * 150 + "{}" + "}" * 150 + ") }",
    "the same key 300 times": "{ echo(nested: {" + "word: 1 " * 300 + "}) }",
    "900 wrong items": '{ echo(nested: {many: [' + '"x" ' * 900 + "]}) }",
    "60,000 comments": "#\n" * 60_000 + "{ hello }",
    "900 comments": "#\n" * 900 + "{ hello }",
    "one long comment": "#" + "a" * 65_000 + "\n{ hello }",
    "one long string": '{ hello(name: "' + "a" * 65_000 + '") }',
    "one long string of escapes": '{ hello(name: "' + "\\u0041" * 10_800 + '") }',
    "one long block string": '{ hello(name: """' + "\n" * 64_000 + '""") }',
    "a name of 250,000 characters": "{ " + "a" * 250_000 + " }",
    "a name of 60,000 characters": "{ " + "a" * 60_000 + " }",
    "spaces": " " * 65_000 + "{ hello }",
    "lines": "\n" * 65_000 + "{ hello }",
    "fields beyond the parser's depth": "{ coupon " + "{ again " * 300 + "}" * 301,
    "inline fragments in each other": "{ ... " * 190 + "{ hello }" + " }" * 190,
    "950 unknown fields": "{ coupon { " + " ".join(f"f{n}" for n in range(950)) + " } }",
    "980 misspelled fields": "{ " + "helo " * 980 + "}",
    "400 unknown fragments": "{ " + " ".join(f"...U{n}" for n in range(400)) + " }",
    "45 unknown directives": "{ hello " + "@a " * 45 + "}",
    "320 unknown arguments": "{ hello(" + " ".join(f"a{n}: 1" for n in range(320)) + ") }",
    "240 unused variables": "query (" + " ".join(f"$v{n}: Int" for n in range(240)) + ") { hello }",
    "190 operations": " ".join(f"query q{n} {{ hello }}" for n in range(190)),
    "operations that share fragments": " ".join(f"query q{n} {{ ...F0 }}" for n in range(70))
    + " ".join(f" fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(30)) + " fragment F30 on Query { hello }",
    "deep introspection": "{ __schema { types { " + "fields { type { " * 60 + "name" + " } }" * 60 + " } } }",
    "wide introspection": "{ __schema { " + "types { fields { name } } " * 130 + "} }",
}  # fmt: skip


@pytest.mark.parametrize("sandbox", [False, True], ids=["production", "sandbox"])
@pytest.mark.parametrize("query", WORST.values(), ids=WORST.keys())
def test_the_worst_document_is_done_with_in_300_000_steps(query: str, sandbox: bool) -> None:
    """Calls are counted, not seconds: 300,000 of them take about 30 ms, and the loop must not be held for 100."""
    documents = Documents(schema, Limits(), sandbox=sandbox, trusted={})
    body = orjson.dumps({"query": query})
    steps = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with suppress(Refused):
            documents.find(read_asked(body, Limits()).query, None)
    finally:
        sys.setprofile(None)

    assert steps < 300_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ hello }", "variables": {"a": ' + b"[" * 1_000 + b"]" * 1_000 + b"}}",
        b'{"query": "{ hello }", "variables": {"a": [' + b"[]," * 80_000 + b"[]]}}",
        b'{"query": "{ hello }", "variables": {"a": [' + b"1," * 120_000 + b"1]}}",
        b'{"query": "{ hello }", "variables": {' + b",".join(b'"%d": 1' % n for n in range(20_000)) + b"}}",
        b'{"query": "{ hello }", "variables": {"a": ' + b"9" * 250_000 + b"}}",
        b'{"query": "{ hello }", "variables": {"a": "' + b"\\u0000" * 40_000 + b'"}}',
    ],
    ids=["deep", "many lists", "many numbers", "many names", "one number", "one string"],
)
def test_the_worst_variables_are_refused_before_they_are_looked_through(body: bytes) -> None:
    steps = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with pytest.raises(Refused) as refused:
            read_asked(body, Limits())
    finally:
        sys.setprofile(None)

    assert refused.value.refusal.status == 400
    assert steps < 50_000

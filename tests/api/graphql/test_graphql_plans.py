"""Documents become plans once; the caches are bounded; trusted documents; where a compiled plan fits in."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLError
from hypothesis import given
from hypothesis import strategies as st
from strawberry.extensions import SchemaExtension

from api.graphql import Compiled, Limits, Operation
from api.graphql.plans import Documents, Recent
from api.scalars import schema_config
from tests.builders.graphql_door import Door, Query, codes, schema

HELLO = 'query Hello($name: String! = "you") { hello(name: $name) }'


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def persisted(hash_: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_}}


class Compiler:
    """Writes down what it is given, and compiles what it is told to."""

    def __init__(self, compiled: Compiled | None = None) -> None:
        self.seen: list[Operation] = []
        self._compiled = compiled

    def __call__(self, operation: Operation) -> Compiled | None:
        self.seen.append(operation)
        return self._compiled


async def test_a_document_is_prepared_once_for_all_its_requests() -> None:
    compiler = Compiler()
    door = Door(options={"compile": compiler})

    answers = [await door.ask(HELLO, variables={"name": name}) for name in ("a", "b", "c")]

    assert [answer.json()["data"]["hello"] for answer in answers] == ["hello a", "hello b", "hello c"]
    assert len(compiler.seen) == 1


async def test_a_refused_document_is_refused_again_without_being_read_again() -> None:
    documents = Documents(schema, Limits(), sandbox=False, trusted={})
    seen = []
    prepare = documents._prepare
    documents._prepare = lambda text: seen.append(text) or prepare(text)  # type: ignore[method-assign, func-returns-value]

    for _ in range(3):
        with pytest.raises(Exception, match="GRAPHQL_VALIDATION_FAILED"):
            documents.find("{ nothing }", None)

    assert seen == ["{ nothing }"]


async def test_garbage_does_not_push_out_a_plan() -> None:
    compiler = Compiler()
    door = Door(limits=replace(Limits(), plans=1, refusals=2), options={"compile": compiler})

    await door.ask(HELLO)
    for number in range(20):
        await door.ask(f"{{ nothing{number} }}")
    await door.ask(HELLO)

    assert len(compiler.seen) == 1


async def test_the_plan_used_longest_ago_is_made_again() -> None:
    compiler = Compiler()
    door = Door(limits=replace(Limits(), plans=2), options={"compile": compiler})

    for query in ("{ hello }", "{ language }", "{ hello }", "{ trace }", "{ hello }", "{ language }"):
        await door.ask(query)

    names = [operation.node.selection_set.selections[0].name.value for operation in compiler.seen]  # type: ignore[attr-defined]
    assert names == ["hello", "language", "trace", "language"]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 60))))
def test_a_cache_holds_what_was_used_last_and_never_more_than_its_bounds(steps: list[tuple[int, int]]) -> None:
    cache: Recent[int] = Recent(entries=4, weight=100)
    kept: dict[str, tuple[int, int]] = {}  # the model: oldest use first

    for number, weight in steps:
        key = str(number)
        found = cache.get(key)
        assert found == (kept[key][0] if key in kept else None)
        if found is None:
            cache.put(key, number, weight)
            kept[key] = (number, weight)
        else:
            kept[key] = kept.pop(key)
        while len(kept) > 4 or sum(weight for _, weight in kept.values()) > 100:
            del kept[next(iter(kept))]
        assert len(cache) == len(kept)


def test_what_outweighs_a_whole_cache_is_not_kept() -> None:
    cache: Recent[str] = Recent(entries=4, weight=100)
    cache.put("small", "kept", 10)

    cache.put("huge", "not kept", 101)

    assert cache.get("huge") is None
    assert cache.get("small") == "kept"


async def test_a_trusted_document_is_run_by_its_hash() -> None:
    door = Door(trusted={hash_of(HELLO): HELLO})

    answer = await door.ask(extensions=persisted(hash_of(HELLO)), variables={"name": "trust"})

    assert answer.json() == {"data": {"hello": "hello trust"}}


async def test_an_unknown_hash_is_not_found_and_never_learnt() -> None:
    door = Door()

    first = await door.ask(extensions=persisted(hash_of(HELLO)))
    both = await door.ask(HELLO, extensions=persisted(hash_of(HELLO)))
    again = await door.ask(extensions=persisted(hash_of(HELLO)))

    assert codes(first) == codes(again) == ["PERSISTED_QUERY_NOT_FOUND"]
    assert both.json() == {"data": {"hello": "hello you"}}


async def test_a_hash_that_is_not_the_querys_is_refused() -> None:
    door = Door(trusted={hash_of(HELLO): HELLO})

    answer = await door.ask("{ hello }", extensions=persisted(hash_of(HELLO)))

    assert answer.status_code == 400
    assert codes(answer) == ["PERSISTED_QUERY_MISMATCH"]


@pytest.mark.parametrize(
    "trusted",
    [
        {hash_of(HELLO): "{ hello }"},
        {hash_of("{ nothing }"): "{ nothing }"},
        {hash_of("{"): "{"},
        {hash_of("{ __schema { types { name } } }"): "{ __schema { types { name } } }"},
    ],
)
def test_a_trusted_document_that_would_be_refused_stops_the_start(trusted: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="trusted document"):
        Door(trusted=trusted)


async def test_the_limits_hold_for_the_variables_of_a_trusted_document() -> None:
    query = "query ($n: Int!) { coupons(first: $n) { edges { cursor } } }"
    door = Door(trusted={hash_of(query): query}, limits=Limits(cost=100))

    answer = await door.ask(extensions=persisted(hash_of(query)), variables={"n": 100})

    assert codes(answer) == ["LIMIT_EXCEEDED"]


async def test_a_compiled_plan_answers_in_bytes_with_checked_variables() -> None:
    async def compiled(context: Any, variables: Mapping[str, Any]) -> bytes:
        return b'{"hello":"%s in %s"}' % (variables["name"].encode(), str(context.head.language).encode())

    door = Door(options={"compile": Compiler(compiled)})

    answer = await door.ask(HELLO)
    refused = await door.ask(HELLO, variables={"name": 1})

    assert answer.json() == {"data": {"hello": "you in zh-CN"}}
    assert codes(refused) == ["BAD_USER_INPUT"]


async def test_a_compiled_plan_may_answer_with_errors_like_the_executors() -> None:
    async def compiled(context: Any, variables: Mapping[str, Any]) -> ExecutionResult:
        return ExecutionResult({"hello": None}, [GraphQLError("secret", path=["hello"])])

    door = Door(options={"compile": Compiler(compiled)})

    answer = await door.ask("{ hello }")

    assert codes(answer) == ["INTERNAL"]
    assert "secret" not in answer.text


async def test_a_compiler_sees_one_operation_with_its_fragments() -> None:
    compiler = Compiler()
    door = Door(options={"compile": compiler})

    await door.ask("query a { ...F } query b { hello ...F } fragment F on Query { language }", operationName="b")

    assert [operation.node.name.value for operation in compiler.seen if operation.node.name] == ["a", "b"]
    assert all(list(operation.fragments) == ["F"] for operation in compiler.seen)
    assert all(len(operation.document.definitions) == 2 for operation in compiler.seen)


class Extension(SchemaExtension):
    pass


def test_a_schema_with_extensions_is_not_silently_run_without_them() -> None:
    extended = strawberry.Schema(Query, extensions=[Extension], config=schema_config())

    with pytest.raises(ValueError, match="extensions"):
        Documents(extended, Limits(), sandbox=False, trusted={})

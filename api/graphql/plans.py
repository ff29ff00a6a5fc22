"""Documents and the plans they become: parsed, limited and validated once, run many times.

A plan is found by the text of its document, or by the hash of one registered at start-up. Both caches of texts are
bounded in entries and in bytes: good documents by what their syntax tree weighs, refused ones apart from them, so
that garbage cannot push out a plan. Trusted documents stand outside the caches and are never pushed out.

A compiled plan fits in by `Compile`: given the one validated operation it may answer a callable, which then runs
instead of the library's executor for every request of that plan.
"""

import sys
from collections import OrderedDict
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from hashlib import sha256
from inspect import isawaitable
from typing import Any, Generic, TypeAlias, TypeVar

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    create_source_event_stream,
    get_variable_values,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.language import ArgumentNode, NameNode, StringValueNode, Visitor
from graphql.validation import OverlappingFieldsCanBeMergedRule, ValidationContext
from graphql.validation.validate import ValidationAbortedError
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.errors import Refusal, Refused, refuse, refuse_document
from api.graphql.limits import Cost, Limits, check_tokens, measure, too_dear

TOKEN_BYTES = 700
"""What a token costs in memory with its share of the syntax tree (measured: 350 to 610 bytes)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One validated operation, as a compiler of plans reads it."""

    schema: GraphQLSchema
    document: DocumentNode  # this operation and the fragments, nothing else
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]


Compiled: TypeAlias = Callable[[Any, Mapping[str, Any]], Awaitable[bytes | ExecutionResult]]
"""Runs one operation with (context, coerced variables). Bytes are the JSON of `data` for an answer without errors."""

Compile: TypeAlias = Callable[[Operation], Compiled | None]
"""Makes a compiled plan, or None where the executor is to run the operation. Called once a plan."""


class Plan:
    """One operation of one document, ready to run with any variables."""

    __slots__ = (
        "_compiled",
        "_cost",
        "_executor",
        "_limits",
        "_operation",
        "_production",
        "fields",
        "kind",
        "label",
        "name",
    )

    def __init__(
        self,
        operation: Operation,
        cost: Cost,
        limits: Limits,
        *,
        executor: Any,
        production: bool,
        compiled: Compiled | None,
    ) -> None:
        self.kind = operation.node.operation
        self.name = operation.node.name.value if operation.node.name else None
        self.fields = _fields(operation)
        self.label = _label(self.fields)
        self._operation = operation
        self._cost = cost
        self._limits = limits
        self._executor = executor
        self._production = production
        self._compiled = compiled

    async def execute(
        self, context: Any, variables: dict[str, Any], extensions: dict[str, Any]
    ) -> bytes | ExecutionResult:
        """Run it: the JSON of `data`, or data and errors.

        Raises:
            Refused: the variables do not fit, or ask for too much. Nothing was run.
        """
        if self._compiled is not None:
            return await self._compiled(context, self._bind(variables))
        return await _run(self._build(context, variables, extensions))

    async def subscribe(
        self, context: Any, variables: dict[str, Any], extensions: dict[str, Any]
    ) -> "Stream | ExecutionResult":
        """Begin a subscription: its events, or why there are none.

        Raises:
            Refused: the variables do not fit, or ask for too much. Nothing was run.
        """
        executor = self._build(context, variables, extensions)
        source = create_source_event_stream(executor)
        begun = await source if isawaitable(source) else source
        return begun if isinstance(begun, ExecutionResult) else Stream(executor, begun)

    def _build(self, context: Any, variables: dict[str, Any], extensions: dict[str, Any]) -> Any:
        operation = self._operation
        executor = self._executor.build(
            operation.schema,
            operation.document,
            context_value=context,
            raw_variable_values=variables,
            max_coercion_errors=self._limits.errors,
            is_awaitable=optimized_is_awaitable,
            hide_suggestions=self._production,
            operation_extensions=extensions,
        )
        if isinstance(executor, list):
            raise self._ill_variables(executor)
        self._afford(executor.variable_values.coerced)
        return executor

    def _bind(self, variables: dict[str, Any]) -> Mapping[str, Any]:
        operation = self._operation
        bound = get_variable_values(
            operation.schema,
            operation.node.variable_definitions or (),
            variables,
            max_errors=self._limits.errors,
            hide_suggestions=self._production,
        )
        if isinstance(bound, list):
            raise self._ill_variables(bound)
        self._afford(bound.coerced)
        return bound.coerced

    def _afford(self, coerced: dict[str, Any]) -> None:
        if not self._cost.is_fixed:
            cost = self._cost.total(coerced)
            if cost > self._limits.cost:
                raise too_dear(cost, self._limits)

    def _ill_variables(self, errors: list[GraphQLError]) -> Refused:
        return refuse_document("BAD_USER_INPUT", errors[: self._limits.errors])


class Stream:
    """A subscription that has begun: `source` gives events, each of which is answered by `answer`."""

    __slots__ = ("_executor", "source")

    def __init__(self, executor: Any, source: AsyncIterable[Any]) -> None:
        self._executor = executor
        self.source = source

    async def answer(self, event: Any, context: Any) -> ExecutionResult:
        """What the subscription selects of `event`, with a context made for it."""
        executor = copy(self._executor.build_per_event_executor(event))
        executor.context_value = context
        return await _run(executor)

    async def aclose(self) -> None:
        """No more events. May be called twice."""
        close = getattr(self.source, "aclose", None)
        if close is not None:
            await close()


async def _run(executor: Any) -> ExecutionResult:
    result = executor.execute_operation()
    answered: ExecutionResult = await result if isawaitable(result) else result
    return answered


class Document:
    """The plans of one document, by operation name."""

    __slots__ = ("_plans",)

    def __init__(self, plans: list[Plan]) -> None:
        self._plans = {plan.name: plan for plan in plans}

    def plan(self, operation_name: str | None) -> Plan:
        """The plan to run. Raises Refused when the name is unknown, or missing where it is needed."""
        if operation_name is None and len(self._plans) == 1:
            return next(iter(self._plans.values()))
        plan = self._plans.get(operation_name)
        if plan is not None and operation_name is not None:
            return plan
        if operation_name is None:
            message = "Several operations are in the document: say which by `operationName`."
        else:
            message = "There is no operation of that name in the document."
        raise refuse("OPERATION_RESOLUTION_FAILURE", message, well_formed=True)


V = TypeVar("V")


class Recent(Generic[V]):
    """The values used last, bounded in number and in bytes."""

    def __init__(self, entries: int, weight: int) -> None:
        self._entries = entries
        self._most = weight
        self._weight = 0
        self._kept: OrderedDict[str, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> V | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: str, value: V, weight: int) -> None:
        """Keep `value`, pushing out what was used longest ago. `key` is not kept yet."""
        if weight > self._most:
            return
        self._kept[key] = (value, weight)
        self._weight += weight
        while len(self._kept) > self._entries or self._weight > self._most:
            self._weight -= self._kept.popitem(last=False)[1][1]


class Documents:
    """Every document this process knows, and how a new one is taken in."""

    def __init__(
        self,
        schema: strawberry.Schema,
        limits: Limits,
        *,
        sandbox: bool,
        trusted: Mapping[str, str],
        compile: Compile | None = None,
    ) -> None:
        """
        Raises:
            ValueError: the schema carries what is not run here (schema extensions, operation directives of its own), or
                a trusted document is refused or stands under a hash that is not its own.
        """
        if schema.extensions or schema.directives:
            raise ValueError("schema extensions and operation directives are not run by this door")
        self._schema = schema._schema
        self._executor = schema.execution_context_class
        self._limits = limits
        self._sandbox = sandbox
        self._compile = compile
        self._rules = _rules(limits)
        self._good: Recent[Document] = Recent(limits.plans, limits.plan_bytes)
        self._bad: Recent[Refusal] = Recent(limits.refusals, limits.refusal_bytes)
        self._trusted = {hash_: self._register(hash_, text) for hash_, text in trusted.items()}

    def find(self, query: str | None, hash_: str | None) -> Document:
        """The document asked for by its text, its hash, or both.

        Raises:
            Refused: it is unknown, or not one that is run here.
        """
        if query is None:
            document = self._trusted.get(hash_ or "")
            if document is None:
                raise refuse("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound", well_formed=True)
            return document
        if hash_ is not None and hash_ != _sha256(query):
            raise refuse("PERSISTED_QUERY_MISMATCH", "The hash is not that of the query.")
        document = self._good.get(query)
        if document is not None:
            return document
        refusal = self._bad.get(query)
        if refusal is not None:
            raise Refused(refusal)
        return self._take_in(query)

    def knows(self, query: str | None, hash_: str | None) -> bool:
        """Whether `find` would only have to look it up."""
        return query is None or self._good.get(query) is not None or self._bad.get(query) is not None

    def is_trusted(self, query: str | None, hash_: str | None) -> bool:
        """Whether it is one of our own apps' documents, asked for by its hash."""
        return query is None and hash_ in self._trusted

    def _register(self, hash_: str, text: str) -> Document:
        if hash_ != _sha256(text):
            raise ValueError(f"trusted document {hash_}: the hash is not that of the text")
        try:
            return self._prepare(text)[0]
        except Refused as refused:
            raise ValueError(f"trusted document {hash_}: {refused.refusal.errors[0]['message']}") from None

    def _take_in(self, query: str) -> Document:
        try:
            document, weight = self._prepare(query)
        except Refused as refused:
            refusal = refused.refusal
            # A text as long as this is refused for its length alone, faster than it is looked up.
            if len(query) <= self._limits.document_chars:
                self._bad.put(query, refusal, sys.getsizeof(query) + sys.getsizeof(refusal.errors) + 2_000)
            raise
        self._good.put(query, document, weight)
        return document

    def _prepare(self, text: str) -> tuple[Document, int]:
        limits = self._limits
        if len(text) > limits.document_chars:
            raise refuse("LIMIT_EXCEEDED", f"A document may have {limits.document_chars} characters.", well_formed=True)
        try:
            document = parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLSyntaxError as problem:
            limited = problem.message.endswith("Parsing aborted.")
            raise refuse_document("LIMIT_EXCEEDED" if limited else "GRAPHQL_PARSE_FAILED", [problem]) from None
        check_tokens(document, limits)
        weight = sys.getsizeof(text) + TOKEN_BYTES * document.token_count
        measured = measure(self._schema, document, limits, introspection=self._sandbox)
        self._validate(document)

        if measured.asks_for_type and not self._sandbox:
            document = visit(document, _NoType())
            operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        else:
            operations = [node for node, _ in measured.operations]
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        plans = [
            self._plan(node, fragments, cost) for node, (_, cost) in zip(operations, measured.operations, strict=True)
        ]
        if not plans:
            raise refuse("GRAPHQL_VALIDATION_FAILED", "The document holds no operation.", well_formed=True)
        return Document(plans), weight

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(
            self._schema,
            document,
            self._rules,
            max_errors=self._limits.errors,
            hide_suggestions=not self._sandbox,
        )
        if not errors:
            return
        # Aborted at its first error: the comparing of fields would have cost too much, nothing else was wrong so far.
        if isinstance(errors[0], ValidationAbortedError):
            raise refuse("LIMIT_EXCEEDED", "Too many selections of the same fields.", well_formed=True)
        raise refuse_document("GRAPHQL_VALIDATION_FAILED", errors[: self._limits.errors])

    def _plan(self, node: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode], cost: Cost) -> Plan:
        alone = DocumentNode(definitions=(node, *fragments.values()))
        operation = Operation(self._schema, alone, node, fragments)
        return Plan(
            operation,
            cost,
            self._limits,
            executor=self._executor,
            production=not self._sandbox,
            compiled=self._compile(operation) if self._compile is not None else None,
        )


def _sha256(text: str) -> str:
    # A lone surrogate cannot come from JSON that was read strictly; a text given by hand must not break us either.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _rules(limits: Limits) -> tuple[type[Any], ...]:
    class BoundedOverlaps(OverlappingFieldsCanBeMergedRule):
        """The library's rule with our budget: its own would let one document hold the loop for 0.2 s."""

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = limits.overlaps

    ours = tuple(BoundedOverlaps if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules)
    return (*ours, MaybeNullValidationRule, OneOfInputValidationRule)


class _NoType(Visitor):
    """Without introspection `__type` knows no type: it asks for one without a name, and answers null."""

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        if node.name.value != "__type":
            return None
        nameless = ArgumentNode(name=NameNode(value="name"), value=StringValueNode(value=""))
        return replace(node, arguments=(nameless,))


def _fields(operation: Operation) -> tuple[str, ...]:
    """The fields at the root, each as often as it is selected."""
    names: list[str] = []
    _root_names(operation.node.selection_set, operation.fragments, names, set())
    return tuple(names)


def _label(names: tuple[str, ...]) -> str:
    """The first field at the root, with a plus where there are more: few enough to be a metric's label.

    The operation's name is the client's own choice, and so is how many of them there are.
    """
    return names[0] + ("+" if len(set(names)) > 1 else "") if names else "nothing"


def _root_names(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], names: list[str], seen: set[str]
) -> None:
    for node in selection_set.selections:
        match node:
            case FieldNode():
                names.append(node.name.value)
            case InlineFragmentNode():
                _root_names(node.selection_set, fragments, names, seen)
            case FragmentSpreadNode() if node.name.value not in seen:
                seen.add(node.name.value)
                _root_names(fragments[node.name.value].selection_set, fragments, names, seen)

"""How much one document may ask for, and whether it does.

Everything here is measured before validation, in time linear in the document: a fragment is weighed once, however
often it is spread, and the sums grow as numbers, so fragments that double thirty times over are refused at the price
of thirty additions. The figures follow graphql-armor's defaults (tokens 1,000, aliases 15, directives 50) with a
depth of 10 for this schema. A limit holds for an operation with its fragments expanded; tokens hold for the document.

Cost is the number of field values an answer may hold. A field costs 1, or what its `cost` in Strawberry's metadata
says; what is selected below a list counts once per item. The items of a list are: its `first` or `last`, from the
document, the variables or the schema's default, at most `page_most`; `page_size` where that is left to the resolver;
for a list without pages its `size` in the metadata, else `list_size`. In a connection the page is that of the list
inside it (`edges`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TokenKind,
    Undefined,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from api.graphql.errors import Refused, refuse


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures, each documented in docs/graphql.md with what it is there for."""

    body_bytes: int = 256 * 1024
    body_seconds: float = 10.0
    discard_bytes: int = 32 * 1024 * 1024
    variable_values: int = 1_000
    variable_depth: int = 10

    document_chars: int = 64 * 1024
    tokens: int = 1_000
    name_chars: int = 128
    number_chars: int = 64
    literal_depth: int = 10

    depth: int = 10
    nesting: int = 40
    aliases: int = 15
    directives: int = 50
    root_fields: int = 15
    mutations: int = 5
    cost: int = 10_000
    list_size: int = 5
    page_size: int = 20
    page_most: int = 100
    overlaps: int = 10_000

    errors: int = 5
    field_errors: int = 20

    plans: int = 1_000
    plan_bytes: int = 64 * 1024 * 1024
    refusals: int = 1_000
    refusal_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PageVariable:
    """A page size that only the request's variables tell. most: a page never holds more."""

    name: str
    otherwise: int
    most: int


Page: TypeAlias = int | PageVariable


class Cost:
    """A sum that may wait for the request's variables; `fixed` is the part of it that does not."""

    __slots__ = ("_waiting", "fixed")

    def __init__(self) -> None:
        self.fixed = 0
        self._waiting: list[tuple[Page, Cost]] = []

    def add(self, amount: int) -> None:
        self.fixed += amount

    def add_each(self, page: Page, each: "Cost") -> None:
        """`page` times `each`."""
        if isinstance(page, int) and not each._waiting:
            self.add(page * each.fixed)
            return
        self._waiting.append((page, each))

    @property
    def is_fixed(self) -> bool:
        return not self._waiting

    def total(self, variables: Mapping[str, Any]) -> int:
        """The cost with these coerced variables; a negative page costs as much as none."""
        return self._total(variables, {})

    def _total(self, variables: Mapping[str, Any], known: dict[int, int]) -> int:
        # A fragment's cost is shared by all its spreads: reckoned once, or doubling fragments would take us 2^n steps.
        if id(self) not in known:
            total = self.fixed
            for page, each in self._waiting:
                if isinstance(page, PageVariable):
                    value = variables.get(page.name)
                    page = min(max(value, 0), page.most) if isinstance(value, int) else page.otherwise
                total += page * each._total(variables, known)
            known[id(self)] = total
        return known[id(self)]


class Measure:
    """What a selection set, with everything below it, amounts to."""

    __slots__ = ("aliases", "cost", "depth", "directives", "fields", "nesting")

    def __init__(self) -> None:
        self.depth = 0
        self.nesting = 1
        self.fields = 0  # directly selected, fragments expanded
        self.aliases = 0
        self.directives = 0
        self.cost = Cost()

    def take(self, other: "Measure") -> None:
        """Selections that stand among ours: a fragment's."""
        self.depth = max(self.depth, other.depth)
        self.nesting = max(self.nesting, other.nesting + 1)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.cost.add_each(1, other.cost)

    def take_below(self, other: "Measure", levels: int, page: Page) -> None:
        """Selections below one of our fields."""
        self.depth = max(self.depth, other.depth + levels)
        self.nesting = max(self.nesting, other.nesting + 1)
        self.aliases += other.aliases
        self.directives += other.directives
        self.cost.add_each(page, other.cost)


@dataclass(frozen=True, slots=True)
class Measured:
    """A document that is within its limits: its operations with what each costs."""

    operations: tuple[tuple[OperationDefinitionNode, Cost], ...]
    asks_for_type: bool


def check_tokens(document: DocumentNode, limits: Limits) -> None:
    """What the list of tokens shows: how many, comments included; directives; long names and numbers; nested values.

    Raises Refused, also for text with U+0000.
    """
    if document.token_count > limits.tokens:
        raise _too_many("tokens", limits.tokens)
    directives = parens = nesting = 0
    token = document.loc.start_token if document.loc else None
    while token is not None:
        match token.kind:
            case TokenKind.NAME if len(token.value or "") > limits.name_chars:
                raise refuse("LIMIT_EXCEEDED", f"A name may have {limits.name_chars} characters.", well_formed=True)
            case TokenKind.INT | TokenKind.FLOAT if len(token.value or "") > limits.number_chars:
                raise refuse("LIMIT_EXCEEDED", f"A number may have {limits.number_chars} characters.", well_formed=True)
            case TokenKind.STRING | TokenKind.BLOCK_STRING if "\0" in (token.value or ""):
                raise refuse("BAD_USER_INPUT", "Text must not contain the character U+0000.", well_formed=True)
            case TokenKind.AT:
                directives += 1
            case TokenKind.PAREN_L:
                parens += 1
            case TokenKind.PAREN_R:
                parens -= 1
            case TokenKind.BRACKET_L | TokenKind.BRACE_L if parens:
                nesting += 1
                if nesting > limits.literal_depth:
                    raise refuse(
                        "LIMIT_EXCEEDED", f"A value may be nested {limits.literal_depth} deep.", well_formed=True
                    )
            case TokenKind.BRACKET_R | TokenKind.BRACE_R if parens:
                nesting -= 1
        token = token.next
    if directives > limits.directives:
        raise _too_many("directives", limits.directives)


def measure(schema: GraphQLSchema, document: DocumentNode, limits: Limits, *, introspection: bool) -> Measured:
    """Weigh every operation of a parsed document, valid or not, and hold it against the limits.

    Raises:
        Refused: a limit is passed, or `__schema` is asked for without `introspection`.
    """
    return _Scale(schema, document, limits, introspection).measured()


class _Scale:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, limits: Limits, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._weighed: dict[tuple[str, Page | None], Measure | None] = {}
        self._asks_for_type = False

    def measured(self) -> Measured:
        operations = []
        for operation in self._operations:
            root = self._schema.get_root_type(operation.operation)
            found = self._selections(operation.selection_set, root, None, 1, False)
            self._check(operation, found)
            operations.append((operation, found.cost))
        # One that no operation spreads is refused by validation, but must not be dear to validate either.
        for name in self._fragments:
            self._hold(self._fragment(name, None, 1, False))
        return Measured(tuple(operations), self._asks_for_type)

    def _check(self, operation: OperationDefinitionNode, found: Measure) -> None:
        limits = self._limits
        self._hold(found)
        if found.fields > limits.root_fields:
            raise _too_many("fields at the root", limits.root_fields)
        if operation.operation is OperationType.MUTATION and found.fields > limits.mutations:
            raise _too_many("mutations in one request", limits.mutations)
        if found.cost.fixed > limits.cost:
            raise too_dear(found.cost.fixed, limits)

    def _hold(self, found: Measure) -> None:
        limits = self._limits
        if found.depth > limits.depth or found.nesting > limits.nesting:
            raise _too_deep(limits)
        if found.aliases > limits.aliases:
            raise _too_many("aliases", limits.aliases)
        if found.directives > limits.directives:
            raise _too_many("directives", limits.directives)

    def _selections(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLCompositeType | None,
        page: Page | None,
        level: int,
        free: bool,
    ) -> Measure:
        if level > self._limits.nesting:
            raise _too_deep(self._limits)
        found = Measure()
        for node in selection_set.selections:
            found.directives += len(node.directives or ())
            match node:
                case FieldNode():
                    self._field(found, node, parent, page, level, free)
                case InlineFragmentNode():
                    below = self._condition(node, parent)
                    found.take(self._selections(node.selection_set, below, page, level + 1, free))
                case FragmentSpreadNode():
                    found.take(self._fragment(node.name.value, page, level + 1, free))
        return found

    def _fragment(self, name: str, page: Page | None, level: int, free: bool) -> Measure:
        fragment = self._fragments.get(name)
        key = (name, page)
        # An unknown fragment, or one inside itself, weighs nothing here: validation refuses both.
        if fragment is None or (key in self._weighed and self._weighed[key] is None):
            return Measure()
        known = self._weighed.get(key)
        if known is None:
            self._weighed[key] = None
            parent = self._condition(fragment, None)
            known = self._selections(fragment.selection_set, parent, page, level, free)
            self._weighed[key] = known
        return known

    def _condition(
        self, node: InlineFragmentNode | FragmentDefinitionNode, parent: GraphQLCompositeType | None
    ) -> GraphQLCompositeType | None:
        if node.type_condition is None:
            return parent
        named = self._schema.get_type(node.type_condition.name.value)
        return named if is_composite_type(named) else None

    def _field(
        self,
        found: Measure,
        node: FieldNode,
        parent: GraphQLCompositeType | None,
        page: Page | None,
        level: int,
        free: bool,
    ) -> None:
        found.fields += 1
        if node.alias is not None:
            found.aliases += 1
        name = node.name.value
        if name == "__schema" and not self._introspection:
            raise refuse("GRAPHQL_VALIDATION_FAILED", "Introspection is off.", well_formed=True)
        if name == "__type":
            self._asks_for_type = True
        field = self._schema.get_field(parent, name) if parent is not None else None
        metadata = _metadata(field)
        found.cost.add(int(metadata.get("cost", 1)))
        if node.selection_set is None:
            found.depth = max(found.depth, 0 if free else 1)
            return
        # Introspection is deep by nature; the library's own rule bounds how its lists may nest.
        free = free or name in ("__schema", "__type")
        below: GraphQLCompositeType | None = None
        times: Page = 1
        inner: Page | None = None
        if field is not None:
            named = get_named_type(field.type)
            below = named if is_composite_type(named) else None
            own = _page(node, field, self._limits)
            if is_list_type(get_nullable_type(field.type)) and not free:
                if own is not None:
                    times = own
                elif page is not None:
                    times = page
                else:
                    times = int(metadata.get("size", self._limits.list_size))
            else:
                inner = own
        found.take_below(self._selections(node.selection_set, below, inner, level + 1, free), 0 if free else 1, times)


def _metadata(field: GraphQLField | None) -> dict[str, Any]:
    definition = field.extensions.get("strawberry-definition") if field is not None else None
    return getattr(definition, "metadata", None) or {}


def _page(node: FieldNode, field: GraphQLField, limits: Limits) -> Page | None:
    """How many items the field's `first` or `last` ask for; None when it has neither."""
    declared = [name for name in ("first", "last") if name in field.args]
    if not declared:
        return None
    for argument in node.arguments or ():
        if argument.name.value in declared:
            match argument.value:
                case IntValueNode(value=value):
                    return min(max(int(value), 0), limits.page_most)
                case VariableNode(name=variable):
                    otherwise = _default_page(field, argument.name.value, limits)
                    return PageVariable(variable.value, otherwise, limits.page_most)
    return _default_page(field, declared[0], limits)


def _default_page(field: GraphQLField, name: str, limits: Limits) -> int:
    default = field.args[name].default_value
    return default if default is not Undefined and isinstance(default, int) else limits.page_size


def too_dear(cost: int, limits: Limits) -> Refused:
    return refuse(
        "LIMIT_EXCEEDED",
        f"The answer may hold {cost} values; one request may ask for {limits.cost}.",
        well_formed=True,
    )


def _too_deep(limits: Limits) -> Refused:
    return refuse("LIMIT_EXCEEDED", f"Fields may be nested {limits.depth} deep.", well_formed=True)


def _too_many(what: str, limit: int) -> Refused:
    return refuse("LIMIT_EXCEEDED", f"There are too many {what}; the limit is {limit}.", well_formed=True)

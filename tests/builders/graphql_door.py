"""A small schema of the tests' own behind the door of `/graphql`, with a resolver for each way to go wrong."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import httpx
import strawberry
from graphql import GraphQLError
from strawberry.dataloader import DataLoader

from api.graphql import GraphQLApp, Limits, RequestHead
from api.scalars import Fen, Points, schema_config
from domain.kernel.errors import Broken, Busy, HallError, InputInvalid, NotAllowed, NotSignedIn, RequestReused

GRAPHQL = "application/graphql-response+json"
SECRET = "password=hunter2"
"""What no answer may show."""


class SecretError(Exception):
    def __init__(self) -> None:
        super().__init__(SECRET)


class TooShy(HallError):
    code = "TOO_SHY"


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.interface
class Problem:
    code: str


@strawberry.type
class SoldOut(Problem):
    left: int


@strawberry.type
class Merchant:
    name: str


@strawberry.type
class Coupon:
    id: strawberry.ID
    value: Fen
    expires_at: datetime
    colour: Colour

    @strawberry.field
    def merchants(self) -> list[Merchant]:
        return [Merchant(name="tea")]

    @strawberry.field
    async def offer(self, info: strawberry.Info) -> str:
        loaded: str = await info.context.titles.load(self.id)
        return loaded

    @strawberry.field
    async def failing(self, info: strawberry.Info) -> str | None:
        loaded: str = await info.context.failing.load(self.id)
        return loaded

    @strawberry.field
    def again(self) -> "Coupon":
        return self


@strawberry.type
class CouponEdge:
    cursor: str
    node: Coupon


@strawberry.type
class CouponConnection:
    edges: list[CouponEdge]
    total: int


@strawberry.type
class Claimed:
    coupon: Coupon


ClaimResult = Annotated[Claimed | SoldOut, strawberry.union("ClaimResult")]


@strawberry.input
class Nested:
    word: str = ""
    below: "Nested | None" = None
    many: list[int] = strawberry.field(default_factory=list)


def coupon(number: int) -> Coupon:
    at = datetime.fromisoformat("2026-03-15T00:30:00+00:00")
    return Coupon(id=strawberry.ID(str(number)), value=5_000_000_000, expires_at=at, colour=Colour.RED)


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "hall") -> str:
        return f"hello {name}"

    @strawberry.field
    def language(self, info: strawberry.Info) -> str:
        return str(info.context.head.language)

    @strawberry.field
    def trace(self, info: strawberry.Info) -> str:
        return str(info.context.head.trace_id)

    @strawberry.field
    def coupon(self) -> Coupon:
        return coupon(1)

    @strawberry.field
    def coupons(self, first: int = 20, after: str | None = None) -> CouponConnection:
        return CouponConnection(edges=[CouponEdge(cursor=str(n), node=coupon(n)) for n in range(first)], total=first)

    @strawberry.field
    def shelf(self) -> list[Coupon]:
        return [coupon(1), coupon(2)]

    @strawberry.field(metadata={"size": 100})
    def warehouse(self) -> list[Coupon]:
        return [coupon(1)]

    @strawberry.field(metadata={"cost": 40})
    def dear(self) -> int:
        return 40

    @strawberry.field
    def echo(
        self,
        at: datetime | None = None,
        day: date | None = None,
        id: UUID | None = None,
        fen: Fen | None = None,
        points: Points | None = None,
        colour: Colour | None = None,
        nested: Nested | None = None,
        number: int | None = None,
    ) -> str:
        return repr([one for one in (at, day, id, fen, points, colour, nested, number) if one is not None])

    @strawberry.field
    def needs(self, number: int) -> int:
        return number

    @strawberry.field
    def explode(self) -> str | None:
        raise SecretError

    @strawberry.field
    def explode_whole(self) -> str:
        raise SecretError

    @strawberry.field
    def too_big(self) -> int | None:
        return 2**40

    @strawberry.field
    def wrong_kind(self) -> Problem | None:
        return Merchant(name=SECRET)  # type: ignore[return-value]

    @strawberry.field
    def library_error(self) -> str | None:
        raise GraphQLError(SECRET)

    @strawberry.field
    def raises(self, what: str) -> str | None:
        raise {
            "NotSignedIn": NotSignedIn(SECRET),
            "NotAllowed": NotAllowed(SECRET),
            "RequestReused": RequestReused(SECRET),
            "InputInvalid": InputInvalid("quantity must be at least 1"),
            "TooShy": TooShy(SECRET),
            "Broken": Broken(SECRET),
            "Busy": Busy(SECRET),
        }[what]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def claim(self, sold_out: bool = False) -> ClaimResult:
        return SoldOut(code="SOLD_OUT", left=0) if sold_out else Claimed(coupon=coupon(7))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


schema = strawberry.Schema(Query, Mutation, Subscription, types=[SoldOut], config=schema_config())


class Context:
    """What the real context will be: the head, and loaders that live for one request."""

    def __init__(self, head: RequestHead, batches: list[list[str]]) -> None:
        self.head = head

        async def titles(keys: list[str]) -> list[str]:
            batches.append(keys)
            return [f"offer of {key}" for key in keys]

        async def failing(keys: list[str]) -> list[str]:
            raise SecretError

        self.titles = DataLoader(load_fn=titles)
        self.failing = DataLoader(load_fn=failing)


@dataclass
class Door:
    """The door with its hooks written down. `turn_away` is raised while the context is made."""

    limits: Limits = field(default_factory=Limits)
    sandbox: bool = False
    trusted: Mapping[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    turn_away: Exception | None = None
    reported: list[tuple[BaseException, str]] = field(default_factory=list)
    observed: list[tuple[str, str, str]] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = GraphQLApp(
            schema,
            context_for=self._context,
            report=lambda exc, trace_id: self.reported.append((exc, trace_id)),
            observe=lambda operation, kind, outcome, _: self.observed.append((operation, kind, outcome)),
            limits=self.limits,
            sandbox=self.sandbox,
            trusted=self.trusted,
            **self.options,
        )
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://hall.test")

    async def _context(self, head: RequestHead) -> Context:
        if self.turn_away is not None:
            raise self.turn_away
        return Context(head, self.batches)

    async def ask(
        self, query: str | None = None, *, accept: str = GRAPHQL, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """One well-formed request, without a socket in between."""
        if query is not None:
            body["query"] = query
        return await self.send(json=body, headers={"accept": accept, **(headers or {})})

    async def send(self, method: str = "POST", **request: Any) -> httpx.Response:
        return await self._client.request(method, "/graphql", **request)


def codes(answer: httpx.Response) -> list[str]:
    """The codes of an answer's errors, each once, in order; none for an answer without errors."""
    return list(dict.fromkeys(error["extensions"]["code"] for error in answer.json().get("errors", ())))

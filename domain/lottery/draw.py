"""A customer draws: one chance, one result, once per request.

What is known beforehand is read without locks; the place in the sequence, the prize and the stock are decided at the
unit's turn in the commit (`domain.lottery.decide`). Source of the rules: plan rules A8 and A12.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID

from domain.kernel.errors import Broken, Busy, InputInvalid, RequestReused
from domain.kernel.ids import lane_of, new_id
from domain.kernel.prints import fingerprint
from domain.kernel.time import Clock, business_day
from domain.ledger.unit import Committed, Gone, Ledger, Moved, Repeated, Request, Reused, Short
from domain.lottery.decide import DrawTurn, read_result, undecided
from domain.lottery.facts import ChanceFacts, DrawOf, ResultFacts, find_draw
from domain.lottery.ports import DrawSecrets, ReadDraws
from domain.offers.catalog import Catalog
from domain.offers.outcomes import AccountFrozen, NotFound, NotOpen
from domain.offers.ports import Catalogs
from domain.risk.freezes import ReadFreezes

NONCE_LENGTH = range(16, 65)
TRIES = 8
"""How often a draw is decided again: each time, another draw of the same customer took the chance first."""


@dataclass(frozen=True, slots=True)
class DrawPrize:
    """nonce: the customer's own 16 to 64 printable characters, mixed into the roll."""

    request_id: UUID
    customer: str
    draw: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Drawn:
    result: ResultFacts


@dataclass(frozen=True, slots=True)
class NoChance:
    """No chance is left, or none has been earned."""


DrawOutcome: TypeAlias = Drawn | NoChance | NotOpen | AccountFrozen | NotFound


def check_nonce(nonce: str) -> None:
    """Raises InputInvalid. Printable, so that everybody who recomputes a result reads the same bytes."""
    if len(nonce) not in NONCE_LENGTH or not nonce.isprintable():
        raise InputInvalid("clientNonce must be 16 to 64 printable characters.")


def choose_chance(of: DrawOf | None, chances: Sequence[ChanceFacts], now: datetime) -> ChanceFacts | NotOpen | NoChance:
    """The chance to draw: the one that ends first. After the campaign has closed a chance is still good to its end."""
    if of is None:
        return NoChance()
    phases = of.campaign.phases
    if now < phases.starts_at:
        return NotOpen(phases.starts_at)
    mine = next((chance for chance in chances if (chance.campaign, chance.draw) == of.key), None)
    if mine is not None:
        return mine
    return NotOpen(None) if now >= phases.closes_at else NoChance()


async def draw_prize(
    command: DrawPrize,
    *,
    read: ReadDraws,
    secrets: DrawSecrets,
    catalogs: Catalogs,
    freezes: ReadFreezes,
    ledger: Ledger,
    clock: Clock,
) -> DrawOutcome:
    """Draw once per `request_id`; every draw wins something while the consolation can be paid for.

    Returns:
        What happened; the same result again for the same `request_id`, whatever has changed meanwhile.

    Raises:
        InputInvalid: the nonce is not one.
        RequestReused: the `request_id` came before with a different command.
        Busy: too much is waiting; nothing was done.
    """
    check_nonce(command.nonce)
    request = Request(command.customer, command.request_id, fingerprint("draw", command.draw, command.nonce))
    lane = lane_of(command.customer)
    anew = False
    refusal: DrawOutcome
    for _ in range(TRIES):
        now = clock.now()
        frozen = await freezes.freeze_of(command.customer)
        chances = await read.chances(command.customer, now, command.draw)
        catalog = await catalogs.latest()  # at least as new as what the statement saw
        of = find_draw(catalog, command.draw, now)
        chance = choose_chance(of, chances, now)
        if of is None or frozen is not None or not isinstance(chance, ChanceFacts):
            if frozen is not None:
                refusal = AccountFrozen(frozen.appealable)
            else:
                refusal = NotFound() if of is None or isinstance(chance, ChanceFacts) else chance
            break
        turn = await _turn(of, chance, command.nonce, now, secrets, catalog, anew=anew)
        if turn is None:
            refusal = NotFound()
            break
        result = await ledger.commit(undecided(turn, request))
        match result:
            case Committed():
                assert turn.told is not None
                return Drawn(turn.told)
            case Repeated(answer):
                return Drawn(await _there(read, command.customer, answer))
            case Reused():
                raise RequestReused
            case Moved(kind):
                anew = kind == of.chain.kind
                continue  # the chance was drawn or expired meanwhile, or the day has turned: look again
            case Short(account) if account.key.startswith("chance|"):
                continue
            case Short():
                refusal = NotOpen(None)
                break
            case Gone():
                raise Broken("a draw ends no hold")
        assert_never(result)
    else:
        raise Busy("this customer's draws keep meeting each other")
    # A refusal is judged afresh each time, but what was drawn once is answered as it was.
    match await read.answer_to(request, lane):
        case Repeated(answer):
            return Drawn(await _there(read, command.customer, answer))
        case Reused():
            raise RequestReused
    return refusal


async def _there(read: ReadDraws, customer: str, answer: str) -> ResultFacts:
    """The result of a draw that was committed before."""
    found = await read.results_by_id(customer, [read_result(answer)])
    if not found:
        raise Broken("a draw that was committed is not there")
    return found[0]


async def _turn(
    of: DrawOf, chance: ChanceFacts, nonce: str, now: datetime, secrets: DrawSecrets, catalog: Catalog, *, anew: bool
) -> DrawTurn | None:
    offer = catalog.granted(chance.campaign, of.campaign.version, chance.offer, now)
    if offer is None:
        return None
    day, lane = business_day(now), lane_of(chance.customer)
    known = await secrets.secrets(of.key, of.chain.lane, day, anew=anew)
    return DrawTurn(
        of=of, offer=offer, chance=chance, nonce=nonce, at=now, day=day, secrets=known,
        result=new_id(lane, now),
    )  # fmt: skip

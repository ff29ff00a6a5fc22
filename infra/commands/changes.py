"""The part of `hall campaign` that changes a campaign while it runs, beside the operators' API.

Author and second person are the system's users: two people at the machine, or `--by`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from infra.campaigns.live import CampaignChanges

Code = Annotated[str, typer.Argument(help="A campaign's code.")]
OfferCode = Annotated[str, typer.Argument(help="An offer's code.")]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]
By = Annotated[str | None, typer.Option("--by", help="Who asks; the system's user unless said.")]


def quota(
    code: Code,
    offer: OfferCode,
    current: Annotated[int, typer.Option(help="What you see now; refused if it is another figure by then.")],
    target: Annotated[int, typer.Option(help="What it shall be.")],
    reason: Reason,
    by: By = None,
) -> None:
    """Raise (or lower) an offer's quota."""
    _ask(code, {"kind": "quota", "offer": offer, "current": current, "target": target}, reason, by)


def pause(code: Code, offer: OfferCode, reason: Reason, by: By = None) -> None:
    """Give nothing of an offer until it is resumed. Needs a second person."""
    _ask(code, {"kind": "pause", "offer": offer}, reason, by)


def resume(code: Code, offer: OfferCode, reason: Reason, by: By = None) -> None:
    """Give a paused offer again."""
    _ask(code, {"kind": "resume", "offer": offer}, reason, by)


def end(
    code: Code,
    offer: OfferCode,
    current: Annotated[str, typer.Option(help="Its end as you see it: 2026-12-30T00:00:00+08:00.")],
    reason: Reason,
    at: Annotated[str | None, typer.Option(help="The new end; the next full minute unless said.")] = None,
    by: By = None,
) -> None:
    """End an offer early. Needs a second person."""
    _ask(code, {"kind": "end", "offer": offer, "current": current, "target": at}, reason, by)


def extend(
    code: Code,
    current: Annotated[str, typer.Option(help="The end as you see it: 2026-12-30T00:00:00+08:00.")],
    to: Annotated[str, typer.Option(help="The new end.")],
    reason: Reason,
    offer: Annotated[str | None, typer.Option(help="Only this offer; else the campaign's active phase.")] = None,
    by: By = None,
) -> None:
    """Let a campaign, or an offer with dates of its own, run longer."""
    _ask(code, {"kind": "extend", "offer": offer, "current": current, "target": to}, reason, by)


def payment_methods(
    code: Code,
    offer: OfferCode,
    current: Annotated[str, typer.Option(help="Those that take part now: CARD,WECHAT_PAY,ALIPAY,QUICKPASS.")],
    target: Annotated[str, typer.Option(help="Those that shall take part.")],
    reason: Reason,
    by: By = None,
) -> None:
    """Restrict the ways of paying for an offer. Needs a second person where fewer take part."""
    change = {
        "kind": "paymentMethods", "offer": offer, "current": current.split(","), "target": target.split(","),
    }  # fmt: skip
    _ask(code, change, reason, by)


def agree(
    id: Annotated[str, typer.Argument(help="Of a change that waits: see `hall campaign changes`.")], by: By = None
) -> None:
    """Agree to an adverse change that somebody else asked for."""
    from getpass import getuser

    async def work(changes: "CampaignChanges") -> str:
        return _told(await changes.approve(_uuid(id), by or getuser()))

    typer.echo(_on_changes(work))


def reject(
    id: Annotated[str, typer.Argument(help="Of a change that waits: see `hall campaign changes`.")],
    reason: Reason,
    by: By = None,
) -> None:
    """Reject an adverse change that somebody else asked for."""
    from getpass import getuser

    async def work(changes: "CampaignChanges") -> str:
        return _told(await changes.reject(_uuid(id), by or getuser(), reason))

    typer.echo(_on_changes(work))


def changes(
    code: Annotated[str | None, typer.Argument(help="Of this campaign; of all unless said.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for a second person.")] = False,
) -> None:
    """List live changes, the newest first."""
    from domain.kernel.time import iso
    from domain.operate.ports import RequestStatus

    async def work(found: "CampaignChanges") -> str:
        rows = await found.listed(code, RequestStatus.PENDING if waiting else None)
        lines = [
            f"{row.id} {iso(row.at)} {row.campaign} {_said(row.change)}: {row.status.value} ({row.effect.value}), "
            f"by {row.author}{f' and {row.second}' if row.second else ''}: {row.reason}"
            for row in rows
        ]
        return "\n".join(lines) or "There are none."

    typer.echo(_on_changes(work))


def add_to(app: typer.Typer) -> None:
    """Make them commands of `hall campaign`."""
    app.command()(quota)
    app.command()(pause)
    app.command()(resume)
    app.command()(end)
    app.command()(extend)
    app.command("payment-methods")(payment_methods)
    app.command()(changes)
    app.command()(agree)
    app.command()(reject)


def _ask(code: str, plain: Mapping[str, Any], reason: str, by: str | None) -> None:
    from getpass import getuser
    from uuid import uuid4

    from domain.kernel.errors import InputInvalid
    from domain.operate.ports import AskedChange
    from domain.operate.written import read_change
    from infra.home import HouseError

    try:
        change = read_change(plain)
    except InputInvalid as invalid:
        raise HouseError(str(invalid)) from None

    async def work(found: "CampaignChanges") -> str:
        return _told(await found.ask(AskedChange(uuid4(), code, change, by or getuser(), reason)))

    typer.echo(_on_changes(work))


def _told(outcome: Any) -> str:
    """One sentence. Raises HouseError for a refusal."""
    from domain.operate.changes import NothingToChange, Refused, Stale
    from domain.operate.ports import ChangeFacts, DecidedBefore, NeedsAnother, RequestStatus
    from infra.home import HouseError

    match outcome:
        case ChangeFacts(status=RequestStatus.APPLIED, version=version, effect=effect):
            return f"Done: {outcome.campaign} version {version} is in force ({effect.value})."
        case ChangeFacts(status=RequestStatus.PENDING):
            return f"This is adverse to customers and waits for a second person: hall campaign agree {outcome.id}"
        case ChangeFacts():
            return "The change is rejected."
        case Stale(current):
            raise HouseError(f"The figure is another one by now: {current}.")
        case NothingToChange():
            raise HouseError("It is so already.")
        case Refused(_, detail):
            raise HouseError(detail)
        case NeedsAnother():
            raise HouseError("Somebody else than who asked for it must decide.")
        case DecidedBefore(facts):
            raise HouseError(f"It is {facts.status.value.lower()} already, by {facts.second or facts.author}.")
        case _:
            raise HouseError("There is no such campaign, offer or change.")


def _said(change: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in change.values() if value is not None)


def _uuid(text: str) -> Any:
    from uuid import UUID

    from infra.home import HouseError

    try:
        return UUID(text)
    except ValueError:
        raise HouseError(f"{text} is not the id of a change.") from None


def _on_changes(work: Any) -> str:
    from infra.campaigns.live import CampaignChanges
    from infra.commands.campaign import on_the_hall
    from infra.db.commit import GroupCommit

    async def run(pool: Any, clock: Any, dsn: str) -> str:
        async with GroupCommit(dsn, in_flight=1, application="hall campaign") as ledger:
            told: str = await work(CampaignChanges(pool, ledger, clock))
            return told

    return on_the_hall(run)

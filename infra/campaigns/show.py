"""A published campaign as plain text, for an operator's terminal."""

from datetime import datetime
from typing import Any

from domain.campaigns.model import Campaign
from domain.campaigns.schedule import state_of
from domain.campaigns.text import rule_text
from domain.kernel.money import yuan
from domain.kernel.time import SHANGHAI
from domain.ledger import keys
from infra.campaigns.publish import load_catalog, totals_of
from infra.db.statements import named

VERSION_FILE = named(
    "campaign_version.file",
    """
    select file from campaign_version
    where campaign = $1 and version = coalesce($2, (select max(version) from campaign_version where campaign = $1))
    """,
)
ACCOUNTS_LEFT = named(
    "shared_account.left",
    "select key, balance - held as free, held from shared_account where lane = $1 and key = any($2)",
)


async def shown(conn: Any, code: str, version: int | None, now: datetime, *, as_file: bool) -> str | None:
    """The campaign's text, or its file as published; None where there is no such version."""
    file: str | None = await conn.fetchval(VERSION_FILE, code, version)
    if file is None or as_file:
        return file
    catalog = await load_catalog(conn)
    versions = [found.campaign for found in catalog.plans.versions[code]]
    campaign = versions[-1] if version is None else next(found for found in versions if found.version == version)
    phases = campaign.phases
    lines = [
        f"{campaign.title.zh} / {campaign.title.en} ({code}, version {campaign.version} of {len(versions)})",
        f"warm-up from {_day(phases.warm_up_at)}, active from {_day(phases.starts_at)}, "
        f"closing from {_day(phases.ends_at)}, closed from {_day(phases.closes_at)}",
        *await _budget(conn, campaign),
    ]
    free = await _free(conn, campaign)
    for offer in campaign.offers:
        state = state_of(offer, campaign, now, catalog.plans.calendar).state
        lines += ["", f"{offer.code}: {offer.title.zh} / {offer.title.en} [{offer.kind}, {state}]"]
        if offer.quota is not None:
            left, _ = free.get(keys.quota(code, offer.code).key, (0, 0))
            lines.append(f"  {left:,} of {offer.quota:,} places are free")
        text = rule_text(offer, campaign, catalog.plans.names)
        for words in (text.text, *text.disclaimers):
            lines += [f"  {line}" for line in (*words.zh.splitlines(), *words.en.splitlines())]
    return "\n".join(lines)


async def _budget(conn: Any, campaign: Campaign) -> list[str]:
    free = await _free(conn, campaign)
    lines = [f"budget {yuan(campaign.budget.total)} yuan"]
    for line in campaign.budget.lines:
        left, held = free.get(keys.budget(campaign.code, line.code).key, (0, 0))
        spent = line.amount - left - held
        lines.append(
            f"  {line.code}: {yuan(left)} of {yuan(line.amount)} yuan are free, {yuan(held)} held, {yuan(spent)} spent"
        )
    return lines


async def _free(conn: Any, campaign: Campaign) -> dict[str, tuple[int, int]]:
    """What is free and what is held, by account."""
    names = [name.split("|") for name in totals_of(campaign) if not name.startswith("stock|")]
    accounts = [
        keys.quota(campaign.code, code) if kind == "quota" else keys.budget(campaign.code, code) for kind, code in names
    ]
    rows = await conn.fetch(ACCOUNTS_LEFT, accounts[0].lane, [account.key for account in accounts]) if accounts else []
    return {row["key"]: (row["free"], row["held"]) for row in rows}


def _day(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d")

"""How a whole campaign is written: phases, budget, sections, draws, offers. The one definition of the file format.

`loader.py` reads files with it, `schema.py` publishes it as JSON Schema, `docs/campaigns.md` is tested against it.
"""

from collections.abc import Iterable
from datetime import time, timedelta
from typing import Any

from domain.campaigns.conditions import Purchases, TotalSpend
from domain.campaigns.model import (
    Action,
    Apply,
    Audience,
    Budget,
    BudgetLine,
    Campaign,
    Cashback,
    Claim,
    Discount,
    Draw,
    Extension,
    FeeWaiver,
    Funding,
    GroupTitle,
    Limit,
    Notice,
    Offer,
    Phases,
    Place,
    PointsRate,
    Prize,
    ReturnOn,
    Returns,
    Schedule,
    Section,
    SegmentRule,
    SignUp,
    Stacking,
    Story,
    Till,
    Trigger,
    worst_cost_of,
)
from domain.campaigns.model import Choice as ChosenLater
from domain.campaigns.terms import ActionKind, ApplicationChannel, OfferKind, Per, Phase, Product, SubjectKind, Weekday
from domain.kernel.time import Interval, day_start
from infra.campaigns.conditions import (
    FLYER_CODE,
    GROUP,
    PERIODS,
    PHASES,
    SEGMENT,
    WHEN,
    Kind,
    conditions,
    record,
)
from infra.campaigns.rewards import PRIZE_REWARD, REWARD, SENTENCES, WORDS
from infra.campaigns.shapes import (
    CODE,
    Choice,
    CodeOf,
    Day,
    Definitions,
    Field,
    Got,
    ListOf,
    Moment,
    Named,
    Only,
    Percent,
    Record,
    Schema,
    Shape,
    Text,
    TimeOfDay,
    Token,
    Unread,
    Whole,
    WordOr,
    YesNo,
    Yuan,
    days,
    made,
    nearest,
    ppm,
    refuse,
)
from infra.campaigns.tree import Node, Reading, Scalar, Sequence, Table

LINE = CodeOf("a budget line")
SECTION = CodeOf("a section")


class _Coded(ListOf[Any]):
    """A list of records whose codes differ."""

    def read(self, node: Node, reading: Reading) -> tuple[Any, ...]:
        first: dict[str, int] = {}
        failed = False
        for code in codes_in(node):
            if code.text in first:
                message = f"{code.text} stands twice (first in line {first[code.text]})."
                reading.wrong(code, message, "Give each a code of its own.")
                failed = True
            first.setdefault(code.text, code.line)
        values = super().read(node, reading)
        if failed:
            raise Unread
        return values


def codes_in(node: Node) -> list[Scalar]:
    """The codes a list of records declares, readable or not."""
    items = node.items if isinstance(node, Sequence) else ()
    tables = [item.entries.get("code") for item in items if isinstance(item, Table)]
    return [entry.value for entry in tables if entry is not None and isinstance(entry.value, Scalar)]


def _budget(got: Got, reading: Reading) -> Budget:
    lines = tuple(BudgetLine(code, amount) for code, amount in got["lines"].items())
    together = sum(line.amount for line in lines)
    if together > got["total"]:
        money = Yuan()
        message = f"the lines sum to {money.show(together)}, more than the total of {money.show(got['total'])}."
        raise refuse(reading, got.at("lines"), message, f"Take {money.show(together - got['total'])} off the lines.")
    return Budget(got["total"], lines)


_BUDGET: Record[Budget] = Record(
    "budget",
    {
        "total": Field(Yuan(), "Never exceeded.", required=True),
        "lines": Field(Named(CODE, Yuan()), "Its parts; every cost is booked on one of them.", required=True),
    },
    _budget,
    "{total: 1_000_000 yuan, lines: {rewards: 1_000_000 yuan}}",
)

_RATE: Record[PointsRate] = record(
    "pointsRate",
    {
        "products": Field(ListOf(Choice(Product)), "Paid with one of these cards.", required=True),
        "perYuan": Field(Whole(0, 1000), "Base points for each yuan.", required=True),
        "merchantGroups": Field(ListOf(GROUP), "At merchants of these groups; anywhere unless said.", default=()),
    },
    lambda got: PointsRate(got["products"], got["perYuan"], got["merchantGroups"]),
    "{products: [GOLD], perYuan: 1}",
)

_SECTION: Record[Section] = record(
    "section",
    {"code": Field(CODE, "Its code.", required=True), "title": Field(WORDS, "Its heading.", required=True)},
    lambda got: Section(got["code"], got["title"]),
    "{code: newcomer, title: {zh: 新客专享, en: For newcomers}}",
)


# When and who -----------------------------------------------------------------------------------------------------


def _phases(got: Got, reading: Reading) -> Phases:
    starts_at = day_start(reading.starts_on)
    ends_at = starts_at + timedelta(days=got["active"])
    return Phases(
        warm_up_at=starts_at - timedelta(days=got["warmUp"]),
        starts_at=starts_at,
        ends_at=ends_at,
        closes_at=ends_at + timedelta(days=got["closing"]),
    )


_PHASES: Record[Phases] = Record(
    "phases",
    {
        "warmUp": Field(days(0, 365), "Announced, nothing can be earned; before the first active day.", default=0),
        "active": Field(days(1, 1830), "The campaign itself, from its first day on.", required=True),
        "closing": Field(days(0, 365), "After it: thanks, second round, extensions.", default=0),
    },
    _phases,
    "{warmUp: 10d, active: 90d, closing: 7d}",
)

_AUDIENCE: Record[Audience] = record(
    "audience",
    {
        "products": Field(ListOf(Choice(Product)), "Cards that take part; any unless said.", default=()),
        "segments": Field(ListOf(SEGMENT), "Customers of any of these segments.", default=()),
        "newCustomer": Field(Only(), "Only customers new in this campaign.", default=False),
        "applicationChannels": Field(
            ListOf(Choice(ApplicationChannel)), "Only cards applied for through one of these.", default=()
        ),
        "flyer": Field(WordOr("any", (), ListOf(FLYER_CODE)), "Only applications with a flyer's code: any, or these."),
    },
    lambda got: Audience(
        got["products"],
        got["segments"],
        got["newCustomer"],
        got["applicationChannels"],
        got["flyer"] is not None,
        got["flyer"] or (),
    ),
    "{products: [CLASSIC, GOLD]}",
)


def _between(got: Got, reading: Reading) -> Interval:
    if got["from"] >= got["to"]:
        raise refuse(reading, got.at("to"), "the end is not after the beginning.", "Write a later `to`.")
    return Interval(got["from"], got["to"])


_BETWEEN: Record[Interval] = Record(
    "between",
    {
        "from": Field(Moment(), "The first moment.", required=True),
        "to": Field(Moment(), "The first moment after it.", required=True),
    },
    _between,
    "{from: day 1 00:00, to: day 8 00:00}",
)

# Triggers ---------------------------------------------------------------------------------------------------------

_weekdays = ListOf(Choice(Weekday))

TRIGGERS: dict[str, Kind] = {
    "story": Kind(
        Choice(SubjectKind, {found.value.lower(): found for found in SubjectKind}),
        "Given by itself when the bank reports it: `story: purchase`, binding, instalment, activation or approval.",
    ),
    "claim": Kind(record("claim", {}, lambda got: Claim()), "The customer takes it in the hall."),
    "till": Kind(record("till", {}, lambda got: Till()), "Taken off while paying."),
    "apply": Kind(
        record(
            "apply",
            {
                "notify": Field(
                    ListOf(Choice(Notice)), "How the answer goes out; by SMS unless said.", default=(Notice.SMS,)
                )
            },
            lambda got: Apply(got["notify"]),
        ),
        "The customer applies, a person at the bank decides.",
    ),
    "signUp": Kind(
        record(
            "signUp",
            {
                "waitingList": Field(YesNo(), "Whether more may wait for a place; true unless said.", default=True),
                "cancelBy": Field(Moment(), "Until when a place may be given back."),
            },
            lambda got: SignUp(got["waitingList"], got["cancelBy"]),
        ),
        "The customer takes one of `quota` places.",
    ),
    "schedule": Kind(
        record(
            "schedule",
            {
                "days": Field(_weekdays, "On these weekdays; without them once, when the offer begins.", default=()),
                "at": Field(TimeOfDay(), "At this time of day; 10:00 unless said.", default=time(10)),
            },
            lambda got: Schedule(got["days"], got["at"]),
        ),
        "Given by the clock.",
    ),
}


class _Trigger(Shape[Trigger]):
    """`trigger: till`, `trigger: {story: purchase}`: a word alone where the kind needs no settings."""

    bare = ("claim", "till", "apply", "signUp", "schedule")

    def read(self, node: Node, reading: Reading) -> Trigger:
        if isinstance(node, Scalar):
            if node.text == "story":
                known = ", ".join(found.value.lower() for found in SubjectKind)
                remedy = f"Write {{story: purchase}}; subjects: {known}."
                raise refuse(reading, node, "a story needs its subject.", remedy)
            if node.text not in TRIGGERS:
                remedy = nearest(node.text, list(TRIGGERS))
                raise refuse(reading, node, f"{node.text} is not a trigger that is known.", remedy)
            empty = Table(node.path, node.line, node.column, {})
            found: Trigger = TRIGGERS[node.text].shape.read(empty, reading)
            return found
        if not isinstance(node, Table) or len(node.entries) != 1:
            raise refuse(reading, node, "an offer has one trigger.", f"Write one of: {', '.join(TRIGGERS)}.")
        (entry,) = node.entries.values()
        if entry.key not in TRIGGERS:
            remedy = nearest(entry.key, list(TRIGGERS))
            raise refuse(reading, entry, f"{entry.key} is not a trigger that is known.", remedy)
        value = TRIGGERS[entry.key].shape.read(entry.value, reading)
        return Story(value) if entry.key == "story" else value

    def schema(self, definitions: Definitions) -> Schema:
        tables: Schema = {
            "type": "object",
            "properties": {
                name: {**kind.shape.schema(definitions), "description": kind.says} for name, kind in TRIGGERS.items()
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        }
        return definitions.refer("trigger", lambda: {"anyOf": [{"enum": list(self.bare)}, tables]})

    def written(self) -> str:
        return "a [trigger](#triggers)"

    def inside(self) -> Iterable[Shape[Any]]:
        return tuple(kind.shape for kind in TRIGGERS.values())


# Limits, stacking, returns ----------------------------------------------------------------------------------------

_LIMIT: Record[Limit] = record(
    "limit",
    {
        "per": Field(
            Choice(Per, {found.value.lower(): found for found in Per}), "Whose allowance it is.", required=True
        ),
        "period": Field(PERIODS, "How long it lasts.", required=True),
        "max": Field(Whole(1, 1_000_000), "At most so many grants.", required=True),
    },
    lambda got: Limit(got["per"], got["period"], got["max"]),
    "{per: card, period: day, max: 1}",
)

_STACKING: Record[Stacking] = record(
    "stacking",
    {
        "stackable": Field(YesNo(), "Comes on top of whatever else applies; false unless said.", default=False),
        "exclusionGroup": Field(CODE, "Of the offers that share it, in any campaign, the best alone counts."),
    },
    lambda got: Stacking(got["stackable"], got["exclusionGroup"]),
    "{stackable: true}",
)

_returns_table: Record[Returns] = record(
    "returns",
    {
        "coupon": Field(YesNo(), "The coupon used comes back.", default=True),
        "quota": Field(YesNo(), "The quota place comes back.", default=True),
        "allowance": Field(YesNo(), "The customer's allowance comes back.", default=True),
    },
    lambda got: Returns(ReturnOn.FULL_REVERSAL, got["coupon"], got["quota"], got["allowance"]),
)


def _funding(got: Got, reading: Reading) -> Funding:
    return made(got.node, reading, lambda: Funding(got["bank"], got["merchant"], got["platform"]))


_FUNDING: Record[Funding] = Record(
    "funding",
    {
        "bank": Field(Percent(0, 1_000_000), "The bank's share; booked on the budget line.", default=0),
        "merchant": Field(Percent(0, 1_000_000), "The merchant's own share.", default=0),
        "platform": Field(Percent(0, 1_000_000), "A platform's share.", default=0),
    },
    _funding,
    "{bank: 60 %, merchant: 40 %}",
)


class _Returns(Shape[Returns]):
    """`returns: onFullReversal`, `returns: never`, or a table of what comes back when all is reversed."""

    def read(self, node: Node, reading: Reading) -> Returns:
        if not isinstance(node, Scalar):
            return _returns_table.read(node, reading)
        match node.text:
            case "onFullReversal":
                return Returns()
            case "never":
                return Returns(ReturnOn.NEVER, coupon=False, quota=False, allowance=False)
        raise refuse(
            reading, node, f'"{node.text}" is no return policy.', nearest(node.text, ["onFullReversal", "never"])
        )

    def schema(self, definitions: Definitions) -> Schema:
        return {"anyOf": [{"enum": ["onFullReversal", "never"]}, _returns_table.schema(definitions)]}

    def written(self) -> str:
        return f"`onFullReversal`, `never`, or {_returns_table.written()}"

    def inside(self) -> Iterable[Shape[Any]]:
        return (_returns_table,)


_CHANNEL = Token("a channel", "MINI_PROGRAM", r"^(MINI_PROGRAM|H5|APP|PARTNER)$")
_LINK = Token("an address", "https://bank.example/offer", r"^[a-z][a-z0-9+.-]*://\S{1,500}$")

_ACTION: Record[Action] = record(
    "action",
    {
        "kind": Field(Choice(ActionKind), "What the button does; follows from trigger and rewards unless said."),
        "label": Field(WORDS, "What the button says."),
        "links": Field(Named(_CHANNEL, _LINK), "Where it leads, by channel.", default={}),
    },
    lambda got: Action(got["kind"], got["label"], tuple(got["links"].items())),
)

# Draws ------------------------------------------------------------------------------------------------------------

_PRIZE: Record[Prize] = record(
    "prize",
    {
        "code": Field(CODE, "Its own code.", required=True),
        "title": Field(WORDS, "What the customer wins.", required=True),
        "odds": Field(ppm(), "Its share of a million; all prizes together make 1_000_000 ppm.", required=True),
        "stock": Field(Whole(), "How many there are; as many as are drawn unless said."),
        "value": Field(Yuan(), "What it is worth.", required=True),
        "reward": Field(PRIZE_REWARD, "What is given; nothing but thanks unless said."),
        "consolation": Field(Only(), "Given instead of a prize that has run out.", default=False),
    },
    lambda got: Prize(
        got["code"], got["title"], got["odds"], got["stock"], got["value"], got["reward"], got["consolation"]
    ),
)


def _draw(got: Got, reading: Reading) -> Draw:
    if sum(prize.consolation for prize in got["prizes"]) > 1:
        raise refuse(reading, got.at("prizes"), "there are two consolation prizes.", "Keep one `consolation: true`.")
    return made(got.node, reading, lambda: Draw(got["code"], got["title"], got["prizes"], got["line"]))


_DRAW: Record[Draw] = Record(
    "draw",
    {
        "code": Field(CODE, "Its code; `drawChance` names it.", required=True),
        "title": Field(WORDS, "What the hall calls it.", required=True),
        "line": Field(LINE, "The budget line its prizes are booked on.", required=True),
        "prizes": Field(_Coded(_PRIZE, most=50), "What can be drawn.", required=True),
    },
    _draw,
)

# Offers -----------------------------------------------------------------------------------------------------------

_AFFINITY = Named(SEGMENT, Whole(1, 100))


def _offer(got: Got, reading: Reading) -> Offer:
    failed = False

    def wrong(key: str, message: str, remedy: str) -> None:
        nonlocal failed
        failed = True
        reading.wrong(got.at(key), message, remedy)

    trigger, limits = got["trigger"], got["limits"]
    asked = got["audience"] != Audience() or got["when"] or got["if"] or limits or got["quota"] is not None
    if not asked and not got["openToAll"]:
        remedy = "Add `if`, `limits` or `quota`; if it is really meant for everybody at all times, `openToAll: true`."
        wrong("code", "the offer has no condition, limit or quota.", remedy)
    if asked and got["openToAll"]:
        wrong("openToAll", "the offer is not open to all: it has a condition, limit or quota.", "Remove `openToAll`.")
    kinds = [(limit.per, limit.period) for limit in limits]
    for per, period in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        wrong("limits", f"two limits per {per.lower()} and {period.lower()}.", "Keep the smaller one.")
    pers = {limit.per for limit in limits}
    if isinstance(trigger, Story | Schedule | Till) and Per.DEVICE in pers:
        wrong("limits", "the bank's events, the clock and the till know no device.", "Limit it per customer or card.")
    if isinstance(trigger, Claim | Apply | SignUp | Schedule) and Per.CARD in pers:
        wrong("limits", "here no card is shown.", "Limit it per customer or person.")
    if isinstance(trigger, SignUp) and got["quota"] is None:
        wrong("trigger", "a sign-up needs to know how many places there are.", "Add `quota: 30`.")
    rewards = got["rewards"]
    if isinstance(trigger, Till) and not any(isinstance(reward, Discount) for reward in rewards):
        wrong(
            "rewards", "the till gives discounts only.", "Add `discount: {amount: 50 yuan}`, or choose another trigger."
        )
    if not isinstance(trigger, Till) and any(isinstance(reward, Discount) for reward in rewards):
        wrong("trigger", "a discount is taken off at the till.", "Write `trigger: till`, or give a coupon.")
    if isinstance(trigger, SignUp) and not any(isinstance(reward, Place) for reward in rewards):
        wrong("rewards", "a sign-up gives a place.", "Add `place`, or choose another trigger.")
    if not isinstance(trigger, SignUp) and any(isinstance(reward, Place) for reward in rewards):
        wrong("trigger", "a place is taken by signing up.", "Write `trigger: signUp`.")
    if isinstance(trigger, SignUp) and any(isinstance(reward, ChosenLater) for reward in rewards):
        # The choice would hold the place with its hold, and give it to somebody else when it lapses.
        wrong("rewards", "what comes with a place is not chosen.", "Give one of its options.")
    counted = isinstance(trigger, Story) and trigger.subject in (SubjectKind.PURCHASE, SubjectKind.INSTALMENT)
    if not counted and any(isinstance(reward, Cashback | FeeWaiver) for reward in rewards):
        remedy = "Write `story: purchase` or `story: instalment`."
        wrong("trigger", "a cashback or fee waiver needs an amount to count from.", remedy)
    if sum(isinstance(rule, Purchases | TotalSpend) for rule in got["if"]) > 1:
        wrong("if", "an offer counts one thing.", "Keep one of `purchases` and `totalSpend`.")
    extended = any(isinstance(reward, Extension) for reward in rewards)
    if extended and not isinstance(trigger, Claim | Apply | Schedule):
        remedy = "Write `trigger: schedule` (when the offer begins), `claim` or `apply`."
        wrong("trigger", "coupons are extended by the clock, or when the customer asks for it.", remedy)
    booked = any(worst_cost_of(reward) != 0 for reward in got["rewards"])  # a draw's prizes are on the draw's line
    if booked and got["line"] is None:
        wrong("rewards", "line is missing: what is given must be booked somewhere.", "Add `line: rewards`.")
    if not booked and got["line"] is not None:
        wrong("line", "nothing that is given here costs anything.", "Remove `line`, or give the reward a `cost`.")
    if failed:
        raise Unread
    return made(
        got.at("code"),
        reading,
        lambda: Offer(
            code=got["code"],
            title=got["title"],
            subtitle=got["subtitle"],
            section=got["section"],
            trigger=trigger,
            rewards=got["rewards"],
            audience=got["audience"],
            when=got["when"],
            conditions=got["if"],
            limits=limits,
            quota=got["quota"],
            line=got["line"],
            phases=got["phases"],
            between=got["between"],
            stacking=got["stacking"],
            returns=got["returns"],
            funding=got["funding"],
            kind_is=got["kind"],
            action=got["action"],
            tags=got["tags"],
            affinity=tuple(got["affinity"].items()),
            priority=got["priority"],
            notes=got["notes"],
            open_to_all=got["openToAll"],
            paused=got["paused"],
        ),
    )


OFFER: Record[Offer] = Record(
    "offer",
    {
        "code": Field(CODE, "Stays the same for ever; no other campaign has it.", required=True),
        "title": Field(WORDS, "What the hall calls it.", required=True),
        "subtitle": Field(WORDS, "A line under the title."),
        "section": Field(SECTION, "The shelf of the hall it stands on.", required=True),
        "trigger": Field(_Trigger(), "What makes it happen.", required=True),
        "audience": Field(_AUDIENCE, "Who may take part, besides the campaign's own audience.", default=Audience()),
        "when": Field(WHEN, "Recurring windows; all of them hold at once.", default=()),
        "if": Field(conditions, "Conditions; all of them must hold.", default=()),
        "limits": Field(ListOf(_LIMIT), "At most so many, for whom, in how long.", default=()),
        "quota": Field(Whole(0, 100_000_000), "So many in all; no bound but the budget unless said."),
        "rewards": Field(
            ListOf(REWARD, most=10, repeats=True), "What is given; several are given together.", required=True
        ),
        "line": Field(LINE, "The budget line that pays for it."),
        "phases": Field(ListOf(PHASES), "When it runs; in the active phase unless said.", default=(Phase.ACTIVE,)),
        "between": Field(_BETWEEN, "A shorter stretch of those phases."),
        "stacking": Field(_STACKING, "How a discount meets others at one payment.", default=Stacking()),
        "returns": Field(_Returns(), "What comes back when the payment is reversed.", default=Returns()),
        "funding": Field(_FUNDING, "Who bears what is taken off at the till; the bank alone unless said."),
        "kind": Field(Choice(OfferKind), "How the hall shows it; follows from trigger and rewards unless said."),
        "action": Field(_ACTION, "The button.", default=Action()),
        "tags": Field(ListOf(Text(24)), "Words to show beside the title.", default=()),
        "affinity": Field(_AFFINITY, "How much sooner customers of a segment see it.", default={}),
        "priority": Field(Whole(0, 1000), "Higher is shown first; 0 unless said.", default=0),
        "notes": Field(ListOf(SENTENCES), "Disclaimers besides those that follow from the rule.", default=()),
        "openToAll": Field(Only(), "Says that an offer without any condition, limit or quota is meant.", default=False),
        "paused": Field(YesNo(), "Gives nothing for now.", default=False),
    },
    _offer,
)

# The campaign -----------------------------------------------------------------------------------------------------


def _campaign(got: Got, reading: Reading) -> Campaign:
    return Campaign(
        code=got["code"],
        title=got["title"],
        version=1,
        phases=got["phases"],
        audience=got["audience"],
        budget=got["budget"],
        sections=got["sections"],
        offers=got["offers"],
        draws=got["draws"],
        points=got["points"],
        groups=tuple(GroupTitle(code, title) for code, title in got["merchantGroups"].items()),
        subtitle=got["subtitle"],
    )


CAMPAIGN: Record[Campaign] = Record(
    "campaign",
    {
        "code": Field(CODE, "Its code, for ever.", required=True),
        "title": Field(WORDS, "What the hall calls it.", required=True),
        "subtitle": Field(WORDS, "A line under the title."),
        "starts": Field(Day(), "The first active day, where publishing names no other."),
        "phases": Field(_PHASES, "How long each phase lasts.", required=True),
        "audience": Field(_AUDIENCE, "Who the campaign is for.", required=True),
        "budget": Field(_BUDGET, "What it may cost.", required=True),
        "merchantGroups": Field(
            Named(CODE, WORDS), "The groups of merchants its offers speak of, and what they are called.", default={}
        ),
        "points": Field(ListOf(_RATE), "Base rates of points; where several fit, the highest counts.", default=()),
        "sections": Field(_Coded(_SECTION), "Shelves of the hall, in order.", required=True),
        "draws": Field(_Coded(_DRAW), "Draws that `drawChance` speaks of.", default=()),
        "offers": Field(_Coded(OFFER), "What customers get.", required=True),
    },
    _campaign,
)

SEGMENTS: Record[tuple[SegmentRule, ...]] = record(
    "segments",
    {
        "segments": Field(
            _Coded(
                record(
                    "segmentRule",
                    {
                        "code": Field(CODE, "Its code.", required=True),
                        "title": Field(WORDS, "What it is called.", required=True),
                        "if": Field(conditions, "Conditions about the customer; all must hold.", required=True),
                    },
                    lambda got: SegmentRule(got["code"], got["title"], got["if"]),
                )
            ),
            "The segments, in the order in which a customer's are listed.",
            required=True,
        )
    },
    lambda got: got["segments"],
)

"""Whether a plan is wise and lawful to publish: what a reader of the file may have overlooked.

Pure. Errors stop a publication, warnings do not. Sources: plan rule A23; the Advertising Law, article 9 (superlatives);
SAMR Order 32 of 2020 (draws: odds shown, a prize at most 50,000 yuan, and once it runs no change but in the customers'
favour); People's Bank of China announcement 3 of 2021 (annualised rates of loans are shown).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.campaigns.conditions import (
    All,
    Any,
    Country,
    Instalment,
    MerchantGroup,
    Not,
    Reached,
    Rule,
    Spend,
    Weekly,
    Window,
)
from domain.campaigns.model import (
    Campaign,
    Cashback,
    Choice,
    Claim,
    CouponReward,
    Discount,
    Draw,
    DrawChance,
    FeeWaiver,
    Gift,
    Offer,
    PointsBonus,
    Reward,
    SignUp,
    Story,
    Till,
    Validity,
    WaiverBasis,
    worst_cost_of,
)
from domain.campaigns.schedule import runs_of, window
from domain.campaigns.terms import Per, Period, SubjectKind
from domain.kernel.money import PPM, Fen
from domain.kernel.words import Words

PRIZE_LIMIT: Fen = 5_000_000
"""The dearest prize a draw may have: 50,000 yuan (SAMR Order 32)."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """path: where in the file (`offers[3].title`); line: of that path, 1 where the file is not at hand."""

    severity: Severity
    path: str
    line: int
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Superlative:
    """A wording that an advertisement must not use. innocent: what holds the pattern and is no superlative."""

    pattern: str
    severity: Severity
    innocent: str | None = None


_E, _W = Severity.ERROR, Severity.WARNING

SUPERLATIVES: tuple[Superlative, ...] = (
    Superlative("国家级|世界级|宇宙级|全球级", _E),
    # A superlative about goods; bounds ("at most 100 yuan back") and points in time say nothing about quality.
    Superlative(
        "最",
        _E,
        "最高(?:[0-9]|返|减|赠|立减|优惠|抵|可|不超过|补贴)|最多|最少|最低消费|最后[一1-9]?[天日次期名笔个批]|最后期限|最近|最终(?!解释)|最新|最迟|最晚|最早",
    ),
    # A first in a row of things is none; being the first in the trade is.
    Superlative("第一", _E, "第一[次笔天周月日个期步张名单批份季阶]|第一时间|第一至|第一、"),
    Superlative(
        "唯一|独一无二|绝无仅有|史无前例|前无古人|万能|顶级|顶尖|极致|极品|至尊|冠军|王牌", _E, "唯一(?:码|编号|标识)"
    ),
    Superlative("首选|首屈一指|遥遥领先|全网(?:底价|独家)|销量冠军|排名[一二三]|NO\\.?1", _E),
    Superlative("绝对|百分百|100%|零风险|无风险|稳赚|保证收益", _W, "百分百中奖|100%中奖"),
    Superlative("解释权归", _E),
    Superlative("领先|独家|全国首[家个]|首家", _W),
    Superlative(
        r"(?i)\b(?:the )?(?:best|cheapest|greatest|finest|world-class|number one|no\. ?1)\b", _E, r"(?i)best before"
    ),
    Superlative(r"(?i)\b(?:unbeatable|guaranteed returns?|risk-free)\b", _W),
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a finding stands."""

    lines: Mapping[str, int]

    def line(self, path: str) -> int:
        """The line of the path, or of the nearest one around it."""
        while path not in self.lines:
            cut = max(path.rfind("."), path.rfind("["))
            if cut < 0:
                return 1
            path = path[:cut]
        return self.lines[path]


def lint(campaign: Campaign, lines: Mapping[str, int] | None = None) -> list[Finding]:
    """Everything worth saying about the plan, in the order of its lines. lines: path -> line, from the loader."""
    place = _Place(lines or {})
    found = [
        Finding(severity, path, place.line(path), message, remedy)
        for severity, path, message, remedy in _everything(campaign)
    ]
    return sorted(found, key=lambda each: (each.line, each.path, each.message))


_Raw = tuple[Severity, str, str, str]


def _everything(campaign: Campaign) -> Iterator[_Raw]:
    yield from _wording(campaign)
    for index, draw in enumerate(campaign.draws):
        yield from _draw(draw, f"draws[{index}]", campaign)
    for index, offer in enumerate(campaign.offers):
        path = f"offers[{index}]"
        yield from _notes(offer, path)
        yield from _never(offer, path, campaign)
        yield from _for_all(offer, path)
        yield from _limits(offer, path)
    yield from _budget(campaign)
    yield from _overlaps(campaign)
    yield from _shelves(campaign)


# Wording ----------------------------------------------------------------------------------------------------------


def forbidden(text: str) -> list[tuple[Severity, str]]:
    """The superlatives of `text`, each with the words around it left as they are."""
    found: list[tuple[Severity, str]] = []
    for rule in SUPERLATIVES:
        innocent = [match.span() for match in re.finditer(rule.innocent, text)] if rule.innocent else []
        found += [
            (rule.severity, match.group())
            for match in re.finditer(rule.pattern, text)
            if not any(begin <= match.start() and match.end() <= end for begin, end in innocent)
        ]
    return found


def _wording(campaign: Campaign) -> Iterator[_Raw]:
    for path, words in _texts(campaign):
        for language, text in (("zh", words.zh), ("en", words.en)):
            for severity, word in forbidden(text):
                yield (
                    severity,
                    f"{path}.{language}",
                    f'"{word}" is a superlative or promise that advertisements must not make.',
                    "Say what the offer is, with its figures.",
                )


def _texts(campaign: Campaign) -> Iterator[tuple[str, Words]]:
    """Every text that a customer reads."""
    yield "title", campaign.title
    if campaign.subtitle is not None:
        yield "subtitle", campaign.subtitle
    for group in campaign.groups:
        yield f"merchantGroups.{group.code}", group.title
    for index, section in enumerate(campaign.sections):
        yield f"sections[{index}].title", section.title
    for index, draw in enumerate(campaign.draws):
        yield f"draws[{index}].title", draw.title
        for number, prize in enumerate(draw.prizes):
            yield f"draws[{index}].prizes[{number}].title", prize.title
            if prize.reward is not None:
                yield f"draws[{index}].prizes[{number}].reward", prize.reward.title
    for index, offer in enumerate(campaign.offers):
        path = f"offers[{index}]"
        yield f"{path}.title", offer.title
        if offer.subtitle is not None:
            yield f"{path}.subtitle", offer.subtitle
        if offer.action.label is not None:
            yield f"{path}.action.label", offer.action.label
        for number, note in enumerate(offer.notes):
            yield f"{path}.notes[{number}]", note
        for number, tag in enumerate(offer.tags):
            yield f"{path}.tags[{number}]", Words(tag, "")
        for number, reward in enumerate(offer.rewards):
            for words in _said_by(reward):
                yield f"{path}.rewards[{number}]", words


def _said_by(reward: Reward) -> Iterator[Words]:
    if isinstance(reward, Choice):
        for option in reward.options:
            yield option.title
        return
    for name in ("title", "body", "where"):
        words = getattr(reward, name, None)
        if isinstance(words, Words):
            yield words


def _money(amount: Fen) -> str:
    """As a file writes it."""
    whole, cents = divmod(amount, 100)
    return f"{whole:_}.{cents:02d} yuan" if cents else f"{whole:_} yuan"


# Draws ------------------------------------------------------------------------------------------------------------


def _draw(draw: Draw, path: str, campaign: Campaign) -> Iterator[_Raw]:
    odds = sum(prize.odds_ppm for prize in draw.prizes)
    if odds != PPM:
        difference = f"{abs(PPM - odds):_} ppm {'missing' if odds < PPM else 'too many'}"
        yield _E, f"{path}.prizes", f"the odds sum to {odds:_} ppm.", f"They must make 1_000_000 ppm: {difference}."
    for number, prize in enumerate(draw.prizes):
        here = f"{path}.prizes[{number}]"
        if max(prize.value, prize.cost) > PRIZE_LIMIT:
            message = f"a prize of {_money(max(prize.value, prize.cost))} is above {_money(PRIZE_LIMIT)}."
            yield _E, f"{here}.value", message, "Make it smaller: SAMR Order 32 allows no dearer prize in a draw."
        if prize.consolation and prize.stock is not None:
            message = "the consolation prize can run out, and then nothing is left to give."
            yield _W, f"{here}.stock", message, "Remove its `stock`."
        if prize.odds_ppm == 0 and not prize.consolation:
            yield _W, f"{here}.odds", "nobody can ever draw this prize.", "Give it odds, or remove it."
    if draw.consolation is None and any(prize.stock is not None for prize in draw.prizes):
        message = "what is drawn after a prize has run out wins nothing."
        yield _W, f"{path}.prizes", message, "Mark one prize without stock `consolation: true`."
    if not any(draw.code == reward.draw for offer in campaign.offers for reward in _chances(offer)):
        yield _W, f"{path}.code", "no offer gives a chance in this draw.", f"Add `drawChance: {{draw: {draw.code}}}`."


def _chances(offer: Offer) -> Iterator[DrawChance]:
    return (reward for reward in offer.rewards if isinstance(reward, DrawChance))


# Disclaimers ------------------------------------------------------------------------------------------------------

_RATE = re.compile(r"年化利率[^。]*?[0-9]+(?:\.[0-9]+)?\s*%")


def _notes(offer: Offer, path: str) -> Iterator[_Raw]:
    about_instalments = any(isinstance(rule, Instalment) for rule in _deep(offer.conditions)) or any(
        isinstance(reward, FeeWaiver) and reward.of is WaiverBasis.INSTALMENT_FEE for reward in offer.rewards
    )
    story = isinstance(offer.trigger, Story) and offer.trigger.subject is SubjectKind.INSTALMENT
    if (about_instalments or story) and not any(_RATE.search(note.zh) for note in offer.notes):
        yield (
            _E,
            f"{path}.notes",
            "an offer on instalments must disclose the fee and its annualised rate.",
            "Add a note with the figures, in Chinese with the words 年化利率 and a percentage.",
        )


# Firing -----------------------------------------------------------------------------------------------------------


def _never(offer: Offer, path: str, campaign: Campaign) -> Iterator[_Raw]:
    if offer.quota == 0:
        yield _W, f"{path}.quota", "a quota of 0 gives nothing.", "Write how many there are, or `paused: true`."
    runs = runs_of(offer, campaign)
    if not runs:
        where = "between" if offer.between is not None else "phases"
        message = "the offer never runs: it lies outside its phases, or they have no days."
        yield _E, f"{path}.{where}", message, "Give it days on which one of its phases runs."
        return
    if offer.when and window(offer, campaign, runs[0].opens_at) is None:
        yield _E, f"{path}.when", "no window ever opens while the offer runs.", "Compare its windows and its phases."
    subject = offer.trigger.subject if isinstance(offer.trigger, Story) else None
    pays = subject is SubjectKind.PURCHASE or isinstance(offer.trigger, Till)
    pays = pays or (offer.bonus is not None and not offer.grants)
    for number, rule in enumerate(offer.conditions):
        here = f"{path}.if[{number}]"
        if needs_payment(rule) and not pays:
            message = f"{rule.kind} speaks of a payment, and none is looked at here."
            yield _E, here, message, "Use `story: purchase` or `till`, or count purchases with `purchases`."
        if isinstance(rule, Instalment) and subject is not SubjectKind.INSTALMENT:
            yield (
                _E,
                here,
                "instalment speaks of an instalment, and none is looked at here.",
                "Use `story: instalment`.",
            )
        if isinstance(rule, Window) and not any(window_open(rule, offer, campaign, run.opens_at) for run in runs):
            yield _E, here, "this window never opens while the offer runs.", "Compare it with the phases."
        if isinstance(rule, Reached):
            yield from _reached(rule, here, offer, campaign)
    yield from _contradictions(offer, path, campaign)
    for reward in offer.rewards:
        if isinstance(reward, Discount) and reward.off:
            least = max((rule.at_least for rule in offer.conditions if isinstance(rule, Spend)), default=0)
            if least < reward.off:
                message = f"{_money(reward.off)} off a payment of {_money(least)} leaves nothing to pay."
                yield _W, f"{path}.rewards", message, "Add `spend: {atLeast: ...}` above the discount."
    if isinstance(offer.trigger, SignUp) and offer.trigger.cancel_by is not None:
        starts = [reward.starts_at for reward in offer.rewards if hasattr(reward, "starts_at")]
        if any(offer.trigger.cancel_by > at for at in starts):
            yield _E, f"{path}.trigger", "places can be given back after it began.", "Write an earlier `cancelBy`."


def window_open(rule: Window, offer: Offer, campaign: Campaign, at: datetime) -> bool:
    """Whether the window opens at all while the offer runs, from `at` on."""
    return window(replace(offer, when=(rule,)), campaign, at) is not None


def needs_payment(rule: Rule) -> bool:
    """Whether the condition can only hold for a payment."""
    match rule:
        case Any(of=of):
            return all(needs_payment(inner) for inner in of)
        case All(of=of):
            return any(needs_payment(inner) for inner in of)
        case Not():
            return False
        case _:
            return isinstance(rule, Spend | MerchantGroup | Country) or rule.kind in (
                "channel",
                "paymentMethod",
                "firstPurchase",
            )


def _reached(rule: Reached, here: str, offer: Offer, campaign: Campaign) -> Iterator[_Raw]:
    if offer.code in rule.offers:
        yield _E, here, "the offer waits for itself.", "Name an earlier offer."
    for code in rule.offers:
        earlier = campaign.offer(code)
        if earlier is not None and not isinstance(earlier.trigger, Story):
            message = f"{code} is not given by the bank's events, so nobody counts as having reached it."
            yield _E, here, message, "Name an offer whose trigger is a story."


def _contradictions(offer: Offer, path: str, campaign: Campaign) -> Iterator[_Raw]:
    own, outer = offer.audience.products, campaign.audience.products
    if own and outer and not set(own) & set(outer):
        yield (
            _E,
            f"{path}.audience",
            "the campaign's audience has none of these cards.",
            f"Name some of {', '.join(outer)}, or leave it out.",
        )
    spends = [rule for rule in offer.conditions if isinstance(rule, Spend)]
    least = max((rule.at_least for rule in spends), default=0)
    below = min((rule.below for rule in spends if rule.below is not None), default=None)
    if below is not None and below <= least:
        yield _E, f"{path}.if", "no amount is both large and small enough.", "Correct `atLeast` and `below`."


# For everybody by accident ----------------------------------------------------------------------------------------


def _for_all(offer: Offer, path: str) -> Iterator[_Raw]:
    gives = any(not isinstance(reward, PointsBonus) for reward in offer.grants)
    if not gives:
        return
    bounded = offer.quota is not None or offer.limits or offer.tally is not None
    if isinstance(offer.trigger, Claim) and not bounded:
        message = "anybody can claim this again and again."
        yield _E, f"{path}.trigger", message, "Add `limits: [{per: customer, period: day, max: 1}]` or a `quota`."
    if isinstance(offer.trigger, Story) and offer.trigger.subject is not SubjectKind.INSTALMENT and not bounded:
        unconditional = not offer.conditions and not offer.when
        if unconditional:
            message = "every event of this kind earns it, without limit."
            yield _W, f"{path}.trigger", message, "Add conditions, `limits` or a `quota`."


def _limits(offer: Offer, path: str) -> Iterator[_Raw]:
    order = list(Period)
    for number, limit in enumerate(offer.limits):
        for wider in offer.limits:
            inside = wider.per is limit.per and order.index(wider.period) > order.index(limit.period)
            if inside and wider.max < limit.max:
                message = f"{limit.max} a {limit.period.lower()} is more than {wider.max} a {wider.period.lower()}."
                yield _W, f"{path}.limits[{number}]", message, "Remove the limit, or make it smaller."
        if offer.quota is not None and limit.per is not Per.DEVICE and limit.max > offer.quota > 0:
            message = f"one {limit.per.lower()} may have {limit.max:_}, and there are only {offer.quota:_}."
            yield _W, f"{path}.limits[{number}].max", message, "Make the limit smaller than the quota."


# Budget -----------------------------------------------------------------------------------------------------------


def _budget(campaign: Campaign) -> Iterator[_Raw]:
    amounts = {line.code: line.amount for line in campaign.budget.lines}
    for code, amount in amounts.items():
        bound, unbound = 0, []
        for offer in campaign.offers:
            if offer.line != code:
                continue
            costs = [worst_cost_of(reward) for reward in offer.grants]
            if offer.quota is None or None in costs:
                if any(cost != 0 for cost in costs):
                    unbound.append(offer.code)
            else:
                bound += offer.quota * sum(cost for cost in costs if cost is not None)
        for draw in campaign.draws:
            if draw.line != code:
                continue
            for prize in draw.prizes:
                if prize.stock is None:
                    unbound += [f"{draw.code}/{prize.code}"] if prize.cost else []
                else:
                    bound += prize.stock * prize.cost
        path = f"budget.lines.{code}"
        if bound > amount:
            message = f"its quotas can cost {_money(bound)}, and the line has {_money(amount)}."
            yield _W, path, message, "The line ends them earlier than their quotas say: raise it or lower them."
        if unbound:
            names = ", ".join(unbound)
            message = f"nothing but this line bounds what {names} can cost."
            yield _W, path, message, "Give them a `quota` (or a stock) where their number should be known."


# Overlaps ---------------------------------------------------------------------------------------------------------


def _overlaps(campaign: Campaign) -> Iterator[_Raw]:
    """Discounts of which only one can apply to the same payment, so that the other never shows."""
    till = [(index, offer) for index, offer in enumerate(campaign.offers) if isinstance(offer.trigger, Till)]
    for number, (index, offer) in enumerate(till):
        for _, other in till[number + 1 :]:
            if not _exclusive(offer, other) or not _meet(offer, other, campaign):
                continue
            message = f"{offer.code} and {other.code} can meet in one payment, and only the better one counts."
            yield (
                _W,
                f"offers[{index}].stacking",
                message,
                "Meant so? Else `stacking: {stackable: true}` for one of them.",
            )


def _exclusive(one: Offer, other: Offer) -> bool:
    group = one.stacking.exclusion_group
    return (group is not None and group == other.stacking.exclusion_group) or not (
        one.stacking.stackable or other.stacking.stackable
    )


def _meet(one: Offer, other: Offer, campaign: Campaign) -> bool:
    """Whether some payment may meet both; wrongly yes rather than wrongly no."""
    groups = [
        [set(rule.groups) for rule in offer.conditions if isinstance(rule, MerchantGroup)] for offer in (one, other)
    ]
    if groups[0] and groups[1] and not any(left & right for left in groups[0] for right in groups[1]):
        return False
    ours, theirs = one.audience.products, other.audience.products
    if ours and theirs and not set(ours) & set(theirs):
        return False
    runs = [runs_of(offer, campaign) for offer in (one, other)]
    if not any(left.overlaps(right) for left in runs[0] for right in runs[1]):
        return False
    return not (_weekdays(one) and _weekdays(other) and not _weekdays(one) & _weekdays(other))


def _weekdays(offer: Offer) -> set[str]:
    """Days on which its weekly window opens; empty for any day, or where a window crosses midnight."""
    for rule in offer.when:
        if isinstance(rule, Weekly) and all(slot.until > slot.from_ or slot.until.hour == 0 for slot in rule.slots):
            return {day for slot in rule.slots for day in slot.days}
    return set()


# Shelves ----------------------------------------------------------------------------------------------------------


def _shelves(campaign: Campaign) -> Iterator[_Raw]:
    used = {offer.section for offer in campaign.offers}
    for index, section in enumerate(campaign.sections):
        if section.code not in used:
            yield _W, f"sections[{index}]", f"no offer stands on the shelf {section.code}.", "Remove it."
    named = {code for offer in campaign.offers for code in _groups_of(offer)}
    named |= {code for rate in campaign.points for code in rate.merchant_groups}
    named |= {
        code
        for draw in campaign.draws
        for prize in draw.prizes
        if isinstance(prize.reward, CouponReward)
        for code in prize.reward.merchant_groups
    }
    for group in campaign.groups:
        if group.code not in named:
            yield _W, f"merchantGroups.{group.code}", f"nothing speaks of the group {group.code}.", "Remove it."


def _groups_of(offer: Offer) -> Iterator[str]:
    for rule in _deep(offer.conditions):
        yield from getattr(rule, "groups", ())
    for reward in offer.rewards:
        options = reward.options if isinstance(reward, Choice) else (reward,)
        for option in options:
            yield from getattr(option, "merchant_groups", ())


def _deep(rules: Iterable[Rule]) -> Iterator[Rule]:
    for rule in rules:
        yield rule
        yield from _deep(rule.children())
        yield from _deep(getattr(rule, "each", ()))


# From one version to the next -------------------------------------------------------------------------------------


def lint_change(old: Campaign, new: Campaign, now: datetime) -> list[str]:
    """Why `new` must not follow `old` while its draws run: sentences, each naming the draw and prize.

    A draw is changed in the customers' favour only, from the beginning of the active phase to the campaign's end.
    """
    found: list[str] = []
    if not old.phases.starts_at <= now < old.phases.closes_at:
        return found
    for draw in old.draws:
        after = new.draw(draw.code)
        if after is None:
            found.append(f"The draw {draw.code} has started and cannot be taken away.")
            continue
        prizes = {prize.code: prize for prize in after.prizes}
        for prize in draw.prizes:
            now_prize = prizes.get(prize.code)
            if now_prize is None:
                found.append(f"The draw {draw.code} has started: the prize {prize.code} cannot be taken away.")
                continue
            for what, before, later in (
                ("value", prize.value, now_prize.value),
                ("odds", 0 if prize.consolation else prize.odds_ppm, now_prize.odds_ppm),
                ("stock", prize.stock, now_prize.stock),
            ):
                if _less(before, later):
                    found.append(f"The draw {draw.code} has started: the {what} of {prize.code} cannot be lowered.")
            if not _as_good(prize.reward, now_prize.reward):
                found.append(
                    f"The draw {draw.code} has started: what {prize.code} delivers can only become better (the same"
                    " article or kind of coupon, worth no less, usable no less widely and no shorter)."
                )
        if draw.consolation is not None and (
            after.consolation is None or after.consolation.value < draw.consolation.value
        ):
            found.append(
                f"The draw {draw.code} has started: its consolation {draw.consolation.code} cannot be replaced by less."
            )
    return found


def _less(before: int | None, later: int | None) -> bool:
    """None: without limit."""
    return later is not None and (before is None or later < before)


def _as_good(before: Reward | None, later: Reward | None) -> bool:
    """Whether a prize delivers at least what it did. What is not known to be so counts as less."""
    match before, later:
        case None, _:
            return True
        case CouponReward(), CouponReward():
            same = (before.kind, before.delivery, before.sku) == (later.kind, later.delivery, later.sku)
            worth = later.value >= before.value and later.count >= before.count and later.min_spend <= before.min_spend
            groups = set(later.merchant_groups)
            wide = not groups or (bool(before.merchant_groups) and groups.issuperset(before.merchant_groups))
            return same and worth and wide and _as_long(before.valid, later.valid)
        case Gift(), Gift():
            return (before.delivery, before.sku) == (later.delivery, later.sku) and later.value >= before.value
        case Cashback(), Cashback():
            worth = later.ppm >= before.ppm and not _less(before.cap, later.cap)
            return worth and _as_long(before.valid, later.valid)
        case _:
            return False


def _as_long(before: Validity, later: Validity) -> bool:
    until = later.until is None or (before.until is not None and later.until >= before.until)
    return until and not _less(before.days, later.days)

"""What the customer did in a phase of the campaign. Source: the closing phase's "high-value" and "nearly qualified"."""

from dataclasses import dataclass
from typing import ClassVar

from domain.campaigns.conditions.base import Rule
from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Phase, Reason
from domain.campaigns.words import PHASE, money
from domain.kernel.money import Fen
from domain.kernel.words import Words


@dataclass(frozen=True, slots=True)
class TrackRecord(Rule):
    """Purchases on cards of the campaign's audience during `phase`, after refunds; None asks nothing."""

    kind: ClassVar[str] = "trackRecord"
    _about: ClassVar[About] = About.CUSTOMER

    phase: Phase = Phase.ACTIVE
    purchases_at_least: int | None = None
    purchases_below: int | None = None
    spend_at_least: Fen | None = None
    spend_below: Fen | None = None

    def __post_init__(self) -> None:
        figures = (self.purchases_at_least, self.purchases_below, self.spend_at_least, self.spend_below)
        if all(figure is None for figure in figures) or any(figure is not None and figure < 0 for figure in figures):
            raise ValueError("a track record needs at least one figure, none negative")

    def judge(self, facts: Facts) -> bool:
        record = facts.history.records.get(facts.campaign, {}).get(self.phase)
        purchases, spend = (0, 0) if record is None else (record.purchases, record.spend)
        return (
            (self.purchases_at_least is None or purchases >= self.purchases_at_least)
            and (self.purchases_below is None or purchases < self.purchases_below)
            and (self.spend_at_least is None or spend >= self.spend_at_least)
            and (self.spend_below is None or spend < self.spend_below)
        )

    def explain(self, facts: Facts) -> Reason | None:
        if self.judge(facts):
            return None
        rule = self.describe(facts.names)
        message = Words(f"仅限{rule.zh}的客户", f"Only for customers with {rule.en}")
        return Reason("OTHER_TRACK_RECORD", message, self._remedy(facts))

    def _remedy(self, facts: Facts) -> Words | None:
        """What lacks may still come while the active phase lasts; what is too much stays too much."""
        if self.phase is not Phase.ACTIVE or facts.new_until is None or facts.at >= facts.new_until:
            return None
        record = facts.history.records.get(facts.campaign, {}).get(self.phase)
        purchases, spend = (0, 0) if record is None else (record.purchases, record.spend)
        more, fen = (self.purchases_at_least or 0) - purchases, (self.spend_at_least or 0) - spend
        if self.purchases_below is not None and purchases + max(more, int(fen > 0)) >= self.purchases_below:
            return None
        if self.spend_below is not None and spend + max(fen, int(more > 0)) >= self.spend_below:
            return None
        zh, en = [], []
        if more > 0:
            zh.append(f"再消费{more}笔")
            en.append(f"make {more} more purchase{'' if more == 1 else 's'}")
        if fen > 0:
            zh.append(f"再消费{money(fen).zh}")
            en.append(f"spend {money(fen).en} more")
        said = " and ".join(en)
        return Words(f"活动期内{'且'.join(zh)}", f"{said[0].upper()}{said[1:]} in the active phase")

    def describe(self, names: Naming = NO_NAMES) -> Words:
        zh, en = [], []
        if self.purchases_at_least is not None:
            zh.append(f"消费不少于{self.purchases_at_least}笔")
            en.append(f"at least {self.purchases_at_least} purchase{'' if self.purchases_at_least == 1 else 's'}")
        if self.purchases_below is not None:
            zh.append(f"消费少于{self.purchases_below}笔")
            en.append(f"fewer than {self.purchases_below} purchases")
        if self.spend_at_least is not None:
            least = money(self.spend_at_least)
            zh.append(f"累计消费满{least.zh}")
            en.append(f"at least {least.en} spent")
        if self.spend_below is not None:
            below = money(self.spend_below)
            zh.append(f"累计消费低于{below.zh}")
            en.append(f"less than {below.en} spent")
        phase = PHASE[self.phase]
        return Words(f"{phase.zh}{'，'.join(zh)}", f"{', '.join(en)} in the {phase.en}")

"""Which segments a customer is in at a moment. Source: the segment rules published beside the campaigns."""

from datetime import datetime

from domain.campaigns.facts import Facts, facts_at
from domain.campaigns.model import SegmentRule
from domain.stories.plans import Plans
from domain.stories.state import StoryState


def segments_of(state: StoryState | None, now: datetime, plans: Plans) -> tuple[SegmentRule, ...]:
    """In the order of the rules; a customer nothing is known of is in none that asks anything."""
    facts = _facts(state, now, plans)
    return tuple(rule for rule in plans.segments if all(condition.judge(facts) for condition in rule.conditions))


def segments_change_at(state: StoryState | None, now: datetime, plans: Plans) -> datetime | None:
    """When passing time alone may next change which segments the customer is in; None: never."""
    facts = _facts(state, now, plans)
    conditions = (condition for rule in plans.segments for condition in rule.conditions)
    return min((at for condition in conditions if (at := condition.changes_at(facts)) is not None), default=None)


def _facts(state: StoryState | None, now: datetime, plans: Plans) -> Facts:
    facts = facts_at(now, state if state is not None else StoryState())
    facts.calendar, facts.segments, facts.names = plans.calendar, plans.segment_rules, plans.names
    return facts

"""Which segments a customer is in at a moment. Source: the segment rules published beside the campaigns."""

from datetime import datetime

from domain.campaigns.facts import facts_at
from domain.campaigns.model import SegmentRule
from domain.stories.plans import Plans
from domain.stories.state import StoryState


def segments_of(state: StoryState | None, now: datetime, plans: Plans) -> tuple[SegmentRule, ...]:
    """In the order of the rules; a customer nothing is known of is in none that asks anything."""
    facts = facts_at(now, state if state is not None else StoryState())
    facts.calendar, facts.segments, facts.names = plans.calendar, plans.segment_rules, plans.names
    return tuple(rule for rule in plans.segments if all(condition.judge(facts) for condition in rule.conditions))

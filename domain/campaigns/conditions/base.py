"""What every condition answers: does it hold, why not, and how it reads in the rule text."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from domain.campaigns.facts import NO_NAMES, Facts, Naming
from domain.campaigns.terms import About, Reason
from domain.kernel.words import Words


class Rule:
    """One kind of condition. Its subclass is a frozen dataclass whose fields are what the file may say.

    kind: the key in a campaign file. anchored: speaks of one of the customer's cards (`Facts.anchor`).
    """

    __slots__ = ()

    kind: ClassVar[str]
    _about: ClassVar[About]
    _anchored: ClassVar[bool] = False

    @property
    def about(self) -> About:
        return self._about

    @property
    def anchored(self) -> bool:
        return self._anchored

    def judge(self, facts: Facts) -> bool:
        """Whether it holds. A condition about a subject does not hold for another kind of subject, or none."""
        raise NotImplementedError

    def explain(self, facts: Facts) -> Reason | None:
        """Why it does not hold, None where it does.

        With no subject, a condition about the subject has nothing to explain, and one that can still come true by
        what the offer waits for (a first purchase not made yet) answers None too.
        """
        raise NotImplementedError

    def describe(self, names: Naming = NO_NAMES) -> Words:
        """The rule as a customer reads it: a clause without a full stop."""
        raise NotImplementedError

    def deadline(self, facts: Facts) -> datetime | None:
        """Until when (exclusive) it can hold for this customer, where it sets such an end."""
        return None

    def changes_at(self, facts: Facts) -> datetime | None:
        """When passing time alone may next change what it answers about the customer; None: never.

        Neither earlier than it changes nor later. The ends of a campaign's phases and of a count's periods are not
        said here: they are the same for everybody.
        """
        ends = self.deadline(facts)
        return ends if ends is not None and facts.local < ends else None

    def children(self) -> Iterable["Rule"]:
        """The conditions inside this one."""
        return ()

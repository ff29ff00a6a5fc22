"""Which events of a batch are new, known, reused or unfit. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from domain.intake.model import Accepted, Duplicate, Incoming, RejectCode, Rejected, Verdict

Key: TypeAlias = tuple[int, str, str]
"""Lane, source, id: what an event is known by."""

ACCEPTED = Accepted()
DUPLICATE = Duplicate()
REUSED = Rejected(
    RejectCode.EVENT_REUSED, "An event with this source and id came before with another type, time or data."
)


def judge(
    events: Sequence[tuple[Key, int, Incoming]],
    known: Mapping[Key, int],
    unfit: Callable[[Incoming], str | None],
) -> list[Verdict]:
    """One verdict for each event, in the order given.

    Args:
        events: key, print (equal for equal events) and the event.
        known: print of each key that is durable already.
        unfit: why the data does not fit the type, or None. Asked only about events not known yet: it is the dear part,
            and what is known was asked about when it came first.

    An unfit event leaves no trace: a fit one under the same key may follow in the same batch.
    """
    verdicts: list[Verdict] = []
    taken: dict[Key, int] = {}
    for key, print_, event in events:
        before = known.get(key)
        if before is None:
            before = taken.get(key)
        if before is not None:
            verdicts.append(DUPLICATE if before == print_ else REUSED)
            continue
        reason = unfit(event)
        if reason is not None:
            verdicts.append(Rejected(RejectCode.EVENT_INVALID, reason))
            continue
        taken[key] = print_
        verdicts.append(ACCEPTED)
    return verdicts

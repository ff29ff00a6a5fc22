"""Whether an event's data fits its type, by the one reader the worker uses too."""

from domain.intake.model import Incoming
from domain.stories.events import EventInvalid, read_event


def unfit(event: Incoming) -> str | None:
    """Why not, for the sender's programmer; None when it fits."""
    try:
        read_event(event.type, event.at, event.source, event.id, event.data)
    except EventInvalid as invalid:
        return invalid.detail
    return None

"""A story's state as the text of its row. Read and spelled in C: each event does both, and the till and the hall read.

Not by orjson, for msgspec is told the shape: moments, enums and named tuples come as such, not as texts and lists.
"""

import msgspec

from domain.stories.state import Plain, StoryState

_read = msgspec.json.Decoder(Plain).decode
_spell = msgspec.json.Encoder().encode


def state_of(text: str) -> StoryState:
    """Raises msgspec.DecodeError for what is no state's text."""
    return StoryState.from_plain(_read(text))


def text_of(state: StoryState, missed: frozenset[str] | None = None) -> str:
    """missed: what takes the place of the state's own."""
    plain = state.to_plain()
    if missed is not None and missed != state.missed:
        plain["missed"] = sorted(missed)
    return _spell(plain).decode()

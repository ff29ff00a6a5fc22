"""What a customer is called: an opaque token of the bank's, never a card number."""

import re
from typing import Any, TypeGuard

# As the events are read (domain/stories/events.py): the token becomes part of account keys and of PostgreSQL text.
_TOKEN = re.compile('[^"\\\\{}\x00-\x1f\x7f\ud800-\udfff]{1,64}')


def is_customer(value: Any) -> TypeGuard[str]:
    """Whether a customer can be called this."""
    return type(value) is str and _TOKEN.fullmatch(value) is not None

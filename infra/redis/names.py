"""What things are called in Valkey: `{tag}:use:...`, so that a cluster keeps together what belongs together.

Customers and addresses stand in it only as keyed hashes: who reads the whole of Valkey learns of nobody.
"""

from hashlib import blake2b

from domain.kernel.ids import lane_of


class Names:
    """key: 32 secret bytes that all processes of the hall share."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def viewer(self, customer: str) -> str:
        """The channel of a customer's signals."""
        return f"{{{lane_of(customer)}}}:viewer:{self._hidden(customer)}"

    def rate(self, who: str, scope: str) -> str:
        """The key of what `who` has done lately in `scope`."""
        return f"{{{self._hidden(who)}}}:rate:{scope}"

    def _hidden(self, text: str) -> str:
        return blake2b(text.encode(), key=self._key, digest_size=16).hexdigest()

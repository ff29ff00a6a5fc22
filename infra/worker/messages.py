"""Keeps the promise of words to a customer: on the hall's own message page, by consent and outside the night.

`via` and the sealed address are kept with each message for the gateway that carries it further.
"""

from datetime import datetime
from typing import Any, assert_never

from domain.kernel.time import Clock
from domain.messaging.decide import MessageKind, Send, Wait, Withhold, may_go_out
from infra.db.stores.messages import MessageStore

BATCH = 500


class Messages:
    def __init__(self, store: MessageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self, told: dict[str, Any], attempt: int) -> None:
        """A handler of the outbox; kept twice, it is one message."""
        now = self._clock.now()
        agreed = await self._store.agreed(told["customer"])
        match may_go_out(MessageKind(told["kind"]), agreed=agreed, now=now):
            case Send():
                await self._store.add(told, "SENT", now, now)
            case Wait(until):
                await self._store.add(told, "DUE", until, None)
            case Withhold():
                await self._store.add(told, "WITHHELD", now, None)
            case other:
                assert_never(other)

    async def send_due(self, now: datetime) -> int:
        """Send what waited for the morning, to those who still agree; returns how many were looked at."""
        rows = await self._store.due(now, BATCH)
        for row in rows:
            match may_go_out(MessageKind(row["kind"]), agreed=row["agreed"], now=now):
                case Send():
                    await self._store.end(row["lane"], row["id"], "SENT", now)
                case Wait(until):
                    await self._store.put_off(row["lane"], row["id"], until)
                case Withhold():
                    await self._store.end(row["lane"], row["id"], "WITHHELD", None)
                case other:
                    assert_never(other)
        return len(rows)

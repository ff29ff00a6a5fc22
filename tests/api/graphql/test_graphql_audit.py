"""The reference audit of GraphQL over HTTP, against the configuration that production runs."""

import asyncio

from tests.builders.audit import audit
from tests.builders.graphql_door import Door
from tests.builders.served import served


async def test_the_audit_finds_every_must_and_should_kept_in_production() -> None:
    door = Door(sandbox=False)
    async with served(door.app) as url:
        found = await asyncio.to_thread(audit, f"{url}/graphql")

    print({rank: f"{rules['passed']}/{rules['rules']}" for rank, rules in found.items()})  # noqa: T201
    assert found["MUST"] == {"rules": 13, "passed": 13, "failed": []}
    assert found["SHOULD"] == {"rules": 23, "passed": 23, "failed": []}
    assert found["MAY"]["rules"] == 25
    assert {failed[:4] for failed in found["MAY"]["failed"]} == {"5A70", "D6D5", "6A70"}, "only GET is not spoken"
    assert door.reported == []


async def test_the_audit_fails_a_door_that_breaks_the_rules() -> None:
    async def always_right(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b'{"data": {}}'})  # type: ignore[operator]

    async with served(always_right) as url:
        found = await asyncio.to_thread(audit, f"{url}/graphql")

    assert found["MUST"]["failed"]
    assert found["SHOULD"]["failed"]

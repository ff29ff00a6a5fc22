"""Which database a process may use, and what it says about one it cannot."""

import socket

import pytest

from infra.db.installation import check_database, claim, connect, read_note, write_note
from infra.embedded import EmbeddedPostgres
from infra.home import HouseError
from infra.settings import Mode


async def test_a_database_keeps_the_mode_that_came_first(pg_dsn: str) -> None:
    await claim(pg_dsn, Mode.SANDBOX)
    await check_database(pg_dsn, Mode.SANDBOX)

    with pytest.raises(HouseError, match=r"^This database holds a sandbox's demo people and is refused in production"):
        await check_database(pg_dsn, Mode.PRODUCTION)


async def test_a_sandbox_never_touches_a_production_s_customers(pg_dsn: str) -> None:
    await check_database(pg_dsn, Mode.PRODUCTION)

    with pytest.raises(HouseError, match=r"^This database holds a production's customers and is refused in sandbox"):
        await claim(pg_dsn, Mode.SANDBOX)


async def test_a_database_that_is_not_migrated_is_refused(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(HouseError, match=r"^The database lacks the migration .*: run `hall migrate` first"):
        await check_database(postgres.dsn, Mode.SANDBOX)


async def test_a_note_is_what_was_written_last(pg_dsn: str) -> None:
    assert await read_note(pg_dsn, "demo") is None

    await write_note(pg_dsn, "demo", "first")
    await write_note(pg_dsn, "demo", "second")

    assert await read_note(pg_dsn, "demo") == "second"


async def test_a_missing_database_is_one_sentence(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(HouseError, match=r"^There is no database nowhere at 127.0.0.1:"):
        await connect(postgres.dsn_of("nowhere"))


async def test_a_wrong_password_is_one_sentence_that_does_not_repeat_it(postgres: EmbeddedPostgres) -> None:
    wrong = postgres.dsn.replace("hall:", "hall:wr0ng")

    with pytest.raises(HouseError, match="refuses this user: correct HALL_DATABASE_URL") as refused:
        await connect(wrong)
    assert "wr0ng" not in str(refused.value)


async def test_an_unreachable_server_is_one_sentence() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    with pytest.raises(HouseError, match=f"^The database at 127.0.0.1:{port} cannot be reached") as refused:
        await connect(f"postgresql://hall:s3cret@127.0.0.1:{port}/hall")
    assert "s3cret" not in str(refused.value)

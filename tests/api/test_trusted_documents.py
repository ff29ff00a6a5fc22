"""The documents of our own apps: within the limits for every customer, and the same for ever under their hash."""

from hashlib import sha256

import pytest

from api.documents import DIRECTORY, trusted_documents
from api.graphql import GraphQLApp, Limits
from api.graphql.plans import Documents
from tests.builders.hall_api import SCHEMA, HallApi
from tests.builders.rows import add_coupon


def test_each_document_stands_under_the_hash_of_its_text() -> None:
    found = trusted_documents()

    assert len(found) == len(list(DIRECTORY.glob("*.graphql"))) >= 5
    assert all(sha256(text.encode()).hexdigest() == hash_ for hash_, text in found.items())


@pytest.mark.parametrize("hash_", sorted(trusted_documents()))
def test_each_document_is_valid_and_within_the_limits(hash_: str) -> None:
    documents = Documents(SCHEMA, Limits(), sandbox=False, trusted={hash_: trusted_documents()[hash_]})

    assert documents.find(None, hash_) is not None


async def test_the_dearest_page_of_the_wallet_is_within_the_limits(hall_api: HallApi) -> None:
    await add_coupon(hall_api.db, "alice")

    data = await hall_api.data((DIRECTORY / "wallet.graphql").read_text(), "alice", first=100)

    assert len(data["viewer"]["wallet"]["coupons"]["edges"]) == 1


async def test_the_door_takes_them_at_its_start(hall_api: HallApi) -> None:
    async def nobody(head: object, /) -> None:
        return None

    app = GraphQLApp(SCHEMA, context_for=nobody, report=lambda *_: None, trusted=trusted_documents())

    assert app is not None

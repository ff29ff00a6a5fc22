"""How a batch is turned into SQL: few texts for many kinds of batches."""

import random

import pytest

from infra.db import batch
from infra.db.batch import Part, Texts
from infra.db.literals import arrays, moments, numbers, texts, uuids
from tests.builders.ledger import AT

PARTS = [Part(0, "a", str(n)) for n in range(12)]


def made(needed: set[int], known: Texts) -> tuple[str, tuple[Part, ...]]:
    return known.of(frozenset(PARTS[n] for n in needed))


def text_of(parts: object) -> str:
    return " ".join(part.name for part in parts)  # type: ignore[attr-defined]


def test_a_batch_that_needs_a_little_less_takes_a_known_text() -> None:
    known = Texts(text_of)
    wide = made({1, 2, 3}, known)

    assert made({1, 3}, known) == wide
    assert made({1, 4}, known)[0] == "1 4"


def test_a_text_with_much_more_than_needed_is_not_taken() -> None:
    known = Texts(text_of)
    made(set(range(10)), known)

    assert made({1}, known)[0] == "1"


def test_there_are_only_so_many_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "KNOWN_TEXTS", 8)
    known, chance = Texts(text_of), random.Random(1)

    for _ in range(2000):
        needed = set(chance.sample(range(12), chance.randint(1, 12)))
        _, parts = made(needed, known)
        assert {PARTS[n] for n in needed} <= set(parts)
        assert list(parts) == sorted(parts)

    assert len(known._known) <= 8


def test_arrays_are_spelled_as_the_database_reads_them() -> None:
    assert numbers([1, -2, None, True]) == "{1,-2,null,true}"
    assert texts(["a", 'b"\\', None]) == '{"a","b\\"\\\\",null}'
    assert texts(["\x01\n"]) == '{"\x01\n"}'
    assert texts([{"a": [1]}, "x"]) == '{"{\\"a\\":[1]}","x"}'
    assert texts([]) == numbers([]) == uuids([]) == moments([]) == "{}"
    assert arrays([("a", 'b"'), None, []]) == '{"{\\"a\\",\\"b\\\\\\"\\"}",null,"{}"}'
    assert moments([AT, None]) == '{"2026-10-02T04:00:00+00:00",null}'


def test_a_text_with_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        texts(["a\0b"])


def test_what_is_neither_text_nor_json_is_refused() -> None:
    with pytest.raises(TypeError):
        texts([object()])
    with pytest.raises(TypeError):
        texts([5])

"""Every sentence of the rooms is there in both languages, with the same places to fill."""

from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest

from domain.kernel.words import Words

ROOMS = sorted(
    ".".join(path.with_suffix("").parts) for path in Path("api").rglob("words.py") if "__pycache__" not in path.parts
)


def catalogue(module: str) -> dict[str, Words]:
    found: dict[str, Words] = {}
    for name, value in vars(import_module(module)).items():
        if isinstance(value, Words):
            found[name] = value
        elif isinstance(value, dict):
            found |= {f"{name}[{key}]": each for key, each in value.items() if isinstance(each, Words)}
    return found


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("room", ROOMS)
def test_each_sentence_is_said_in_both_languages(room: str) -> None:
    sentences = catalogue(room)

    assert sentences, f"{room} says nothing"
    for name, words in sentences.items():
        assert words.zh.strip(), name
        assert words.en.strip(), name
        assert words.zh != words.en, name
        assert any("一" <= sign <= "鿿" for sign in words.zh), name
        assert not any("一" <= sign <= "鿿" for sign in words.en), name


@pytest.mark.parametrize("room", ROOMS)
def test_both_languages_fill_the_same_places(room: str) -> None:
    for name, words in catalogue(room).items():
        assert places(words.zh) == places(words.en), name


def test_the_rooms_are_found() -> None:
    assert {"api.words", "api.offers.words", "api.identity.words"} <= set(ROOMS)

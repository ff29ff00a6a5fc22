"""The line-keeping YAML reader takes plain values and nothing else."""

from datetime import date

import pytest

from infra.campaigns.tree import (
    DEPTH_LIMIT,
    NODE_LIMIT,
    SIZE_LIMIT,
    CampaignUnreadable,
    FileError,
    Reading,
    Table,
    places,
    plain,
    read_tree,
)

DAY = date(2026, 10, 1)


def tree(text: str) -> Table:
    reading = Reading("t.yaml", DAY)
    root = read_tree(text, reading)
    reading.finish()
    assert root is not None
    return root


def faults(text: str) -> list[str]:
    with pytest.raises(CampaignUnreadable) as caught:
        tree(text)
    return [error.message for error in caught.value.errors]


def test_a_scalar_stays_the_text_that_was_written() -> None:
    root = tree("country: NO\nat: 10:00\nday: 2026-10-01\nmany: 50_000\nyes: on\n")

    texts = {key: entry.value.text for key, entry in root.entries.items()}
    assert texts == {"country": "NO", "at": "10:00", "day": "2026-10-01", "many": "50_000", "yes": "on"}


def test_every_path_knows_its_line() -> None:
    root = tree("code: tea\noffers:\n  - code: cup\n    quota: 5\n  - {code: pot,\n     quota: 6}\n")

    assert places(root) == {
        "code": 1,
        "offers": 2,
        "offers[0]": 3,
        "offers[0].code": 3,
        "offers[0].quota": 4,
        "offers[1]": 5,
        "offers[1].code": 5,
        "offers[1].quota": 6,
    }


def test_every_value_knows_its_column() -> None:
    value = tree("offers:\n  - code: cup\n").entries["offers"].value

    item = value.items[0]
    assert (item.line, item.column) == (2, 5)
    assert (item.entries["code"].value.line, item.entries["code"].value.column) == (2, 11)


def test_a_fault_is_told_as_file_line_path_message_and_remedy() -> None:
    error = FileError("p.yaml", 41, 12, "offers[3].quota", '"50k" is not a whole number.', "Write 50_000.")

    assert str(error) == 'p.yaml:41: offers[3].quota: "50k" is not a whole number. Write 50_000.'


def test_all_doubled_keys_are_told_at_once() -> None:
    assert faults("a: 1\nb: 1\na: 2\nb: 2\n") == [
        "a is written twice (first in line 1).",
        "b is written twice (first in line 2).",
    ]


def test_a_bomb_of_aliases_is_not_built() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(40))

    assert faults(bomb) == ["anchors and aliases (& and *) are not read."]


def test_a_bomb_of_brackets_ends_at_the_limit() -> None:
    assert faults("a: " + "[" * 200_000) == [f"the file is nested deeper than {DEPTH_LIMIT} levels."]


def test_an_endless_list_ends_at_the_limit() -> None:
    assert faults("a:\n" + "- 1\n" * NODE_LIMIT) == [f"the file has more than {NODE_LIMIT} values."]


def test_a_file_above_the_size_limit_is_not_parsed() -> None:
    assert faults("# " + "x" * SIZE_LIMIT) == ["the file is larger than 512 KiB."]


@pytest.mark.parametrize("text", ["a: !!python/object:os.system x", "a: !x y", "!!map {a: b}", "a: !!str 5"])
def test_no_tag_is_read(text: str) -> None:
    assert all("is not read" in message for message in faults(text))


def test_a_character_that_no_text_has_is_told_with_its_line() -> None:
    with pytest.raises(CampaignUnreadable) as caught:
        tree("a: 1\nb: \x07\n")

    assert caught.value.errors[0].line == 2


def test_the_plain_form_has_numbers_where_a_yaml_reader_has_them() -> None:
    root = tree("many: 50_000\nmoney: 200 yuan\nopen: true\nzero: 0\nday: 2026-10-01\nodd: _5\n")

    assert plain(root) == {
        "many": 50_000,
        "money": "200 yuan",
        "open": True,
        "zero": 0,
        "day": "2026-10-01",
        "odd": "_5",
    }

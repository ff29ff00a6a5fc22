"""`hall draw verify`: a record in a file, recomputed without a server."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.commands.draw import app
from tests.builders.draws import MadeUp


def told(made: MadeUp) -> str:
    return json.dumps(
        {
            "draw": made.draw,
            "days": [{"day": str(day.day), "commitment": day.commitment, "secret": day.secret} for day in made.days],
            "entries": [{"hash": digest, "text": text} for digest, text in made.record()],
        }
    )


@pytest.fixture
def made() -> MadeUp:
    return MadeUp().add([f"nonce of number {n:04}" for n in range(12)])


def test_a_whole_record_is_recomputed_and_an_entry_shown(made: MadeUp, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(told(made))

    done = CliRunner().invoke(app, ["verify", str(file), "--sequence", "3"])

    assert done.exit_code == 0
    assert "ok     smart-life/wake-up: 12 entries, 12 rolls recomputed, head " in done.output
    assert made.entries[2].text() in done.output


def test_one_changed_letter_is_found(made: MadeUp, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(told(made).replace("nonce of number 0004", "nonce of number 0104"))

    done = CliRunner().invoke(app, ["verify", str(file)])

    assert done.exit_code == 1
    assert "BROKEN" in done.output
    assert "entry 5" in done.output


def test_what_is_no_record_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text("[]")

    done = CliRunner().invoke(app, ["verify", str(file)])

    assert str(done.exception).endswith("is not the record of a draw.")

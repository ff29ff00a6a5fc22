"""Every way a campaign file goes wrong is told with its line and a remedy, all of a file's faults at once.

A file begins with what it must be told: `# line 7: words of the remedy`, once for each fault.
"""

import re
from pathlib import Path

import pytest

from infra.campaigns.check import Checked, check

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


def told(path: Path) -> tuple[list[tuple[int, str]], Checked]:
    text = path.read_text(encoding="utf-8")
    expected = [(int(line), words) for line, words in re.findall(r"^# line (\d+): (.*)$", text, re.MULTILINE)]
    return expected, check(text, file=path.name)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_told_its_lines_and_remedies(path: Path) -> None:
    expected, checked = told(path)

    assert [error.line for error in checked.errors] == [line for line, _ in expected], checked.errors
    for error, (_, words) in zip(checked.errors, expected, strict=True):
        assert words in error.remedy
        assert error.message


def test_there_are_files_enough() -> None:
    assert len(BROKEN) >= 40

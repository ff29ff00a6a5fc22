"""What no file of the repository says: where packages come from, where somebody's machine keeps things, what is undone.

The forbidden words are put together here, so that this file does not say them either.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

REGISTRIES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".",
    "yarnpkg" + ".",
    "npmmirror" + ".",
    "mirrors" + ".aliyun",
    "tuna" + ".tsinghua",
    "crates" + ".io",
    "proxy" + ".golang",
    "docker" + ".io",
    "ghcr" + ".io",
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home|work|Users|opt|mnt)" + r"/[\w.]")
UNDONE = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")
NOT_OURS = re.compile(r"\.git|\.venv|\.hall|build|node_modules|__pycache__|.*_cache|\.hypothesis|.*\.egg-info")


def files(root: Path) -> Iterator[Path]:
    """What is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0:
        paths = (root / name for name in listed.stdout.split("\0") if name)
    else:  # an unpacked archive
        paths = (path for path in root.rglob("*") if not any(map(NOT_OURS.fullmatch, path.relative_to(root).parts)))
    yield from (path for path in paths if path.is_file())


def complaints(root: Path) -> list[str]:
    found = []
    for path in files(root):
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue  # an image
        for number, line in enumerate(lines, 1):
            where = f"{path.relative_to(root)}:{number}"
            found += [f"{where} names {host}" for host in REGISTRIES if host in line]
            found += [f"{where} has a path of a machine"] if MACHINE_PATH.search(line) else []
            found += [f"{where} leaves something undone"] if UNDONE.search(line) else []
    return found


def test_no_file_names_a_registry_a_machine_s_path_or_undone_work() -> None:
    assert complaints(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://" + "pypi" + ".org/simple",
        "resolved https://registry." + "npmjs" + ".org/x",
        "see /" + "root/notes.md",
        'HOME = "/' + 'home/somebody"',
        "# TO" + "DO later",
    ],
)
def test_a_planted_word_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "notes.md").write_text(f"fine\n{line}\n")

    [found] = complaints(tmp_path)
    assert found.startswith("notes.md:2 ")


def test_ordinary_text_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(
        "state is kept in .hall/, served at /v1/events and https://hall.example/home/page"
    )

    assert complaints(tmp_path) == []

"""The page that recomputes a draw: its JavaScript finds what the Python verifier finds, byte for byte."""

import json
import re
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from api.graphql.page import policy_of
from domain.lottery.roll import roll
from domain.lottery.verify import verify
from tests.builders.draws import MadeUp

PAGE = Path(__file__).parents[3] / "api" / "lottery" / "verify.html"


def in_the_page(expression: str, given: object) -> object:
    """What the page's own script makes of `given`, under Node, without a document."""
    script = re.findall(r"<script>(.*?)</script>", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    code = f"{script}\nconst given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
    code += f"console.log(JSON.stringify({expression}));"
    done = subprocess.run(["node", "-e", code], input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def record_of(made: MadeUp) -> dict[str, object]:
    return {
        "draw": made.draw,
        "days": [{"day": str(day.day), "commitment": day.commitment, "secret": day.secret} for day in made.days],
        "entries": [{"hash": digest, "text": text} for digest, text in made.record()],
    }


def test_its_hash_is_sha_256_at_every_length_around_a_block() -> None:
    texts = ["x" * length for length in (*range(130), 1_000)] + ["幸运数字"]

    assert in_the_page("given.map(text => hex(sha256(utf8(text))))", texts) == [
        sha256(text.encode()).hexdigest() for text in texts
    ]


def test_its_rolls_are_ours() -> None:
    secrets = [bytes([n]) * 32 for n in range(1, 60)]
    given = [[secret.hex(), n, f"随机数 number {n:06}"] for n, secret in enumerate(secrets, 1)]

    found = in_the_page("given.map(([s, n, nonce]) => roll(unhex(s), 'smart-life/wake-up', n, nonce))", given)

    assert found == [roll(bytes.fromhex(s), "smart-life/wake-up", n, nonce) for s, n, nonce in given]


@pytest.mark.parametrize("harm", ["none", "roll", "prize", "stock", "day", "left out", "text", "secret", "odds"])
def test_it_finds_what_the_verifier_finds(harm: str) -> None:
    made = MadeUp().add([f"nonce of number {n:04}" for n in range(30)])
    entry = made.entries[9]
    match harm:
        case "roll":
            made.entries[9] = replace(entry, roll=(entry.roll + 1) % 1_000_000)
        case "prize":
            made.entries[9] = replace(entry, prize="card")
        case "stock":
            made.entries[9] = replace(entry, stock=(("card", 9), ("video", 0), ("coupon", None)))
        case "day":
            made.entries[9] = replace(entry, day=entry.day.replace(day=1))
        case "left out":
            del made.entries[9]
        case "odds":
            made.entries[9] = replace(entry, odds=entry.odds[:2])
    record = record_of(made)
    if harm == "text":
        record["entries"][9]["text"] += " "  # type: ignore[index]
    if harm == "secret":
        record["days"][0]["secret"] = "ff" * 32  # type: ignore[index]
    days = [replace(day, secret="ff" * 32) for day in made.days] if harm == "secret" else made.days
    listed = [(one["hash"], one["text"]) for one in record["entries"]]  # type: ignore[attr-defined]

    told = in_the_page("verify(given)", record)

    ours = verify(made.draw, days, listed)
    assert isinstance(told, dict)
    if harm == "text":
        assert len(told["faults"]) == len(ours.faults) > 0  # the two say differently why a text is no entry
        return
    assert told == {
        "entries": ours.entries, "rolled": ours.rolled, "whole": ours.whole, "head": ours.head, "faults": ours.faults,
    }  # fmt: skip
    assert bool(ours.faults) == (harm != "none")


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert not re.search(r"(?:src|href)=|@import|url\(|https?://", text.replace("link.href", ""))
    assert "default-src 'none'" in policy_of(text)

"""The benchmarks' frame: fair turns, medians, gates, CPU time of whole process trees."""

import json
import subprocess
import sys
import time

from infra.bench.frame import Gate, Median, Result, Sample, as_json, cpu_of, interleave, median


async def test_every_round_begins_with_another_cell_and_runs_each_once() -> None:
    turns: list[str] = []

    def cell(name: str):  # type: ignore[no-untyped-def]
        async def run() -> Sample:
            turns.append(name)
            return Sample(1, 1, 1)

        return run

    await interleave({name: cell(name) for name in "abc"}, 3, say=lambda line: None)

    assert "".join(turns) == "abcbcacab"


def test_figures_are_medians_and_one_bad_round_does_not_move_them() -> None:
    found = median([Sample(100, 10, 20, {"p99_ms": 5}), Sample(1, 900, 900, {"p99_ms": 700}), Sample(110, 12, 22)])

    assert (found.rate, found.own_us, found.pg_us) == (100, 12, 22)
    assert found.spread == (110 - 1) / 100


def test_a_gate_at_its_limit_holds_in_both_directions() -> None:
    assert Gate("rate", 1.5, 1.5).ok
    assert not Gate("rate", 1.49, 1.5).ok
    assert Gate("cost", 1.35, 1.35, at_least=False).ok
    assert not Gate("cost", 1.36, 1.35, at_least=False).ok


def test_a_gate_with_cpu_beside_is_missed_only_when_both_fall_short_by_more_than_a_tenth() -> None:
    assert Gate("rate", 9.0, 20, by_cpu=18).ok
    assert Gate("rate", 18.0, 20, by_cpu=9).ok
    missed = Gate("rate", 17.9, 20, by_cpu=17.9)
    assert not missed.ok
    assert str(missed) == "MISSED rate: 17.9, by CPU 17.9 (gate >= 20.0)"


def test_cpu_time_counts_what_a_process_has_started_and_buried() -> None:
    burn = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\ninput()"],
        stdin=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 30
        while cpu_of(parent.pid) < 0.2 and time.monotonic() < deadline:
            pass

        assert cpu_of(parent.pid) >= 0.2
    finally:
        parent.communicate(b"\n")


def test_the_file_for_machines_says_which_gates_were_missed() -> None:
    cell = Median(10, 1, 1, 0, {})
    result = Result("claim", "Claims", "claim", "bound", {"bound": cell}, [Gate("rate", 0.4, 0.5)])

    written = json.loads(as_json([result], rounds=5, seconds=3))

    assert written["results"][0]["ok"] is False
    assert written["results"][0]["gates"][0]["limit"] == 0.5

"""What is counted, by one process and by several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra import metrics

COUNT_ONE = "from infra import metrics; metrics.events.labels('accepted').inc({n}); metrics.ledger_waiting.set({n})"


def test_one_process_renders_its_own_figures() -> None:
    metrics.ledger_units.labels("committed").inc(2)

    assert b'hall_ledger_units_total{outcome="committed"} ' in metrics.render()


def test_processes_that_share_a_directory_render_one_sum(tmp_path: Path) -> None:
    shared = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for n in (3, 4):
        subprocess.run([sys.executable, "-c", COUNT_ONE.format(n=n)], env=shared, check=True)

    code = "from infra import metrics; print(metrics.render().decode())"
    seen = subprocess.run([sys.executable, "-c", code], env=shared, check=True, capture_output=True, text=True).stdout
    assert 'hall_events_total{result="accepted"} 7.0' in seen


def test_clients_cannot_make_labels_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_operations", set())

    labels = {metrics.operation_label(f"Operation{n}") for n in range(metrics.MAX_OPERATIONS + 50)}

    assert len(labels) == metrics.MAX_OPERATIONS + 1
    assert "other" in labels


def test_an_operation_without_a_name_is_anonymous() -> None:
    assert metrics.operation_label(None) == "anonymous"

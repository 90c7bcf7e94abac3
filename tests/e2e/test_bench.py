# SPDX-License-Identifier: MIT
"""The bench, with next to no work: what it writes, and what it says when asked for nonsense."""

import json
import os
import subprocess

import pytest

import lemona

BENCH = lemona.ROOT / "bench/run.py"
LIMIT_SECONDS = 180  # eight recordings, and whatever else the machine has to do
COSTS = {"wall": float, "cpu": float, "events": int, "lost": int, "bytes_per_event": float}


def bench(output, program=lemona.BINARY, **environment):
    """Run it with settings of the environment; what it printed."""
    settings = {"BENCH_ROUNDS": "2", "BENCH_SCALE": "0.001", "BENCH_ONLY": "rdwr,shbm",
                **environment}
    return subprocess.run([str(BENCH), "--lemona", str(program), "--output", str(output)],
                          env={**os.environ, **settings}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=LIMIT_SECONDS)


def check_costs(costs):
    assert set(costs) == set(COSTS)
    for name, kind in COSTS.items():
        assert isinstance(costs[name], kind), f"{name}: {costs[name]!r}"
    assert costs["wall"] > 0 and costs["cpu"] > 0


def test_results(place):
    done = bench(place, BENCH_RECORDERS="lemona,strace,idler", BENCH_PEER="idler=exec sleep 100")
    assert done.returncode == 0, done.stderr
    results = json.loads((place / "bench.json").read_text())
    assert list(results) == ["rdwr", "shbm"]
    for recorders in results.values():
        assert set(recorders) == {"none", "lemona", "strace", "idler"}
        for name in ("none", "lemona", "strace"):
            check_costs(recorders[name])
        assert recorders["none"] == {"wall": 1.0, "cpu": 1.0, "events": 0, "lost": 0,
                                     "bytes_per_event": 0.0}
        assert recorders["lemona"]["events"] > 0 and recorders["strace"]["events"] > 0
        # It counts no events, and does not claim to have lost none.
        assert recorders["idler"]["events"] is None and recorders["idler"]["lost"] is None
    assert "geometric mean" in done.stdout
    assert sorted(path.name for path in place.iterdir()) == ["bench-runs.json", "bench.json"]


def test_in_the_background(place):
    """Where SIGINT is ignored, as in a shell's background, recorders still end."""
    script = f'trap "" INT; exec "{BENCH}" --lemona "{lemona.BINARY}" --output "{place}"'
    done = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "BENCH_ROUNDS": "1", "BENCH_SCALE": "0.001",
                               "BENCH_ONLY": "rdwr", "BENCH_RECORDERS": "idler",
                               "BENCH_PEER": "idler=exec sleep 100"},
                          text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr


LOSING = """#!/bin/sh
case "$1 $2" in
"record --help") ;;
record*)
	mkdir "$3"
	trap 'exit 0' INT
	echo recording >&2
	while :; do sleep 0.1; done ;;
status*) echo '{"events":1000,"lost":7,"bytes":2500}' ;;
esac
"""


def test_lost_events_are_told(place):
    program = place / "lemona"
    program.write_text(LOSING)
    program.chmod(0o755)
    (place / "bench").symlink_to(lemona.BINARY.parent / "bench")
    done = bench(place, program, BENCH_ONLY="rdwr", BENCH_RECORDERS="lemona")
    assert done.returncode == 0, done.stderr
    costs = json.loads((place / "bench.json").read_text())["rdwr"]["lemona"]
    assert costs["lost"] == 14  # of two rounds
    assert costs["events"] == 1000 and costs["bytes_per_event"] == 2.5
    row = [line.split() for line in done.stdout.splitlines() if line.startswith("rdwr")][0]
    assert row[4:] == ["1000", "14", "2.50"]


@pytest.mark.parametrize("environment, sentence", [
    ({"BENCH_PEER": "nothing"}, "BENCH_PEER wants name=command, not nothing"),
    ({"BENCH_PEER": "x="}, "BENCH_PEER wants name=command, not x="),
    ({"BENCH_PEER": "lemona=sleep 1"}, "BENCH_PEER: lemona is the name of another recorder here"),
    ({"BENCH_PEER": "peer=false", "BENCH_RECORDERS": "peer"},
     "peer ended with status 1 instead of recording: false"),
    ({"BENCH_ONLY": "rdwr,nothing"}, "BENCH_ONLY: there is no nothing; there is find, "),
    ({"BENCH_ROUNDS": "0"}, "BENCH_ROUNDS=0 is no number above zero"),
    ({"BENCH_SCALE": "x"}, "BENCH_SCALE=x is no number above zero"),
])
def test_nonsense(place, environment, sentence):
    done = bench(place, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"bench: {sentence}") and done.stderr.count("\n") == 1
    assert not (place / "bench.json").exists()

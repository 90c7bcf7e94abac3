# SPDX-License-Identifier: MIT
"""The made host of the bench: its log is one, and what is said of its attacks is true."""

import json
import os
import subprocess

import pytest

import lemona

PROGRAMS = lemona.BINARY.parent / "bench"
ANALYSIS = lemona.ROOT / "bench/analysis.py"
LIMIT_SECONDS = 240
KEYS = {"events", "ingest_events_per_s_core", "bytes_per_event_disk", "backtrack_rss_bytes",
        "random_query_ms", "attack_graph_ms", "attack_recall", "first_screen_recall",
        "first_screen_other_share", "reduction", "sql"}


def make(place, name, *options):
    """A log and its truth."""
    log, truth = place / name, place / f"{name}.json"
    subprocess.run([PROGRAMS / "bench-make-host", *options, log, truth], check=True,
                   stdout=subprocess.DEVNULL, timeout=LIMIT_SECONDS)
    return log, json.loads(truth.read_text())


def ask(log, questions):
    """The answers of bench-ask, without what it says of itself first."""
    done = subprocess.run([PROGRAMS / "bench-ask", log], input="\n".join(questions) + "\n",
                          check=True, text=True, stdout=subprocess.PIPE, timeout=LIMIT_SECONDS)
    return [json.loads(line) for line in done.stdout.splitlines()][1:]


@pytest.fixture(scope="module", name="host")
def fixture_host(tmp_path_factory):
    return make(tmp_path_factory.mktemp("host"), "log", "--events", "300000", "--days", "3",
                "--seed", "5")


def test_log_is_sound(host):
    log, truth = host
    status = json.loads(lemona.run("status", log, "--format", "json").stdout)
    assert status["events"] == truth["events"] and status["lost"] == 0
    assert 240_000 < truth["events"] < 360_000
    verified = json.loads(lemona.run("verify", log, "--format", "json", check=False).stdout)
    assert verified["sound"] and verified["events"] == truth["events"]


def rows_of(log, events):
    statement = "select id, op, process, object, object2, name, name2 from events where id in " \
                f"({','.join(map(str, events))})"
    return json.loads(lemona.run("query", log, statement, "--format", "json").stdout)["rows"]


def test_truth_is_of_this_log(host):
    """Each step is there, and is one of a process that belongs to the attack."""
    log, truth = host
    assert len(truth["attacks"]) == 12
    for attack in truth["attacks"]:
        rows = rows_of(log, attack["events"])
        assert [row[0] for row in rows] == attack["events"]
        known = {number for thing in attack["things"] for number in thing["objects"]}
        for number, operation, process, *_ in rows:
            assert process in known or operation == "fork", f"{attack['name']}: {number}"
        touched = {number for row in rows for number in row[2:]}
        for thing in attack["things"]:
            if thing["role"] == "carrier":
                continue
            assert touched & set(thing["objects"]), f"{attack['name']}: {thing['label']}"
        assert all(int(point.removeprefix("event:")) in attack["events"]
                   for point in attack["detections"]) and attack["detections"]


def test_attacks_are_found(host):
    """Without filters every step of every attack is in the graph, and its entry is a node."""
    log, truth = host
    for attack in truth["attacks"]:
        answer, holds = ask(log, [" ".join(["trace backward none", *attack["detections"]]),
                                  " ".join(["holds", *map(str, attack["events"])])])
        assert holds["missing"] == [], attack["name"]
        assert int(attack["entry"].removeprefix("object:")) in answer["nodes"], attack["name"]


def listing(log):
    """Events without their times: those are told in the time of this machine."""
    for line in lemona.run("events", log, "--format", "json").stdout.splitlines():
        event = json.loads(line)
        yield {key: value for key, value in event.items() if key not in ("time", "begin")}


def test_same_seed_same_host(place):
    size = ("--events", "40000", "--days", "1", "--attacks", "1")
    (first, truth), (second, again) = (make(place, name, *size) for name in ("a", "b"))
    assert truth == again
    assert list(listing(first)) == list(listing(second))
    _, other = make(place, "c", *size, "--seed", "2")
    assert other["attacks"] != truth["attacks"]


def test_analysis(place):
    settings = {"BENCH_ANALYSIS_EVENTS": "40000", "BENCH_ANALYSIS_DAYS": "1",
                "BENCH_ANALYSIS_ATTACKS": "1", "BENCH_ANALYSIS_RANDOM": "20",
                "BENCH_ANALYSIS_ROUNDS": "1", "BENCH_ANALYSIS_DIR": str(place)}
    done = subprocess.run([ANALYSIS, "--lemona", lemona.BINARY, "--output", place],
                          env={**os.environ, **settings}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    result = json.loads((place / "bench-analysis.json").read_text())
    assert KEYS <= set(result)
    assert result["attack_recall"] == 1 and result["reduction"] > 1
    assert set(result["random_query_ms"]) >= {"mean", "p50", "p99"}
    for times in result["sql"].values():
        assert set(times) == {"rows", "lemona_ms", "sqlite_noindex_ms", "sqlite_index_ms"}
    assert [path.name for path in place.iterdir()] == ["bench-analysis.json"]


def test_nonsense_is_told(place):
    done = subprocess.run([ANALYSIS, "--lemona", lemona.BINARY, "--output", place],
                          env={**os.environ, "BENCH_ANALYSIS_EVENTS": "some"}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_SECONDS)
    assert done.returncode == 1
    assert done.stderr == "bench: BENCH_ANALYSIS_EVENTS=some is no number above zero\n"

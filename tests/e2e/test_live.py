# SPDX-License-Identifier: MIT
"""Reading a log that is being written; recordings that end by signal, by command, by force."""

import os
import signal
import subprocess

import pytest

import lemona


def held(log, path):
    """How many writes of that file the log holds."""
    found, _ = lemona.events_and_gaps(log, "--path", str(path), "--op", "write")
    return len(found)


def wait_for(condition, what):
    """Reading again is the only way to see a live log grow; each round takes a process's life."""
    for _ in range(400):
        if condition():
            return
    pytest.fail(f"never: {what}")


def test_events_of_a_live_log(place, log):
    file = place / "file"
    with lemona.Recording(log):
        for count in (1, 2, 3):
            lemona.step("append", file, "line\n")
            wait_for(lambda c=count: held(log, file) >= c, f"{count} writes in the live log")
    assert held(log, file) == 3


def test_status_of_a_live_log(place, log):
    with lemona.Recording(log) as recording:
        lemona.step("append", place / "file", "line\n")
        wait_for(lambda: held(log, place / "file") == 1, "the write in the live log")
        first = lemona.status(log)
        assert first["state"] == "live"
        assert first["events"] > 0 and first["bytes"] > 0 and first["lost"] == 0
        lemona.step("append", place / "file", "line\n")
        wait_for(lambda: held(log, place / "file") == 2, "another write in the live log")
        second = lemona.status(log)
        assert second["state"] == "live"
        assert second["events"] > first["events"] and second["bytes"] > first["bytes"]
        assert "live" in lemona.run("status", log).stdout
    last = lemona.status(log)
    assert last["state"] == "ended"
    assert last["events"] == recording.summary().events >= second["events"]


def test_backtrack_on_a_live_log(place, log):
    (place / "in").write_text("input")
    with lemona.Recording(log):
        pid = lemona.step("copy", place / "in", place / "out")
        wait_for(lambda: held(log, place / "out") == 1, "the write in the live log")
        answer = lemona.backtrack(log, "--from", f"file:{place / 'out'}", "--no-filter", "all")
        assert pid in {node.get("pid") for node in answer["nodes"]}


def test_killed_recorder(place, log):
    """What was readable stays readable; the cut is a gap, and no answer is complete."""
    file = place / "file"
    with lemona.Recording(log) as recording:
        lemona.step("append", file, "line\n")
        wait_for(lambda: held(log, file) == 1, "the write in the live log")
        before, _ = lemona.events_and_gaps(log)
        assert recording.end(signal.SIGKILL) == -signal.SIGKILL

    after, gaps = lemona.events_and_gaps(log)
    assert [event["id"] for event in after[:len(before)]] == [event["id"] for event in before]
    assert "cut" in [gap["reason"] for gap in gaps]
    status = lemona.status(log)
    assert status["state"] == "cut" and status["gaps"] >= 1
    answer = lemona.backtrack(log, "--from", f"file:{file}", "--no-filter", "all")
    assert answer["complete"] is False and answer["gaps"]


def test_torn_frame(place, log):
    """The last frame, cut anywhere, costs what it holds and nothing before it."""
    file = place / "file"
    # Sealed, the last frame may be one without events.
    with lemona.Recording(log, "--no-seal") as recording:
        lemona.step("append", file, "line\n")
        wait_for(lambda: held(log, file) == 1, "the write in the live log")
        early, _ = lemona.events_and_gaps(log)
        lemona.step("append", file, "line\n")
        wait_for(lambda: held(log, file) == 2, "another write in the live log")
        recording.end(signal.SIGKILL)
    whole, _ = lemona.events_and_gaps(log)
    left = None
    segment = max(log.glob("*.lms"), key=lambda p: p.name)
    for cut in (1, 7, 20):
        os.truncate(segment, segment.stat().st_size - cut)
        done = lemona.run("events", log, "--format", "json", check=False)
        assert done.returncode in (0, 4), done.stderr
        lines = lemona.parse_lines(done.stdout)
        kept = [line for line in lines if not line.get("gap") and not line.get("content")]
        assert len(early) <= len(kept) < len(whole), "more or less than the torn frame is gone"
        assert kept == whole[:len(kept)], "what is left has changed"
        assert left in (None, len(kept)), "a second frame is gone, and only one was cut"
        left = len(kept)
        assert "cut" in [line["reason"] for line in lines if line.get("gap")]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_order(place, log, signum):
    with lemona.Recording(log) as recording:
        lemona.step("append", place / "file", "line\n")
        assert recording.end(signum) == 0
    summary = recording.summary()
    assert summary.events > 0 and summary.bytes > 0 and summary.lost == 0
    status = lemona.status(log)
    assert status["state"] == "ended" and status["events"] == summary.events
    # Ended in order means: what happened just before the signal is there.
    assert held(log, place / "file") == 1


@pytest.mark.parametrize("code", [0, 7])
def test_command_ends_it_and_gives_its_code(log, code):
    done = lemona.record(log, ["/bin/sh", "-c", f"exit {code}"], check=False)
    assert done.returncode == code
    assert lemona.Summary(done.stderr).events > 0
    assert lemona.status(log)["state"] == "ended"
    exits = [event for event in lemona.events(log) if event["op"] == "exit"
             and event["result"] == code << 8 and event["comm"] == "sh"]
    assert exits, "the command's own end is not in the log"


def test_command_killed(log):
    done = lemona.record(log, ["/bin/sh", "-c", "kill -TERM $$"], check=False)
    assert done.returncode == 128 + signal.SIGTERM


def test_command_that_is_not_there(log):
    done = lemona.record(log, ["/nonexistent/program"], check=False)
    assert done.returncode != 0
    assert "/nonexistent/program" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2, done.stderr
    assert not log.exists(), "a log of nothing was left behind"
    log.mkdir()
    assert lemona.record(log, ["/nonexistent/program"], check=False).returncode != 0
    assert not list(log.iterdir()), "what was there before stays, empty"


def test_command_keeps_standard_streams(log):
    """The command reads what the recorder was given and prints where it would have printed."""
    done = subprocess.run([str(lemona.BINARY), "record", "-o", str(log), "--", "/bin/cat"],
                          input="passed through", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=lemona.LIMIT_SECONDS)
    assert done.returncode == 0
    assert done.stdout == "passed through"


def test_times_are_monotone_within_a_thread(place, log):
    """Sorted by its end, no event of a thread begins before the one before it has ended."""
    lemona.record(log, [lemona.workload("io"), str(place)])
    ends = {}
    for event in lemona.events(log):
        begin, end = lemona.instant(event["begin"]), lemona.instant(event["time"])
        assert begin <= end, event
        assert begin >= ends.get(event["tid"], ("", "")), event
        ends[event["tid"]] = end

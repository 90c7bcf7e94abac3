# SPDX-License-Identifier: MIT
"""Level full: every system call with its arguments and result, and who had which CPU."""

import calls
import lemona
import statements


def record_calls(place, log, *options):
    """What w-call states, and the whole log."""
    said = place / "said"
    done = lemona.run("record", "-o", log, "--level", "full", *options, "--",
                      lemona.workload("call"), said, check=False)
    assert done.returncode == 3, done.stderr
    return lemona.parse_lines(said.read_text()), lemona.events(log)


def test_every_call_with_its_arguments(place, log):
    lines, events = record_calls(place, log)
    calls.expect(lines, events)
    assert not [event for event in events if event["op"] == "run"]
    # Asked for alone, they come alone.
    only = lemona.events(log, "--op", "call")
    assert only == [event for event in events if event["op"] == "call"]
    assert lemona.status(log)["level"] == "full"


def test_turns(place, log):
    lines, events = record_calls(place, log, "--sched")
    calls.expect(lines, events)
    calls.expect_turns(lines, events)


def test_text_reads_like_a_trace(place, log):
    record_calls(place, log)
    text = lemona.run("events", log, "--op", "call").stdout
    assert "lseek(-1, -2, 0) = EBADF <0." in text
    assert "call:1000(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = ENOSYS <" in text
    assert "exit_group(3) <" in text
    assert "[timed]" not in text


def test_actions_are_those_of_the_default_level(place, log):
    """Beside its calls, a log of level full holds what a log of the default level holds."""
    output = place / "statements"
    statements.prepare("io", place / "work")
    lemona.record(log, [lemona.workload("io"), str(place / "work"), str(output)], "--level", "full")
    stated = statements.Statements(output.read_text(), place / "work", str(output),
                                   lemona.workload("io"))
    events = lemona.events(log)
    statements.expect("io", [event for event in events if event["op"] != "call"], stated)
    # Each of its actions is a call too, which ends no earlier and begins no later.
    made = [event for event in events if event["op"] == "call"]
    for line in stated.lines:
        if line.get("may") or "call" not in line:
            continue
        assert any(event["call"] == line["call"] and event["tid"] == line["tid"] and
                   line.get("result", event["result"]) == event["result"]
                   for event in made), f"no call for {line}"


def test_default_level_has_none(place, log):
    lemona.record(log, ["true"])
    assert not lemona.events(log, "--op", "call,run")


def test_turns_need_level_full(place, log):
    done = lemona.run("record", "-o", log, "--sched", "--", "true", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("lemona: --sched belongs to --level full") or \
        "--sched belongs to --level full" in done.stderr.splitlines()[0]
    assert not log.exists()


def test_losses_of_calls_are_counted(place, log):
    """In a buffer too small for a flood: what was made is recorded or counted as lost."""
    reads = 200000
    done = lemona.record(log, [lemona.workload("flood"), str(place), str(reads)],
                         "--level", "full", "--ring-size", "65536")
    made = {line["pid"]: line["reads"] for line in lemona.parse_lines(done.stdout)}
    kept, gaps = lemona.events_and_gaps(log, "--op", "call,read,exit")
    assert sum(gap["events"] for gap in gaps) == lemona.Summary(done.stderr).lost > 0
    for pid, count in made.items():
        seen = [event for event in kept if event["pid"] == pid and
                (event["call"] == "pread64" or event["op"] == "exit" or
                 event["call"] == "exit_group")]
        lost = sum(gap["events"] for gap in gaps if gap.get("pid") == pid)
        # A read is an action and a call; so is the exit.
        assert len(seen) + lost >= 2 * count + 2, f"process {pid}"
        assert {"call", "io"} <= {kind for gap in gaps if gap.get("pid") == pid
                                  for kind in gap["kinds"]}

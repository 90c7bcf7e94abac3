# SPDX-License-Identifier: MIT
"""The recorder does not record itself: a log that grew by being written would never end."""

import os

import lemona


def test_own_reads_and_writes_are_left_out(place, log):
    with lemona.Recording(log) as recording:
        lemona.step("append", place / "file", "line\n")
    own = [event for event in lemona.events(log) if event.get("pid") == recording.pid]
    assert own == [], f"{len(own)} events of the recorder's own"
    below, _ = lemona.events_and_gaps(log, "--path", f"{log}/", "--op", "write")
    assert below == [], "writes of the log are in the log"


def test_readers_of_the_log_are_recorded(place, log):
    """Only the recorder is left out: whoever reads the log while it is written is seen."""
    with lemona.Recording(log):
        lemona.status(log)
        lemona.step("append", place / "file", "line\n")
    readers = [event for event in lemona.events(log, "--path", f"{log}/")
               if event["comm"] == "lemona" and event["op"] in ("open", "read")]
    assert readers, "reading the log left no trace"


def test_command_is_recorded_from_its_first_call(log):
    """`record -- CMD`: the command's exec is there, made by a child that is not left out."""
    done = lemona.record(log, ["/bin/true"])
    assert done.returncode == 0
    execs = [event for event in lemona.events(log) if event["op"] == "exec"
             and event["path"] == os.path.realpath("/bin/true") and event["result"] == 0]
    assert execs, "the command's exec is not in the log"

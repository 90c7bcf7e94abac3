# SPDX-License-Identifier: MIT
"""The bytes that went through files, sockets, memory and terminals, and how far they are kept."""

import os
import subprocess

import pytest

import contents
import lemona

EVERYTHING = ("file", "socket", "memory", "slave", "master")


def record(place, log, *options):
    """What w-content states, and the events of the log."""
    said = place / "said"
    lemona.record(log, [lemona.workload("content"), place, said], *options)
    return lemona.parse_lines(said.read_text()), lemona.events(log)


def test_everything_within_its_bound(place, log):
    contents.expect(*record(place, log, "--content"), EVERYTHING)


def test_at_level_full(place, log):
    contents.expect(*record(place, log, "--content=64K", "--level", "full"), EVERYTHING)


def test_terminals_by_default(place, log):
    contents.expect(*record(place, log), ("slave", "master"))


def test_terminals_at_level_reduced(place, log):
    lines, events = record(place, log, "--level", "reduced")
    contents.expect([line for line in lines if line["where"] in ("slave", "master")] * 5,
                    [event for event in events if event["call"]] * 5, ("slave", "master"))


def test_none(place, log):
    lines, events = record(place, log, "--content=none")
    contents.expect(lines, events, ())
    done = lemona.run("content", log)
    assert done.stdout == "" and "holds no bytes" in done.stderr


def test_a_small_bound(place, log):
    """Of each file the first four bytes, each way."""
    lines, events = record(place, log, "--content=4")
    mine = [event for event in events if event["pid"] == lines[0]["pid"]]
    path = str(place / "content")
    written = [event for event in mine if event["op"] == "write" and event.get("path") == path]
    assert [event.get("data", {}).get("bytes") for event in written] == ["abc", "d", None, None]
    assert written[1]["data"]["truncated"] is True
    done = lemona.run("content", log, "--path", path, "--op", "write")
    assert done.stdout == "abcd"
    assert done.stderr == "lemona: 4 bytes of these events were not kept\n"


def test_bytes_come_out_as_they_were(place, log):
    data = bytes(range(256)) * 3
    (place / "from").write_bytes(data)
    lemona.record(log, ["cp", place / "from", place / "to"], "--content", "--level", "full")
    copied = subprocess.run([lemona.BINARY, "content", log, "--path", place / "to"],
                            stdout=subprocess.PIPE, check=True).stdout
    # cp may leave the copying to the kernel, and then has no bytes.
    assert copied in (data, b"")
    lemona.run("events", log)


def test_one_event(place, log):
    lines, events = record(place, log, "--content")
    event = next(event for event in events if event["pid"] == lines[0]["pid"] and
                 event["call"] == "writev")
    assert lemona.run("content", log, "--event", event["id"]).stdout == "defgh"


def test_a_session_can_be_seen_again(place, log):
    """What a terminal showed, as its emulator got it; and what was typed."""
    script = place / "script"
    lemona.record(log, ["script", "-qec", "echo one; sh -c 'echo two'", script])
    shown = lemona.events(log)
    terminal = {event["data"]["terminal"] for event in shown
                if event.get("data", {}).get("end") == "master" and event["op"] == "read" and
                event["comm"] == "script"}
    assert len(terminal) == 1, terminal
    done = subprocess.run([lemona.BINARY, "content", log, "--terminal", terminal.pop()],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    assert done.stdout == b"one\r\ntwo\r\n"
    assert done.stderr == b""


def test_a_flood_of_a_terminal_is_bounded(place, log):
    """In a second no more than its bound is kept; where the rest was shows."""
    program = "import os\nfor _ in range(400): os.write(1, b'x' * 4000)"
    lemona.record(log, ["script", "-qec", f"/usr/bin/python3 -c \"{program}\"", place / "script"])
    written = [event for event in lemona.events(log, "--op", "write")
               if event.get("data", {}).get("end") == "slave" and event["comm"] == "python3"]
    kept = sum(event["data"]["length"] for event in written)
    seconds = 1 + max(1, round(len(written) / 60))
    assert 0 < kept <= 262144 * seconds
    ends = 0
    for event in written:
        assert event["data"]["offset"] >= ends, "bytes twice"
        ends = event["data"]["offset"] + event["data"]["length"]


def test_losses_are_counted(place, log):
    """In a buffer too small: what was moved is kept, or a gap says of how many."""
    os.makedirs(place / "many")
    done = lemona.record(log, ["dd", "if=/dev/zero", f"of={place}/many/f", "bs=8192", "count=3000"],
                         "--content=32M", "--ring-size", "65536")
    summary = lemona.Summary(done.stderr)
    events, gaps = lemona.events_and_gaps(log, "--op", "write")
    assert sum(gap["events"] for gap in gaps) == summary.lost > 0
    of_dd = [event for event in events if event["comm"] == "dd" and event["result"] == 8192]
    lost = [gap for gap in gaps if "content" in gap.get("kinds", [])]
    assert lost, gaps
    bare = [event for event in of_dd if "data" not in event]
    missing = 3000 - len(of_dd)
    # A write and what it wrote are lost together or apart, and both ways counted.
    assert 0 < len(bare) + missing <= sum(gap["events"] for gap in lost)


def test_options(place, log):
    for options, sentence in (
            (["--content=0"], "--content wants a number of bytes above 0, not 0"),
            (["--content=some"], "--content wants a number of bytes above 0, not some"),
            (["--content", "--level", "reduced"],
             "--content needs each call, and --level reduced folds them")):
        done = lemona.run("record", "-o", log, *options, "--", "true", check=False)
        assert done.returncode == 2 and sentence in done.stderr, done.stderr
        assert not log.exists()
    for options in (["--terminal", "tty"], ["--event", "0"], ["--op", "open"]):
        done = lemona.run("content", place, *options, check=False)
        assert done.returncode == 2 and len(done.stderr.splitlines()) <= 2


LOOK = """
import os, sys
path = sys.argv[1]
os.mknod(path, 0o20600, os.makedev(4, 64))
os.setxattr(path, "trusted.x", b"kept elsewhere")
try:
    terminal = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
except OSError:
    sys.exit(77)
os.listxattr(terminal)
os.getxattr(terminal, "trusted.x")
"""


def test_attributes_of_a_terminal_are_none_of_its_bytes(place, log):
    path = place / "serial"
    done = lemona.record(log, ["/usr/bin/python3", "-c", LOOK, path], check=False)
    if done.returncode == 77:
        pytest.skip("no serial terminal is there")
    events = lemona.events(log, "--path", str(path))
    assert {"fgetxattr", "flistxattr"} <= {event["call"] for event in events}
    assert not [event for event in events if "data" in event]


CROWD = """
import os, sys
os.chdir(sys.argv[1])
kept = os.open("kept", os.O_CREAT | os.O_WRONLY)
os.write(kept, b"before ")
os.mkdir("crowd")
for number in range(3000):
    os.close(os.open(f"crowd/{number}", os.O_CREAT | os.O_WRONLY))
os.close(os.open("kept", os.O_RDONLY))
os.write(kept, b"after")
"""


def test_bytes_of_a_file_that_was_forgotten_in_between(place, log):
    lemona.record(log, ["/usr/bin/python3", "-c", CROWD, place], "--content", "--memory", "64K")
    assert lemona.run("content", log, "--path", str(place / "kept")).stdout == "before after"

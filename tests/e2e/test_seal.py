# SPDX-License-Identifier: MIT
"""A recording is sealed: what stands in it holds by the openssl program and hashlib alone."""
import os
import pathlib
import signal
import time

import lemona
import sealed

FAILURE = 3


def holder_of(recording):
    """The process that holds the keys: the recorder's only child."""
    pid = recording.pid
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def printed_key(said):
    lines = [line for line in said.splitlines() if "its key" in line]
    assert len(lines) == 1, said
    return lines[0].rsplit(" ", 1)[1]


def checkpoint(log, *options):
    done = lemona.run("checkpoint", log, *options)
    return done.stdout.encode()


def test_every_leaf_and_signature(place, log):
    with lemona.Recording(log, "--segment-size", "64K") as recording:
        until = time.monotonic() + 3.5
        n = 0
        while time.monotonic() < until:
            lemona.step("append", place / f"file{n % 50}", "line\n")
            n += 1
    found = sealed.Sealed(log)
    assert found.types[-1] == sealed.END and found.torn == 0
    assert found.types[0] == sealed.KEY
    assert found.keys == len(list(pathlib.Path(log).glob("*.lms"))) > 1
    assert found.covered == len(found.leaves) - 1, "all but the end frame"
    # One a second, and one at the end of each segment.
    assert len(found.notes) >= 4
    key = printed_key(recording.said)
    assert checkpoint(log, "--key").decode() == f"{key}\n" == (log / "key").read_text()
    assert checkpoint(log) == (log / "checkpoint").read_bytes() == found.notes[-1]
    told = lemona.status(log)["checkpoint"]
    assert told["leaves"] == found.covered and told["end"] is True


def test_a_live_log_has_checkpoints(place, log):
    with lemona.Recording(log):
        seen = []
        until = time.monotonic() + 20
        while len(seen) < 3 and time.monotonic() < until:
            lemona.step("append", place / "file", "line\n")
            time.sleep(0.1)
            if (log / "checkpoint").exists():
                note = (log / "checkpoint").read_bytes()
                if note not in seen:
                    seen.append(note)
        newest = checkpoint(log)
    assert len(seen) == 3
    notes = sealed.Sealed(log).notes
    assert [notes.index(note) for note in seen] == sorted(notes.index(note) for note in seen)
    assert newest in notes


def test_what_keeps_the_log_is_not_in_it(log):
    """Else each checkpoint would be news that deserves the next one."""
    with lemona.Recording(log) as recording:
        holder = holder_of(recording)
        time.sleep(3.2)
    talk, _ = lemona.events_and_gaps(log, "--pid", holder)
    assert talk == []
    files, _ = lemona.events_and_gaps(log, "--path", f"{log}/")
    assert [event for event in files if event["pid"] == recording.pid] == []
    assert [event for event in files if event["op"] in ("rename", "create", "write")] == []


def test_the_holder_is_as_far_ahead_as_the_recorder(log):
    """Else a busy machine lets the recorder wait for it where a segment ends."""
    with lemona.Recording(log) as recording:
        pids = [recording.pid, holder_of(recording)]
        policies = [os.sched_getscheduler(pid) for pid in pids]
        nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in pids]
    assert policies[0] == policies[1] and nice[0] == nice[1], (policies, nice)


def test_without_its_holder_a_log_goes_on_unsigned(place, log):
    with lemona.Recording(log) as recording:
        holder = holder_of(recording)
        time.sleep(1.5)
        os.kill(holder, signal.SIGKILL)
        time.sleep(2.5)
        lemona.step("append", place / "after", "line\n")
        code = recording.end()
        recording.process.returncode = -signal.SIGKILL  # the exit code is expected
    assert code == FAILURE
    assert recording.said.count("nothing in it is signed any more") == 1, recording.said
    assert "its later part is not signed" in recording.said.splitlines()[-1]
    found = sealed.Sealed(log)
    assert found.types[-1] == sealed.END
    assert 0 < found.covered < len(found.leaves) - 1
    kills = [event for event in lemona.events(log, "--op", "signal")
             if event["result"] == 0 and event["pid"] == os.getpid()]
    assert kills, "the holder's end is not in the log"
    assert lemona.events(log, "--path", place / "after")
    assert lemona.status(log)["checkpoint"]["end"] is False


def test_a_killed_recorder_leaves_what_was_signed(place, log):
    with lemona.Recording(log) as recording:
        holder = holder_of(recording)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            lemona.step("append", place / "file", "line\n")
        recording.end(signal.SIGKILL)
    for _ in range(100):
        if not pathlib.Path(f"/proc/{holder}").exists():
            break
        time.sleep(0.05)
    assert not pathlib.Path(f"/proc/{holder}").exists(), "the holder outlives the recorder"
    found = sealed.Sealed(log)
    assert found.covered > 0 and found.types[-1] != sealed.END
    assert (log / "checkpoint").read_bytes() in found.notes


def test_no_seal(log):
    done = lemona.record(log, ["/bin/true"], "--no-seal")
    assert done.returncode == 0 and "its key" not in done.stderr
    assert sorted(path.name for path in pathlib.Path(log).iterdir()) == ["00000001.lms", "lock"]
    assert lemona.status(log)["checkpoint"] is None


def test_the_key_of_a_command_is_printed_at_its_end(log):
    done = lemona.record(log, ["/bin/true"])
    assert done.returncode == 0
    assert printed_key(done.stderr) == (log / "key").read_text().rstrip("\n")

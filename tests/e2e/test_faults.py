# SPDX-License-Identifier: MIT
"""Disks that are full or refuse, logs that somebody removes, recorders that are killed: the log
opens, tells what it lacks, and goes on; so does the recorder, and says so."""

import os
import pathlib
import random
import shutil
import signal
import time

import pytest

import lemona

FAULTS = pathlib.Path(os.environ.get("LEMONA_FAULTS", lemona.BINARY.parent / "tests" / "faults"))


def wait_for(condition, what):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail(f"never: {what}")


def reasons(log):
    return {gap["reason"] for gap in lemona.events_and_gaps(log, check=False)[1]}


def appended(log, file):
    """How often that file was written to, as far as the log knows."""
    found, _ = lemona.events_and_gaps(log, "--path", str(file), "--op", "write", check=False)
    return len(found)


def remove(log):
    """As often as it takes: files come and go in it while it is written."""
    for _ in range(100):
        shutil.rmtree(log, ignore_errors=True)
        if not log.exists():
            return
    pytest.fail(f"{log} cannot be removed")


def watched(root, rules):
    """The environment in which a program's files below that directory refuse."""
    return {**os.environ, "LD_PRELOAD": str(FAULTS / "fault-io.so"), "FAULT_ROOT": str(root),
            "FAULT_RULES": rules,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def test_full_disk(place):
    """What finds no room is a gap; when there is room again, recording goes on."""
    disk = place / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=4m small {disk} && echo ready && exec cat"
    with lemona.Step("unshare", "--mount", "sh", "-c", mount) as holder:
        inside = pathlib.Path(f"/proc/{holder.pid}/root{disk}")
        log, ballast = inside / "log", inside / "ballast"
        enter = ("nsenter", f"--mount=/proc/{holder.pid}/ns/mnt")
        recording = lemona.Recording(disk / "log", prefix=enter)
        recording.__enter__()
        lemona.step("append", place / "file", "before\n")
        wait_for(lambda: appended(log, place / "file") == 1, "the first write in the log")
        try:
            with ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass
        said = lemona.read_lines(recording.process, 1)
        assert "No space left" in said and "goes on" in said, said
        lemona.step("append", place / "file", "meanwhile\n")
        # However long nothing is refused: for a while hardly anything may be to be written.
        time.sleep(1.5)
        ballast.unlink()
        lemona.step("append", place / "file", "after\n")
        said = lemona.read_lines(recording.process, 1)
        assert "written again" in said, said
        assert recording.end() == 3, recording.said
        assert "marked as a gap" in recording.said
        assert "write" in reasons(log)
        status = lemona.status(log)
        assert status["state"] == "ended" and status["lost"] > 0
        assert appended(log, place / "file") >= 2
        lemona.run("verify", log)


@pytest.mark.parametrize("rules", ["write 40 3 EIO", "write 41 6 TORN", "write 42 8 EROFS"])
def test_writes_fail_for_a_while(place, log, rules):
    with lemona.Recording(log, env=watched(place, rules)) as recording:
        for _ in range(60):
            lemona.step("append", place / "load", "line\n")
        said = lemona.read_lines(recording.process, 2)
        assert "cannot be written" in said and "written again" in said, said
        lemona.step("append", place / "file", "after\n")
        assert recording.end() == 3, recording.said
        recording.process.returncode = 0
    assert "write" in reasons(log)
    assert lemona.status(log)["state"] == "ended"
    lemona.run("verify", log)
    assert appended(log, place / "file") == 1


def test_the_log_is_removed(place, log):
    """It is there anew, with what was in the segment that was open."""
    with lemona.Recording(log) as recording:
        lemona.step("append", place / "file", "before\n")
        wait_for(lambda: appended(log, place / "file") == 1, "the first write in the log")
        remove(log)
        wait_for(lambda: (log / "lock").exists(), "the log made anew")
        line = lemona.read_lines(recording.process, 1)
        assert "removed" in line and "goes on" in line, line
        assert lemona.status(log)["state"] == "live"
        lemona.step("append", place / "file", "after\n")
        assert recording.end() == 3, recording.said
        assert "removed while it was written" in recording.said
        recording.process.returncode = 0
    assert appended(log, place / "file") == 2
    assert lemona.status(log)["state"] == "ended"
    lemona.run("verify", log)


def test_older_segments_are_removed(place, log):
    """What was gone before the log was made anew is found missing by whoever verifies it."""
    with lemona.Recording(log, "--segment-size", "32K") as recording:
        while not (log / "00000003.lms").exists():
            lemona.subprocess.run([lemona.workload("io"), str(place)], check=True,
                                  stdout=lemona.subprocess.DEVNULL, timeout=lemona.LIMIT_SECONDS)
        remove(log)
        wait_for(lambda: (log / "lock").exists(), "the log made anew")
        lemona.step("append", place / "file", "after\n")
        assert recording.end() == 3, recording.said
        recording.process.returncode = 0
    assert "damaged" in reasons(log)
    assert lemona.status(log, check=False)["events"] > 0
    done = lemona.run("verify", log, check=False)
    assert done.returncode == 4 and "cut at the start" in done.stdout + done.stderr, done


def test_the_log_is_moved(place, log):
    """It is the same log, under another name."""
    moved = place / "moved"
    with lemona.Recording(log, "--segment-size", "32K") as recording:
        lemona.step("append", place / "line", "before\n")
        wait_for(lambda: appended(log, place / "line") == 1, "the first write in the log")
        log.rename(moved)
        time.sleep(1.5)
        segments = len(list(moved.glob("*.lms")))
        while len(list(moved.glob("*.lms"))) < segments + 2:
            lemona.subprocess.run([lemona.workload("io"), str(place)], check=True,
                                  stdout=lemona.subprocess.DEVNULL, timeout=lemona.LIMIT_SECONDS)
        lemona.step("append", place / "line", "after\n")
        assert recording.end() == 0, recording.said
    assert "removed" not in recording.said and not log.exists()
    assert appended(moved, place / "line") == 2
    assert lemona.status(moved)["state"] == "ended"
    lemona.run("verify", moved)


def test_the_log_is_removed_just_before_the_end(place, log):
    with lemona.Recording(log) as recording:
        lemona.step("append", place / "file", "before\n")
        wait_for(lambda: appended(log, place / "file") == 1, "the first write in the log")
        remove(log)
        assert recording.end() == 3, recording.said
        recording.process.returncode = 0
    assert appended(log, place / "file") == 1
    assert lemona.status(log)["state"] == "ended"
    lemona.run("verify", log)


def test_killed_under_load(place):
    """At any instant: what could be read before is there."""
    chance = random.Random()
    for number in range(3):
        log, file = place / f"log{number}", place / f"file{number}"
        with lemona.Recording(log, "--segment-size", "64K") as recording:
            for count in range(1, 4):
                lemona.step("append", file, "line\n")
                wait_for(lambda c=count: appended(log, file) >= c, "the write in the log")
            load = lemona.subprocess.Popen([lemona.workload("io"), str(place)],
                                           stdout=lemona.subprocess.DEVNULL)
            time.sleep(chance.random() * 0.05)
            recording.end(signal.SIGKILL)
            load.wait(timeout=lemona.LIMIT_SECONDS)
        assert appended(log, file) == 3
        lemona.run("verify", log)
        assert lemona.status(log, check=False)["state"] == "cut"
        assert reasons(log) == {"cut"}


def test_old_segments_are_deleted(place, log):
    """Retention leaves a gap that says so, a file for each segment, and no damage."""
    with lemona.Recording(log, "--segment-size", "32K", "--keep-bytes", "150K") as recording:
        until = time.monotonic() + lemona.LIMIT_SECONDS
        # A segment goes when a checkpoint says so: there is one each second.
        while not (log / "00000002.lmt").exists() or (log / "00000002.lms").exists():
            assert time.monotonic() < until, os.listdir(log)
            lemona.subprocess.run([lemona.workload("io"), str(place)], check=True,
                                  stdout=lemona.subprocess.DEVNULL, timeout=lemona.LIMIT_SECONDS)
        pid = lemona.step("append", place / "file", "line\n")
        assert recording.end() == 0, recording.said
    assert not (log / "00000001.lms").exists() and (log / "00000001.lmt").exists()
    first, gaps = lemona.events_and_gaps(log)
    assert [gap["reason"] for gap in gaps] == ["retention"]
    assert gaps[0]["events"] == int(first[0]["id"]) - 1
    # By process: what the directories are called may stand in a segment that is gone.
    assert [event["op"] for event in first if event.get("pid") == pid].count("write") == 1
    assert lemona.status(log)["state"] == "ended"
    lemona.run("verify", log)

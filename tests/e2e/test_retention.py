# SPDX-License-Identifier: MIT
"""What is left of a log whose old segments were deleted says all that it says by itself."""

import json
import os
import subprocess
import time

import lemona


def flood_until(log, place, condition):
    until = time.monotonic() + lemona.LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < until, os.listdir(log)
        lemona.subprocess.run([lemona.workload("io"), str(place)], check=True,
                              stdout=lemona.subprocess.DEVNULL, timeout=lemona.LIMIT_SECONDS)


def deleted(log, number):
    return (log / f"{number:08}.lmt").exists() and not (log / f"{number:08}.lms").exists()


def newest(log):
    return max(int(path.stem) for path in log.glob("*.lms"))


def test_paths_and_programs_outlive_their_segments(place, log):
    """A process, its directory, its program: told in a segment that is deleted before they act."""
    directory = place / "far" / "down"
    directory.mkdir(parents=True)
    (directory / "in").write_text("input")
    program = lemona.workload("step")
    with lemona.Recording(log, "--segment-size", "32K", "--keep-bytes", "150K") as recording:
        with lemona.Step(program, "copy-inside", str(directory), "in", "out") as step:
            told_in = newest(log)
            flood_until(log, place, lambda: deleted(log, told_in + 1))
            step.go()
            wrote_in = newest(log)
        # Once more, so that the segment it acted in is not the only one left.
        flood_until(log, place, lambda: newest(log) > wrote_in)
        assert recording.end() == 0, recording.said

    found, gaps = lemona.events_and_gaps(log, "--pid", step.pid)
    assert [gap["reason"] for gap in gaps] == ["retention"]
    writes = [event for event in found if event["op"] == "write"]
    assert [event["path"] for event in writes] == [str(directory / "out")]
    assert {event["exe"] for event in found} == {program}
    assert {event["comm"] for event in found} == {"w-step"}

    answer = lemona.backtrack(log, "--from", f"file:{directory / 'out'}", "--no-filter", "all")
    processes = {node["pid"]: node for node in lemona.nodes(answer, kind="process")}
    assert processes[step.pid]["exe"] == program
    assert processes[step.pid]["argv"][1:3] == ["copy-inside", str(directory)]
    # Whom it descends from: this test, and who started that.
    assert processes[step.pid]["ppid"] == os.getpid()
    files = {node.get("path") for node in lemona.nodes(answer, kind="file")}
    assert str(directory / "in") in files
    lemona.run("verify", log)


def test_proofs_behind_deleted_segments(place, log):
    """The tree goes on from what stays of the last one: whatever is left can be proved."""
    with lemona.Recording(log, "--segment-size", "32K", "--keep-bytes", "150K") as recording:
        flood_until(log, place, lambda: deleted(log, 2))
        assert recording.end() == 0, recording.said
    found, _ = lemona.events_and_gaps(log)
    first, last = int(found[0]["id"]), int(found[-1]["id"])
    for event in (first, (first + last) // 2, last):
        proof = place / "proof"
        proof.write_text(lemona.run("prove", log, event).stdout)
        done = subprocess.run(["/usr/bin/python3", lemona.ROOT / "tools/check-proof.py", proof,
                               log / "checkpoint"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout.startswith("PROVED: "), done
        assert json.loads(proof.read_text())["frame"]["first_event"] <= event
    gone = lemona.run("prove", log, first - 1, check=False)
    assert gone.returncode == 3 and len(gone.stderr.splitlines()) == 1, gone
    # Without what stays of the one before, nothing can be.
    oldest = min(int(path.stem) for path in log.glob("*.lms"))
    (log / f"{oldest - 1:08}.lmt").unlink()
    assert lemona.run("prove", log, last, check=False).returncode == 3


def test_every_path_left_resolves(place, log):
    """Of all that is left, nothing has lost the directory that it is in."""
    with lemona.Recording(log, "--segment-size", "32K", "--keep-bytes", "150K") as recording:
        flood_until(log, place, lambda: deleted(log, 3))
        assert recording.end() == 0, recording.said
    found, _ = lemona.events_and_gaps(log)
    unknown = [event for event in found if event.get("path", "/").startswith("?")]
    assert not unknown, unknown[:5]
    nameless = [event for event in found if not event.get("comm")]
    assert not nameless, nameless[:5]

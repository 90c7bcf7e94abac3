# SPDX-License-Identifier: MIT
"""Nothing is lost silently: what a full buffer could not hold is counted; every answer says so."""

import lemona
from lemona import instant

READS = 400000


def flood(log, place, *options):
    """Run the flood. What each process did, what the log holds of it, and the gaps."""
    done = lemona.record(log, [lemona.workload("flood"), str(place), str(READS)], *options)
    made = {line["pid"]: line["reads"] for line in lemona.parse_lines(done.stdout)}
    assert len(made) > 1, "one CPU is no flood"
    kept, gaps = lemona.events_and_gaps(log, "--path", str(place / "flood"), "--op", "read")
    kept = [event for event in kept if event["pid"] in made and event["call"] == "pread64"]
    return made, kept, gaps, lemona.Summary(done.stderr)


def test_losses_are_counted(place, log):
    made, kept, gaps, summary = flood(log, place, "--ring-size", "65536")
    lost = sum(gap["events"] for gap in gaps)
    assert lost > 0, "nothing was lost: the flood is too slow to test anything"
    assert all(gap["reason"] == "full" and gap["events"] > 0 for gap in gaps), gaps
    assert summary.lost == lost == lemona.status(log)["lost"]
    everything, _ = lemona.events_and_gaps(log, "--op", "exit")
    for pid, reads in made.items():
        of_pid = [gap for gap in gaps if gap.get("pid") == pid]
        # From the signal to start on, a process reads, and then exits.
        seen = sum(event["pid"] == pid for event in [*kept, *everything])
        assert seen + sum(gap["events"] for gap in of_pid) == reads + 1, f"process {pid}"
        assert of_pid and all(set(gap["kinds"]) <= {"io", "exit"} for gap in of_pid)
        assert all(isinstance(gap["cpu"], int) and instant(gap["begin"]) <= instant(gap["end"])
                   for gap in of_pid)
    # Nobody's losses are none, where so few lose.
    assert all(gap.get("pid") for gap in gaps), gaps


def test_losses_make_answers_incomplete(place, log):
    flood(log, place, "--ring-size", "65536")
    answer = lemona.backtrack(log, "--from", f"file:{place / 'flood'}", "--no-filter", "all")
    assert answer["complete"] is False
    assert sum(gap["events"] for gap in answer["gaps"]) > 0


def test_events_between_gaps_are_whole(place, log):
    """What is kept of a flood is not torn: right file, right result, each process's own."""
    made, kept, _, _ = flood(log, place, "--ring-size", "65536")
    inode = (place / "flood").stat().st_ino
    for event in kept:
        assert event["inode"] == inode and event["result"] == 1
    cpus = {pid: {event["cpu"] for event in kept if event["pid"] == pid} for pid in made}
    assert all(len(seen) == 1 for seen in cpus.values()), f"pinned, and yet on several: {cpus}"
    assert len(set.union(*cpus.values())) == len(made), f"each on a CPU of its own: {cpus}"


def test_default_buffer_counts_all(place, log):
    """Whether or not the default buffer keeps up, recorded and lost add up to what was made."""
    made, kept, gaps, summary = flood(log, place)
    lost = sum(gap["events"] for gap in gaps)
    assert summary.lost == lost
    assert sum(made.values()) - len(kept) <= lost
    for pid, reads in made.items():
        missing = reads - sum(event["pid"] == pid for event in kept)
        counted = sum(gap["events"] for gap in gaps if gap.get("pid") == pid)
        assert missing <= counted <= missing + 1, f"process {pid}: its exit may be missing too"
    if not gaps:
        assert len(kept) == sum(made.values())

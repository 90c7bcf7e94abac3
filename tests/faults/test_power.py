# SPDX-License-Identifier: MIT
"""The power goes at any instant: the log opens, and what was safe is there."""
import journal
import pytest
from programs import CUT, check, lacks, load

RUNS = 40
CUTS = 200
# Rotations among the writes, and all of it in one segment.
SEGMENT_BYTES = (20000, 100000, 1 << 30)
# Between checkpoints. 0: not sealed.
CHECKPOINTS_US = (0, 1, 1000, 20000)


def write_journal(programs, place, chance, checkpoint_us):
    """Write one log and return its journal."""
    root = place / "written"
    root.mkdir()
    noted = place / "journal"
    code = load(programs, root / "log", events=chance.randrange(1000, 20000),
                segment_bytes=chance.choice(SEGMENT_BYTES), pause_us=chance.choice((0, 100)),
                checkpoint_us=checkpoint_us, FAULT_JOURNAL=noted)
    assert code == 0
    return journal.read(noted)


def check_checkpoint(disk, log):
    """All that the file `checkpoint` tells of is there. How many leaves that is."""
    size = int((log / "checkpoint").read_text().splitlines()[1])
    left = {path.name: path.read_bytes() for path in log.glob("*.lms")}
    assert size <= journal.whole_leaves(disk.written(log.name), left)
    return size


def cut_power(programs, place, entries, at, chance):
    """Lay out what is left when the power goes behind one entry, and read it."""
    disk = journal.Disk(entries[:at])
    way = chance.choice(journal.Chance.WAYS)
    place.mkdir()
    disk.lay_out(place, journal.Chance(chance, way))
    found = check(programs, place / "log")
    safe = disk.safe_events("log")
    told = f"cut behind entry {at} of {len(entries)}, {way} of what was not safe: {found}"
    assert found["open"] == 0, told
    assert not lacks(safe, found["ranges"]), f"{told}; safe were {safe}"
    if found["state"] == "cut":
        assert CUT in found["gaps"], told
    return check_checkpoint(disk, place / "log") if (place / "log" / "key").exists() else 0


def test_power_cuts(programs, place, chance, part):
    runs = part(RUNS)
    signed = set()
    for run in range(runs):
        here = place / str(run)
        here.mkdir()
        checkpoint_us = CHECKPOINTS_US[run % len(CHECKPOINTS_US)]
        entries = write_journal(programs, here, chance, checkpoint_us)
        ready = journal.find_mark(entries, "ready")
        for cut in range(part(CUTS) // runs):
            signed.add(cut_power(programs, here / f"cut{cut}", entries,
                                 chance.randrange(ready, len(entries) + 1), chance))
    assert len(signed) > part(CUTS) / 4, "the checkpoint on the disk did not move"


@pytest.mark.parametrize("way", journal.Chance.WAYS)
@pytest.mark.parametrize("checkpoint_us", CHECKPOINTS_US[:2])
def test_power_cut_just_after_the_start(programs, place, chance, way, checkpoint_us):
    """From the moment that a log is there it survives, and so does its end."""
    entries = write_journal(programs, place, chance, checkpoint_us)
    for mark, state in (("ready", "cut"), ("closed", "ended")):
        disk = journal.Disk(entries[:journal.find_mark(entries, mark)])
        (place / mark).mkdir()
        disk.lay_out(place / mark, journal.Chance(chance, way))
        found = check(programs, place / mark / "log")
        assert found["open"] == 0 and found["state"] == state, (mark, found)
        if checkpoint_us:
            assert check_checkpoint(disk, place / mark / "log") > 0

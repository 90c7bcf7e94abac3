# SPDX-License-Identifier: MIT
"""The power goes at any instant: the log opens, and what was safe is there."""
import journal
import pytest
from programs import CUT, check, lacks, load

RUNS = 10
CUTS = 200
# Rotations among the writes, and all of it in one segment.
SEGMENT_BYTES = (20000, 100000, 1 << 30)


def write_journal(programs, place, chance):
    """Write one log and return its journal."""
    root = place / "written"
    root.mkdir()
    noted = place / "journal"
    code = load(programs, root / "log", events=chance.randrange(1000, 20000),
                segment_bytes=chance.choice(SEGMENT_BYTES), pause_us=chance.choice((0, 100)),
                FAULT_JOURNAL=noted)
    assert code == 0
    return journal.read(noted)


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


def test_power_cuts(programs, place, chance, part):
    runs = max(2, part(RUNS))
    for run in range(runs):
        here = place / str(run)
        here.mkdir()
        entries = write_journal(programs, here, chance)
        ready = journal.find_mark(entries, "ready")
        for cut in range(part(CUTS) // runs):
            cut_power(programs, here / f"cut{cut}", entries,
                      chance.randrange(ready, len(entries) + 1), chance)


@pytest.mark.parametrize("way", journal.Chance.WAYS)
def test_power_cut_just_after_the_start(programs, place, chance, way):
    """From the moment that a log is there it survives, and so does its end."""
    entries = write_journal(programs, place, chance)
    for mark, state in (("ready", "cut"), ("closed", "ended")):
        disk = journal.Disk(entries[:journal.find_mark(entries, mark)])
        (place / mark).mkdir()
        disk.lay_out(place / mark, journal.Chance(chance, way))
        found = check(programs, place / mark / "log")
        assert found["open"] == 0 and found["state"] == state, (mark, found)

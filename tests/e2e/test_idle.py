# SPDX-License-Identifier: MIT
"""
What a recording of nothing costs: the recorder's own threads, files and rings leave no trace, so an
idle machine's log hardly grows. Others may use this machine meanwhile: what they do is counted, and
paid for by what it may cost.

LEMONA_IDLE_SECONDS=60 with -s prints what a minute of this machine writes.
"""

import json
import os
import pathlib
import time

import lemona

SECONDS = float(os.environ.get("LEMONA_IDLE_SECONDS", "20"))
MINUTE_BYTES = 1 << 20
EVENT_BYTES = 12         # an event of somebody else, with what it defines


def size_of(log):
    return sum(path.stat().st_size for path in pathlib.Path(log).glob("*.lms"))


def test_a_recording_of_nothing_writes_next_to_nothing(log):
    with lemona.Recording(log) as recording:
        time.sleep(1)                   # what was there before the start has been written
        since_ns, before = time.clock_gettime_ns(time.CLOCK_BOOTTIME), size_of(log)
        time.sleep(SECONDS)
        until_ns, after = time.clock_gettime_ns(time.CLOCK_BOOTTIME), size_of(log)
    grown, seconds = after - before, (until_ns - since_ns) / 1e9
    status = lemona.status(log)
    events = status["events"]
    own, _ = lemona.events_and_gaps(log, "--pid", recording.pid)
    print(json.dumps({"seconds": round(seconds, 1), "bytes": grown, "events": events,
                      "bytes_per_minute": round(grown * 60 / seconds), "lost": status["lost"]}))
    assert len(own) == 0, "the recorder recorded itself"
    written, _ = lemona.events_and_gaps(log, "--path", f"{log}/", "--op", "write,truncate")
    assert len(written) == 0, "writes of the log are in the log"
    budget = MINUTE_BYTES * seconds / 60 + EVENT_BYTES * events
    assert grown < budget, f"{grown} bytes in {seconds:.1f} s, with {events} events"

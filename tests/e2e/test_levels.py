# SPDX-License-Identifier: MIT
"""Levels: what each keeps, and that what it leaves out is counted."""

import lemona

READS = 20000


def total(events):
    """What happened: an event that is folded stands for `arg` actions."""
    return sum(event["arg"] if "folded" in event["flags"] else 1 for event in events)


def test_reduced_counts_every_repeat(place, log):
    done = lemona.record(log, [lemona.workload("repeat"), str(place / "f"), str(READS)],
                         "--level", "reduced")
    made = lemona.parse_lines(done.stdout)[0]
    events = [event for event in lemona.events(log, "--path", str(place / "f"))
              if event["pid"] == made["pid"] and event["op"] in ("read", "write")]
    for way in ("read", "write"):
        of_way = [event for event in events if event["op"] == way]
        assert total(of_way) == made[way], f"{way}: {total(of_way)} of {made[way]}"
        assert sum(event["result"] for event in of_way) == made[way + "_bytes"]
    assert len(events) < made["read"] / 10, f"{len(events)} events: nothing was folded"
    status = lemona.status(log)
    assert status["level"] == "reduced"
    assert status["lost"] == 0 and status["gaps"] == 0
    assert status["folded"] >= total(events) - len(events) > 0
    assert lemona.Summary(done.stderr).events == status["events"]


def test_provenance_keeps_every_repeat(place, log):
    done = lemona.record(log, [lemona.workload("repeat"), str(place / "f"), "500"])
    made = lemona.parse_lines(done.stdout)[0]
    events = [event for event in lemona.events(log, "--path", str(place / "f"))
              if event["pid"] == made["pid"] and event["op"] == "read"]
    assert len(events) == made["read"]
    assert lemona.status(log)["level"] == "provenance"
    assert lemona.status(log)["folded"] == 0

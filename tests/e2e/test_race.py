# SPDX-License-Identifier: MIT
"""
A thread that rewrites a path in memory while a call runs does not make the log name what the kernel
did not touch.
"""

import lemona

ROUNDS = 2000


def test_rename_under_rewrite(any_place, log):
    done = lemona.record(log, [lemona.workload("race"), str(any_place), str(ROUNDS)])
    truth = done.stdout.split()
    kinds = {name.split("-")[0] for name in truth}
    assert kinds == {"real", "fake"}, "the race never happened"
    told = [event for event in lemona.events(log, "--op", "rename")
            if event["comm"] == "w-race" and event["result"] == 0]
    assert len(told) == len(truth)
    for event, name in zip(told, truth):
        assert event["path"] == str(any_place / name), event
        assert event["path2"] == str(any_place / "moved"), event
        assert "confirmed" in event["flags"] and "claimed" not in event["flags"], event

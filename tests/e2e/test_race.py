# SPDX-License-Identifier: MIT
"""
A thread that rewrites a path or an address in memory while a call runs does not make the log name
what the kernel did not touch. What nobody but the caller's memory says is marked as claimed.
"""

import os

import pytest

import lemona

# Which operation tells it, how often it is tried. What the kernel shows, or confirms:
CERTAIN = {"rename": ("rename", 300), "open": ("open", 100), "create": ("open", 100),
           "unlink": ("unlink", 100), "mkdir": ("mkdir", 100), "symlink": ("symlink", 100),
           "exec": ("exec", 30), "connect": ("connect", 60)}
# What only a hook in the middle of the call can show; without one the claim is all there is.
CLAIMED = {"chmod": 100, "truncate": 100}


def race(call, rounds, directory, log):
    """What the kernel did, round by round, and the events of the racing program."""
    done = lemona.record(log, [lemona.workload("race"), str(directory), str(rounds), call])
    truth = done.stdout.split()
    assert len(truth) == rounds
    assert {"unknown"} == set(truth) or len({name.split("-")[0] for name in truth}) > 1, \
        "the race never happened"
    return truth, lemona.events(log)


def of_rounds(events, op, call, directory):
    """Of each round the one event: what was made and cleaned up beside it is left out."""
    begins = (str(directory / "real-"), str(directory / "fake-"))
    return [event for event in events
            if event["op"] == op and event["call"] in (call, "") and event["result"] >= 0
            and event.get("path", event.get("remote", "")).startswith(begins)]


def names_wrong_inode(events, directory):
    """Whatever still has its name: no event puts another inode beside it."""
    wrong, begin = [], str(directory) + "/"
    for event in events:
        for suffix in ("", "2"):
            path, inode = event.get(f"path{suffix}"), event.get(f"inode{suffix}")
            if path and inode and path.startswith(begin) and event["comm"] == "w-race" and \
                    "claimed" not in event["flags"] and os.path.lexists(path) and \
                    os.lstat(path).st_ino != inode:
                wrong.append(event)
    return wrong


@pytest.mark.parametrize("call", CERTAIN)
def test_path_under_rewrite(call, any_place, log):
    op, rounds = CERTAIN[call]
    truth, events = race(call, rounds, any_place, log)
    syscall = {"create": "open", "exec": "execve"}.get(call, call)
    told = of_rounds(events, op, syscall, any_place)
    assert len(told) == len(truth)
    for event, name in zip(told, truth):
        assert event.get("path", event.get("remote")) == str(any_place / name), event
        assert "claimed" not in event["flags"], event
    if call != "rename": # there every file is called "moved" in the end
        assert not names_wrong_inode(events, any_place)[:3]


def test_link_under_rewrite(any_place, log):
    """The new name is confirmed, and the old one is told only if it is that file's."""
    truth, events = race("link", 100, any_place, log)
    told = [event for event in events if event["op"] == "link" and event["comm"] == "w-race"]
    assert len(told) == len(truth)
    for event, name in zip(told, truth):
        assert event["path2"] == str(any_place / f"link-{name.split('-')[1]}"), event
        assert event["inode"] == os.stat(any_place / name).st_ino, event
        assert event.get("path") in (str(any_place / name), event["path2"]), event
        assert "claimed" not in event["flags"], event
    assert not names_wrong_inode(events, any_place)[:3]


@pytest.mark.parametrize("call", CLAIMED)
def test_unconfirmed_path_is_claimed(call, place, log):
    truth, events = race(call, CLAIMED[call], place, log)
    told = of_rounds(events, call, call, place)
    assert len(told) == len(truth)
    for event, name in zip(told, truth):
        assert "claimed" in event["flags"] or event["path"] == str(place / name), event
    unsure = next((event for event in told if "claimed" in event["flags"]), None)
    if unsure is None: # there are hooks
        return
    answer = lemona.backtrack(log, "--from", f"file:{unsure['path']}", "--no-filter", "all")
    edges = [edge for edge in answer["edges"] if edge["op"] == call]
    assert edges and all(edge.get("claimed") for edge in edges), edges
    assert not names_wrong_inode(events, place)[:3]


def test_absent_path_is_claimed(place, log):
    truth, events = race("stat", 50, place, log)
    told = [event for event in events if event["op"] == "stat" and event["comm"] == "w-race" and
            "-0" in event.get("path", "")]
    assert len(told) == len(truth)
    assert all("claimed" in event["flags"] for event in told)


def test_address_under_rewrite(place, log):
    truth, events = race("inet", 60, place, log)
    told = [event for event in events if event["op"] == "connect" and event["comm"] == "w-race"]
    assert [event["remote"] for event in told] == truth
    assert not any("claimed" in event["flags"] for event in told)


def test_refused_address_is_claimed(place, log):
    truth, events = race("refused", 60, place, log)
    told = [event for event in events if event["op"] == "connect" and event["comm"] == "w-race"]
    assert len(told) == len(truth)
    assert all(event["remote"].startswith("127.0.0.1:") and "claimed" in event["flags"]
               for event in told), told[0]

# SPDX-License-Identifier: MIT
"""
What one process reads reaches the file that another one writes by a channel between them. Backwards
from that file, through the channel, to what was read; w-channel.c has the channels.
"""

import pytest

import lemona

# What stands for the channel in the answer: how the label of a node begins. None: the processes
# act on each other without an object between them.
CHANNELS = {
    "anonymous": "shared memory ",
    "zero": "shared memory ",
    "file": "{out}.map",
    "segment": "shm ",
    "queue": "message queue ",
    "semaphore": "semaphores ",
    "posix-queue": "?/lemona-w-channel-", # in a file system that is mounted nowhere
    "event": "eventfd ",
    "memory": None,
    "memory-file": None,
    "descriptor": None,
    "typed": "/dev/pts/",
    "shown": "/dev/pts/",
}


def follow(place, log, channel):
    """Record one channel in use. The answer, and the way from IN to OUT in it."""
    given, taken = place / "in", place / "out"
    given.write_text("what goes through the channel\n")
    lemona.record(log, [lemona.workload("channel"), channel, given, taken])
    answer = lemona.backtrack(log, "--from", f"file:{taken}", "--no-filter", "all")
    way = lemona.find_path(answer, lemona.nodes(answer, path=str(given)),
                           lemona.nodes(answer, path=str(taken)))
    return answer, way, str(taken)


@pytest.mark.parametrize("channel", CHANNELS)
def test_channel(channel, place, log):
    answer, way, taken = follow(place, log, channel)
    assert answer["complete"] is True
    assert way, f"no way from what was read to what was written: {answer}"
    labels = {node["id"]: node["label"] for node in answer["nodes"]}
    passed = [labels[edge["to"]] for edge in way[:-1]]
    begin = CHANNELS[channel]
    if begin is not None:
        begin = begin.format(out=taken)
        assert any(label.startswith(begin) for label in passed), passed


def test_without_a_channel(place, log):
    """The two have nothing else in common than their parent, which tells nobody anything."""
    _, way, _ = follow(place, log, "none")
    assert way is None

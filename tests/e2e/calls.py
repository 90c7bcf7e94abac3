# SPDX-License-Identifier: MIT
"""What w-call states, held against the calls of a log of level full."""

NUMBER_OF_NONE = 1000  # w-call's call that no kernel has
NAP_NS = 5_000_000


def nanoseconds(text):
    hours, minutes, seconds = text[11:-1].split(":")
    return round((int(hours) * 3600 + int(minutes) * 60) * 10**9 + float(seconds) * 10**9)


def span(event):
    """How long it took, past midnight too."""
    return (nanoseconds(event["time"]) - nanoseconds(event["begin"])) % (86400 * 10**9)


def matches(line, event):
    return all(event[key] == line[key] for key in ("pid", "call", "args", "result"))


def missing(lines, events):
    """Statements that no event stands for, in order."""
    wrong = []
    for pid in {line["pid"] for line in lines}:
        left = iter([event for event in events if event["pid"] == pid and event["op"] == "call"])
        for line in (line for line in lines if line["pid"] == pid):
            kept = list(left)
            at = next((i for i, event in enumerate(kept) if matches(line, event)), None)
            if at is None:
                wrong.append(line)
                left = iter(kept)
            else:
                left = iter(kept[at + 1:])
    return wrong


def expect(lines, events):
    """Fail with everything in which a log of level full differs from what w-call stated."""
    assert len(lines) > 12, "the workload stated too little"
    wrong = missing(lines, events)
    assert not wrong, f"not in the log: {wrong}"
    pids = {line["pid"] for line in lines}
    made = [event for event in events if event["pid"] in pids and event["op"] == "call"]
    none = [event for event in made if event["call"] == ""]
    assert [event["arg"] for event in none] == [NUMBER_OF_NONE], none
    naps = [span(event) for event in made if event["call"] == "nanosleep"]
    assert len(naps) == 1 and naps[0] >= NAP_NS, naps
    # It returned from its handler; and a call ends once, in whoever made it.
    assert sum(event["call"] == "rt_sigreturn" for event in made) == 1
    assert sum(event["call"] == "fork" for event in made) == 1
    assert all("timed" in event["flags"] for event in made), "a begin is missing"


def expect_turns(lines, events):
    """Each process had a CPU, one at a time, and slept while it slept."""
    for pid in {line["pid"] for line in lines}:
        turns = [event for event in events if event["op"] == "run" and event["tid"] == pid]
        assert turns, f"{pid} ran, and had no CPU"
        assert all("object" not in event for event in turns)
        order = sorted(turns, key=lambda event: event["time"])
        for before, after in zip(order, order[1:]):
            assert before["time"] <= after["begin"], f"on two CPUs at once: {before} {after}"
        naps = [event for event in events if event["tid"] == pid and event.get("call") == "nanosleep"
                and event["op"] == "call"]
        for nap in naps:
            within = [turn for turn in turns
                      if turn["begin"] > nap["begin"] and turn["time"] < nap["time"]]
            assert not within, f"ran in its sleep: {within}"

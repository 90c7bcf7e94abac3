# SPDX-License-Identifier: MIT
"""What w-content states, held against the content in a log."""

TERMINALS = ("slave", "master")


def differs(line, event, kept):
    """The first respect in which an event is not what was stated; None when it is."""
    for key in ("pid", "op", "call", "result"):
        if event[key] != line[key]:
            return key
    content = event.get("data")
    if not kept or line["length"] == 0:
        return "content" if content else None
    if not content:
        return "content"
    if (content["offset"], content["length"]) != (line["offset"], line["length"]):
        return "offset or length"
    text = line["bytes"] * line["length"] if line["length"] > len(line["bytes"]) else line["bytes"]
    if content["bytes"] != text:
        return "bytes"
    if content.get("truncated", False) != (line["length"] < line["result"]):
        return "truncated"
    if (content.get("end") or "none") != (line["where"] if line["where"] in TERMINALS else "none"):
        return "end"
    return None


def expect(lines, events, kept):
    """
    Fail with every statement that no event, in order, stands for.
    @param kept  of where bytes are kept: "file", "socket", "memory", "slave", "master"
    """
    assert len(lines) > 18, "the workload stated too little"
    left = [event for event in events if event["pid"] == lines[0]["pid"] and
            event["op"] in ("read", "write", "send", "recv", "vmread")]
    wrong = []
    for line in lines:
        at = next((i for i, event in enumerate(left)
                   if differs(line, event, line["where"] in kept) is None), None)
        if at is None:
            near = [(differs(line, event, line["where"] in kept), event) for event in left
                    if event["call"] == line["call"] and event["result"] == line["result"]]
            wrong.append(f"{line}: {near[:2]}")
        else:
            left = left[at + 1:]
    assert not wrong, "not in the log:\n  " + "\n  ".join(wrong)
    terminals = {event["data"]["terminal"] for event in events
                 if event["pid"] == lines[0]["pid"] and "terminal" in event.get("data", {})}
    assert len(terminals) == (1 if "slave" in kept else 0), terminals

# SPDX-License-Identifier: MIT
"""
Each workload program makes calls of one family and states what the log must hold about them. Here
every statement is held against the log, and the log against the statements: nothing is missing, out
of order, doubled or invented.
"""

import json
import os

import lemona

NAMES = ["aio", "attr", "compat", "control", "copy", "cred", "exec", "fail", "inet", "io", "ipc",
         "memfd", "mmap", "mount", "names", "open", "pipe", "process", "ptrace", "rename-dir",
         "signal", "thread", "truncate", "unix", "unseen", "uring", "uring-net"]

# Made by every program: memory for its own use, and what the C library asks on the way. They may
# stand in the log without having been stated, but must not name what the program did not touch.
UNSTATED_OPS = {"mmap", "munmap", "mprotect", "stat", "dup", "close", "readdir", "thread", "ioctl",
                "attribute", "exit"}


class Statements:
    """What a workload printed, and what it implies."""

    def __init__(self, text, directory, output, program):
        self.lines = lemona.parse_lines(text)
        self.output = output
        self.pids = {line["pid"] for line in self.lines}
        # Nothing else may be named: what was stated, where it happens, and the program itself.
        self.paths = {line[key] for line in self.lines for key in ("path", "path2", "names")
                      if key in line}
        self.paths |= {str(directory), program, "/proc/self/exe", "/dev/null"}
        self.paths |= {f"/proc/{pid}/exe" for pid in self.pids}

    def steps_of(self, tid):
        """Lists of statements of one thread: one list a call, in order."""
        steps = []
        for line in self.lines:
            if line["tid"] != tid:
                continue
            if line.get("with"):
                steps[-1].append(line)
            else:
                steps.append([line])
        return steps


def differs(line, event):
    """The first respect in which an event is not what was stated; None when it is."""
    if event["op"] not in line["op"].split("|"):
        return "op"
    # New processes, new programs and signals are seen where the kernel does it, not where the call
    # returns: there they are of no call.
    if "call" in line and event["call"] != line["call"] and \
            not (event["op"] in ("fork", "exec", "signal") and event["call"] == ""):
        return "call"
    if "names" in line and line["names"] not in (event.get("path"), event.get("path2")):
        return "names"
    for key in ("result", "uid", "arg", "target", "ppid", "path", "path2", "local", "remote", "label",
                "exe"):
        if key in line and event.get(key) != line[key]:
            return key
    # Whatever has an inode in the log must have this one.
    for suffix in ("", "2"):
        if f"inode{suffix}" in event and f"inode{suffix}" in line:
            if event[f"inode{suffix}"] != line[f"inode{suffix}"]:
                return f"inode{suffix}"
            if event.get(f"device{suffix}", line[f"dev{suffix}"]) != line[f"dev{suffix}"]:
                return f"device{suffix}"
        if line.get(f"kind{suffix}") == "socket" and event.get(f"kind{suffix}") != "socket":
            return f"kind{suffix}"
        if f"inode{suffix}" in line and f"object{suffix}" not in event:
            return f"object{suffix}"
    if "flag" in line and line["flag"] not in event["flags"]:
        return "flag"
    if line.get("result", 0) < 0 and "error" not in event:
        return "error"
    return None


def nearest(line, candidates):
    """For the report: events of the same operation, with the respect in which each differs."""
    shown = [(differs(line, event), event) for event in candidates
             if event["op"] in line["op"].split("|")]
    return "".join(f"\n      {key}: {json.dumps(event)}" for key, event in shown[:3]) or " none"


def match_thread(steps, events):
    """Find an event for every statement, in order. What is wrong, and which events were used."""
    wrong, used, start = [], set(), 0
    for step in steps:
        end = start
        for line in step:
            at = next((i for i in range(start, len(events))
                       if i not in used and differs(line, events[i]) is None), None)
            if at is not None:
                used.add(at)
                end = max(end, at + 1)
            elif not line.get("may"):
                left = [event for i, event in enumerate(events) if i >= start and i not in used]
                wrong.append(f"not in the log: {json.dumps(line)}\n    nearest:"
                             f"{nearest(line, left)}")
        start = end
    return wrong, used


def is_nameless(path, device, inode):
    """
    What stands in place of a path where there is none: device and inode of the file itself, or what
    the kernel calls it ("#INODE" by d_tmpfile() of fs/dcache.c, "memfd:NAME" by memfd_create(2)).
    """
    return path == f"[{device} {inode}]" or path.startswith(("memfd:", "/memfd:")) or \
        os.path.basename(path) == f"#{inode}" or is_queue(path)


def is_queue(path):
    """A message queue's name stands in the root of a file system that need not be mounted."""
    root, _, name = path.rpartition("/")
    return root.startswith("[") and root.endswith("]") and name.startswith("lemona-w-ipc-")


def names_strange(event, statements):
    """A path that the workload never touched, if the event names one."""
    for suffix in ("", "2"):
        path = event.get(f"path{suffix}")
        if path is None or path in statements.paths:
            continue
        # A symlink's target stands as claimed: it is text, not a name.
        if event["op"] == "symlink" and suffix == "2":
            continue
        if not is_nameless(path, event.get(f"device{suffix}"), event.get(f"inode{suffix}")):
            return path
    return None


def own_events(events, statements):
    """
    Those of the workload's processes, from its first chdir on: before stands what the kernel and
    the C library did to start it. Writing the statements down is not stated either.
    """
    mine = [event for event in events if event.get("pid") in statements.pids]
    first = next((i for i, event in enumerate(mine) if event["op"] == "chdir"), None)
    assert first is not None, "the log does not hold the workload's chdir"
    return [event for event in mine[first:] if event.get("path") != statements.output]


def names_split(events):
    """Paths that the log holds under several names: who follows one of them misses the others."""
    numbers = {}
    for event in events:
        for suffix in ("", "2"):
            if f"name{suffix}" in event and not (event["op"] == "symlink" and suffix):
                numbers.setdefault(event[f"path{suffix}"], set()).add(event[f"name{suffix}"])
    return {path: found for path, found in numbers.items() if len(found) > 1}


def check(events, statements):
    """Everything that is wrong, as sentences."""
    wrong = []
    mine = own_events(events, statements)
    for tid in dict.fromkeys(line["tid"] for line in statements.lines):
        of_thread = [event for event in mine if event["tid"] == tid]
        missing, used = match_thread(statements.steps_of(tid), of_thread)
        wrong += missing
        for i, event in enumerate(of_thread):
            if i not in used and event["op"] not in UNSTATED_OPS:
                wrong.append(f"in the log, but never done: {json.dumps(event)}")
    for event in mine:
        strange = names_strange(event, statements)
        if strange:
            wrong.append(f"never touched {strange}: {json.dumps(event)}")
    return wrong


# What w-unseen acts on: one directory a case, of which the recorder has never heard.
UNSEEN = ["rename", "from", "to", "unlink", "mkdir", "mknod", "link", "symlink", "chmod", "chown",
          "truncate", "utimensat", "setxattr"]


def prepare(name, directory):
    """Make the directory that a workload works in, and what it finds there."""
    directory.mkdir()
    directory.chmod(0o755)
    if name == "unseen":
        for case in UNSEEN:
            (directory / "unseen" / case).mkdir(parents=True)
            (directory / "unseen" / case / "f").write_text("made before")


def expect(name, events, statements):
    """Fail with everything that is wrong between what a workload stated and the events of a log."""
    assert len(statements.lines) > 4, "the workload stated nothing"
    wrong = check(events, statements)
    assert not wrong, f"{len(wrong)} of {len(statements.lines)} statements and more:\n  " + \
        "\n  ".join(wrong)
    # Where directories are renamed, a path stands for one name after the other.
    if name != "rename-dir":
        split = names_split(own_events(events, statements))
        assert not split, f"one path, several names: {split}"

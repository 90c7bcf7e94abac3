# SPDX-License-Identifier: MIT
"""What goes through io_uring leaves the same graph as the calls that do the same."""

import os
import shutil

import pytest

import lemona

FIO = ["fio", "--name=job", "--rw=randrw", "--size=128k", "--bs=4k", "--iodepth=8", "--numjobs=2",
       "--fallocate=none", "--invalidate=0", "--randseed=7", "--output=/dev/null"]

SCRIPT = """
const fs = require('fs').promises;
async function work(top) {
    await fs.mkdir(top + '/dir');
    await fs.writeFile(top + '/note', 'written');
    await fs.rename(top + '/note', top + '/dir/moved');
    await fs.readFile(top + '/dir/moved');
    const file = await fs.open(top + '/file', 'w+');
    await file.write('through a handle');
    await file.read(Buffer.alloc(7), 0, 7, 0);
    await file.close();
    await fs.link(top + '/file', top + '/hard');
    await fs.symlink('file', top + '/soft');
    await fs.unlink(top + '/hard');
    await fs.unlink(top + '/dir/moved');
    await fs.unlink(top + '/absent').catch(() => {});
    await fs.writeFile(top + '/last', 'after all else');
}
work(process.argv[2]);
"""

# Bookkeeping of the runtime that does not pass between objects, and differs from run to run.
ASIDE = {"stat", "close", "mmap", "munmap", "mprotect", "dup"}


def shorten(label, top):
    """A label that is the same for both runs."""
    return label.replace(str(top), "TOP")


def deeds(events, top):
    """What was done to whatever is below a directory: operation, names, kinds, and whether it failed."""
    found = set()
    for event in events:
        paths = [shorten(event[key], top) for key in ("path", "path2") if key in event]
        # The process that becomes the program is the recorder's until then.
        if event["op"] in ASIDE or event["comm"] == "lemona" or \
                not any("TOP" in path for path in paths):
            continue
        found.add((event["comm"], event["op"], *paths, event.get("kind"), event.get("error"),
                   "created" in event["flags"]))
    return found


def edges(log, top, *paths):
    """The influences on files and what they came from, by label."""
    points = [word for path in paths for word in ("--from", f"file:{path}")]
    answer = lemona.backtrack(log, *points, "--no-filter", "all")
    assert answer["complete"], answer["gaps"]
    labels = {node["id"]: shorten(node.get("path") or node.get("exe") or node["label"], top)
              for node in answer["nodes"]}
    return {(labels[edge["from"]], edge["op"], labels[edge["to"]]) for edge in answer["edges"]
            if "TOP" in labels[edge["from"]] + labels[edge["to"]]
            and str(lemona.BINARY) not in (labels[edge["from"]], labels[edge["to"]])}


def record(log, top, command, env=()):
    top.mkdir()
    lemona.record(log, command, env={**os.environ, **dict(env)})
    events = lemona.events(log)
    calls = {event["call"] for event in events if str(top) in event.get("path", "")}
    return deeds(events, top), {call for call in calls if call.startswith("io_uring:")}


def test_fio(place):
    seen = {}
    for engine in ("psync", "io_uring"):
        top, log = place / engine, place / f"log-{engine}"
        done, rings = record(log, top, [*FIO, f"--ioengine={engine}", f"--directory={top}"])
        assert bool(rings) == (engine == "io_uring"), rings
        # From both files: which of the two jobs ends first is up to the scheduler.
        seen[engine] = done, edges(log, top, top / "job.0.0", top / "job.1.0")
    assert ("fio", "write", "TOP/job.1.0", "file", None, False) in seen["psync"][0]
    assert seen["io_uring"] == seen["psync"]


@pytest.mark.skipif(not shutil.which("node"), reason="node is not there")
def test_node(place):
    script = place / "work.js"
    script.write_text(SCRIPT)
    seen = {}
    for ring in ("0", "1"):
        top, log = place / f"ring{ring}", place / f"log{ring}"
        done, rings = record(log, top, ["node", str(script), str(top)], {"UV_USE_IO_URING": ring})
        if ring == "1" and not rings:
            pytest.skip("this node has no io_uring")
        assert not rings or ring == "1"
        # What came before the last write: of the rest a ring tells the begin more precisely.
        seen[ring] = done, edges(log, top, top / "last")
    assert any(deed[1:4] == ("rename", "TOP/note", "TOP/dir/moved") for deed in seen["0"][0])
    assert seen["1"] == seen["0"]

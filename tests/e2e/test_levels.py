# SPDX-License-Identifier: MIT
"""Levels: what each keeps, and that what it leaves out is counted."""

import json
import os
import pathlib
import subprocess

import lemona

READS = 20000
COMPARE = pathlib.Path(os.environ.get(
    "LEMONA_COMPARE", lemona.BINARY.parent / "tests" / "levels" / "compare-levels"))
POINTS = 1000

# Loops, copies, pipes, archives, a compiler: what repeats itself, and what must not be folded.
MIX = """
set -e
for i in $(seq 1 40); do echo line $i >> list; cat list | wc -l > count; done
for i in $(seq 1 20); do cp list c$i; cat c$i >> all; done
for i in 1 2 3; do find /usr/share/doc /usr/lib -maxdepth 3 -name $i; cat list c$i > d$i; done
mkdir out; tar cf c.tar c*; tar xf c.tar -C out; grep -r line out > found; rm -r out
for i in 1 2 3; do "$WORKLOADS"/w-repeat f$i 2000 > said$i & done; wait
"$WORKLOADS"/w-repeat shared 2000 > said & "$WORKLOADS"/w-repeat shared 2000 > said4; wait
for name in pipe unix inet names io thread mmap; do
    mkdir w-$name; "$WORKLOADS"/w-$name "$PWD"/w-$name > /dev/null
done
sh -c 'read a < list; echo $a > x; mv x y; ln y z; rm z'
printf 'int main(void) { return 0; }' > a.c; cc -o a a.c; ./a
"""


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


def run_mix(place):
    """Its process number: what others do meanwhile on a busy machine is not compared."""
    with subprocess.Popen(["bash", "-c", MIX], cwd=place,
                          env={**os.environ, "WORKLOADS": str(lemona.WORKLOADS)}) as mix:
        assert mix.wait(lemona.LIMIT_SECONDS) == 0
    return mix.pid


def compare(place, *options):
    """Record the mix twice at once, the second time with options; ask both logs the same."""
    full, other, work = place / "full", place / "other", place / "work"
    work.mkdir()
    with lemona.Recording(full), lemona.Recording(other, *options):
        mix = run_mix(work)
    done = subprocess.run([COMPARE, full, other, str(POINTS), "1", str(mix)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=2 * lemona.LIMIT_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[:4000]
    told = json.loads(done.stdout)
    print(done.stdout)
    assert told["points"] == POINTS and told["objects"] > POINTS
    assert told["unmatched"] < told["objects"] / 100, "what cannot be matched is not compared"
    assert lemona.status(full)["lost"] == lemona.status(other)["lost"] == 0
    return told


def test_reduced_answers_as_provenance_does(place):
    told = compare(place, "--level", "reduced")
    assert told["twin_events"] < told["events"] * 3 / 4, "the rule folds next to nothing"
    assert told["reduced_events"] < told["events"] * 3 / 4, "the kernel folds next to nothing"


def test_a_recorder_that_forgets_answers_alike(place):
    """With the least memory that there is, next to everything is forgotten, and defined again."""
    compare(place, "--memory", "64K")
    objects = lemona.status(place / "other")["objects"]
    assert objects > lemona.status(place / "full")["objects"] + 1000, "little was forgotten"

# SPDX-License-Identifier: MIT
"""
The recorder on Debian's kernels, in emulated machines: each boots once, records every workload
program under every way to attach, and hands log and statements out, which are held against each
other here as they are for this host's own kernel.
"""
import concurrent.futures
import json
import os
import re
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]

import boot  # noqa: E402  (found through the line above)
import calls  # noqa: E402  (found through the line above)
import contents  # noqa: E402
import budget  # noqa: E402
import kernels  # noqa: E402
import lemona  # noqa: E402
import statements  # noqa: E402

# Each boot of a kernel, by name: words for its command line, and the ways to attach there.
BOOTS = {"plain": ("", ["tracepoint", "trampoline"]),
         "strict": ("lockdown=integrity preempt=full", ["tracepoint", "trampoline"])}

# What trying to record says where no program may read the kernel's memory.
LOCKED = """
lemona doctor >/out/doctor
echo $? >>/out/doctor
for way in auto tracepoint trampoline; do
	lemona record --attach $way -o /out/log -- true >/out/$way 2>&1
	echo $? >>/out/$way
done
"""

# A file system with nothing behind it but memory, whose inodes have no generation, and another one.
PLACES = ["/var/tmp", "/dev/shm"]

GUESTS = [(series, name) for series in kernels.SERIES for name in BOOTS]
REDUCED_BOOT = "plain"
RUNS = [(series, name, way) for series, name in GUESTS for way in BOOTS[name][1]]

# What runs under the recorder.
WORKLOADS = """
verified-insns $PPID $OUT/insns
for place in {places}; do
	for name in {names}; do
		mkdir -p $OUT$place
		w-$name $place/$WAY/$name $OUT$place/$name || echo "w-$name in $place: $?"
	done
done
"""

# What runs under a second one, of level full.
CALLS = """
verified-insns $PPID $OUT/full-insns
w-content $OUT $OUT/moved || echo w-content: $?
w-call $OUT/called
"""

# What runs under one of level reduced.
REPEATS = "w-repeat /out/repeated 300"

# Both recordings. What a workload finds was made before, so that it is new to the recorder.
RECORD = """
export WAY={way} OUT=/out/{way}
mkdir $OUT
for place in {places}; do cp -a /root/stage $place/$WAY; done
lemona doctor >$OUT/doctor
lemona record --attach {way} -o $OUT/log -- sh /root/workloads >$OUT/said 2>&1
echo $? >$OUT/code
lemona record --attach {way} --level full --sched --content -o $OUT/full -- sh /root/calls >$OUT/full-said 2>&1
echo $? >$OUT/full-code
"""

# A third one, once for each kernel.
RECORD_REDUCED = f"""
lemona record --level reduced -o /out/reduced -- {REPEATS} >/out/reduced-said 2>&1
echo $? >/out/reduced-code
"""


def build_guest(place, ways):
    """The initramfs of a guest, and the script that it runs."""
    (place / "stage").mkdir()
    for name in statements.NAMES:
        statements.prepare(name, place / "stage" / name)
    words = {"places": " ".join(PLACES), "names": " ".join(statements.NAMES)}
    (place / "workloads").write_text(WORKLOADS.format(**words))
    (place / "calls").write_text(CALLS)
    initramfs = boot.Initramfs()
    initramfs.add_build()
    initramfs.add_tree("root/stage", place / "stage")
    initramfs.add_tree("root/workloads", place / "workloads")
    initramfs.add_tree("root/calls", place / "calls")
    return initramfs, "".join(RECORD.format(way=way, **words) for way in ways)


def run_guest(series, name, place):
    """Boot once and bring everything out. @return the directory with what each way left"""
    place.mkdir()
    append, ways = BOOTS[name]
    initramfs, script = build_guest(place, ways)
    if name == REDUCED_BOOT:
        script += RECORD_REDUCED
    with open(place / "said", "w", encoding="utf-8") as said:
        code = boot.boot(kernels.get(series), initramfs, script, place / "out", append, said)
    assert code == 0, (place / "said").read_text()
    return place / "out"


def wanted(session):
    """The guests that the chosen tests ask for."""
    asked = {item.callspec.params["recording"][:2] for item in session.items
             if "recording" in getattr(getattr(item, "callspec", None), "params", {})}
    return [guest for guest in GUESTS if guest in asked]


@pytest.fixture(scope="session")
def guests(request, tmp_path_factory):
    """What each guest brings, as futures: they run beside each other, one for each CPU."""
    chosen = wanted(request.session)
    for series in {series for series, _ in chosen}:
        kernels.get(series)
    top = tmp_path_factory.mktemp("kernels")
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield {guest: pool.submit(run_guest, *guest, top / "-".join(guest)) for guest in chosen}


@pytest.fixture(scope="session", params=RUNS, ids="-".join)
def recording(request, guests):
    """One way to attach on one guest: the directory with what it left, and the events of its log."""
    series, name, way = request.param
    place = guests[series, name].result() / way
    assert (place / "log").is_dir(), (place / "said").read_text()
    return series, place, lemona.events(place / "log")


def test_recording_ends_well(recording):
    _, place, _ = recording
    said = (place / "said").read_text()
    assert (place / "code").read_text() == "0\n", said
    assert lemona.Summary(said).lost == 0
    _, key, *others = said.splitlines()
    assert not others and "its key" in key, f"a workload failed: {said}"


@pytest.mark.parametrize("insns", ["insns", "full-insns"])
def test_programs_stay_in_their_budget(recording, insns):
    series, place, _ = recording
    wrong = budget.compare(series, json.loads((place / insns).read_text()))
    assert not wrong, "\n  ".join(wrong)


def test_doctor_finds_the_way(recording):
    """Both kernels let trampolines attach, locked down for integrity or not."""
    _, place, _ = recording
    said = (place / "doctor").read_text()
    assert re.search("^ok +way in use +trampoline:", said, re.MULTILINE), said
    assert not re.search("^missing", said, re.MULTILINE), said


@pytest.mark.parametrize("series", kernels.SERIES)
def test_kernel_that_hides_its_memory(series, tmp_path):
    initramfs = boot.Initramfs()
    initramfs.add_build()
    boot.boot(kernels.get(series), initramfs, LOCKED, tmp_path / "out", "lockdown=confidentiality")
    for way in ("auto", "tracepoint", "trampoline"):
        said = (tmp_path / "out" / way).read_text()
        assert re.fullmatch(r"lemona: .*lockdown=integrity.*\n3\n", said), said
    said = (tmp_path / "out" / "doctor").read_text()
    assert re.search("^missing +lockdown +confidentiality", said, re.MULTILINE), said
    assert said.endswith("This host cannot be recorded.\n3\n"), said
    assert not (tmp_path / "out" / "log").exists()


def test_level_full(recording):
    _, place, _ = recording
    said = (place / "full-said").read_text()
    assert (place / "full-code").read_text() == "3\n", said  # w-call's own
    lines = lemona.parse_lines((place / "called").read_text())
    events = lemona.events(place / "full")
    calls.expect(lines, events)
    calls.expect_turns(lines, events)
    contents.expect(lemona.parse_lines((place / "moved").read_text()), events,
                    ("file", "socket", "memory", "slave", "master"))


@pytest.mark.parametrize("recording", [(series, REDUCED_BOOT, BOOTS[REDUCED_BOOT][1][0])
                                       for series in kernels.SERIES],
                         ids="-".join, indirect=True)
def test_level_reduced(recording):
    place = recording[1].parent
    said = (place / "reduced-said").read_text()
    assert (place / "reduced-code").read_text() == "0\n", said
    writes = [event for event in lemona.events(place / "reduced")
              if event["op"] == "write" and event.get("path", "").endswith("/repeated")]
    actions = sum(event["arg"] if "folded" in event["flags"] else 1 for event in writes)
    assert len(writes) < actions == 600, f"{len(writes)} events for {actions} writes"


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("name", statements.NAMES)
def test_workload(recording, name, at):
    _, place, events = recording
    output = f"{at}/{name}"
    text = Path(f"{place}{output}").read_text()
    stated = statements.Statements(text, f"{at}/{place.name}/{name}", f"/out/{place.name}{output}",
                                   f"/usr/bin/w-{name}")
    statements.expect(name, events, stated)

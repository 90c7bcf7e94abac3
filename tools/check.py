#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds everything, runs every test, and counts. With "kernels" as argument, only those on the
kernels that are emulated; with "faults", only kills and power cuts (FAULTS_SOAK=1: all of them).

The last line is "N passed, N failed, N skipped". Reports of the parts are left
in build/check. Exit code 1 when anything failed.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
import fuzz  # noqa: E402

REPO = Path(__file__).resolve().parent.parent
BUILD = REPO / "build"
ASAN = BUILD / "asan"
REPORTS = BUILD / "check"
PYTHON = "/usr/bin/python3"

BUILD_SECONDS = 900
UNIT_SECONDS = 600
PYTEST_SECONDS = 900
FUZZ_SECONDS, FUZZ_OTHERS_SECONDS = 30, 10
# What reads evidence and what belongs to it gets the longer time.
EVIDENCE = {"frame", "payload", "seal", "segment", "verify", "note", "catalog", "part"}

SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Clock:
    def __init__(self):
        self.begin = time.monotonic()

    def say(self, text):
        print(f"check: [{time.monotonic() - self.begin:4.0f} s] {text}", flush=True)


def run(command, seconds, environment=None):
    """Exit code of a command, its whole process group killed after a time. None: it was."""
    process = subprocess.Popen(command, cwd=REPO, env={**os.environ, **(environment or {})},
                               start_new_session=True)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        print(f"check: {command[0]} did not end within {seconds} s", flush=True)
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def build(directory, options):
    """Configure, if need be, and build all of one variant."""
    if (directory / "build.ninja").exists():
        configure = ["meson", "configure", str(directory), *options]
    else:
        configure = ["meson", "setup", str(directory), *options]
    return (run(configure, BUILD_SECONDS) == 0
            and run(["ninja", "-C", str(directory)], BUILD_SECONDS) == 0)


def count_cases(test):
    """Cases of one test program: its TAP lines, or the program itself where it prints none."""
    lines = re.findall(r"^(not ok|ok)\b(?:.*#\s*(SKIP))?", test.get("stdout", ""), re.M | re.I)
    count = Count()
    for verdict, skip in lines:
        if skip:
            count.skipped += 1
        elif verdict.lower() == "ok":
            count.passed += 1
        else:
            count.failed += 1
    # What a case did not say: a crash, a leak found at exit, a time-out.
    if test["result"] in ("OK", "EXPECTEDFAIL"):
        count.passed += not lines
    elif test["result"] == "SKIP":
        count.skipped += not lines
    elif not count.failed:
        count.failed = 1
    return count


def print_failure(test):
    print(f"--- {test['name']}: {test['result']}, exit code {test['returncode']}")
    for stream in ("stdout", "stderr"):
        for line in test.get(stream, "").splitlines()[-60:]:
            print(f"    {line}")


def run_unit_tests(directory):
    """Run the unit tests of one build, counting the cases of each program."""
    if not (directory / "meson-info" / "intro-tests.json").exists():
        return Count(failed=1)
    if not json.loads((directory / "meson-info" / "intro-tests.json").read_text()):
        print(f"check: {directory} holds no unit tests")
        return Count(failed=1)
    log = directory / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    run(["meson", "test", "-C", str(directory), "--no-rebuild"], UNIT_SECONDS,
        {"CMOCKA_MESSAGE_OUTPUT": "TAP", **SANITIZERS})
    if not log.exists():
        return Count(failed=1)
    count = Count()
    for line in log.read_text().splitlines():
        test = json.loads(line)
        cases = count_cases(test)
        if cases.failed:
            print_failure(test)
        count.add(cases)
    return count


def run_pytest(name, paths, environment=None, beside=False):
    """Run one pytest suite; the reasons of skips are printed by -rs.

    beside: files run beside each other, one for each CPU, since most of a test is waiting.
    """
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    code = run([PYTHON, "-m", "pytest", "-v", "-rs", "--tb=short", "-p", "no:cacheprovider",
                f"--junitxml={report}", *(["-n", str(os.cpu_count()), "--dist", "loadfile"] if beside else []),
                *[str(path) for path in paths]],
               PYTEST_SECONDS, {"PYTHONDONTWRITEBYTECODE": "1", **SANITIZERS,
                                **(environment or {})})
    try:
        suites = ElementTree.parse(report).getroot().iter("testsuite")
    except (OSError, ElementTree.ParseError):
        return Count(failed=1)
    count = Count()
    for suite in suites:
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        count.add(Count(int(suite.get("tests")) - failed - skipped, failed, skipped))
    # 5: nothing was collected, which is no success either.
    if code != 0 and not count.failed:
        count.failed = 1
    return count


def seconds_for(fuzzer):
    return FUZZ_SECONDS if fuzzer.name.removeprefix("fuzz_") in EVIDENCE else FUZZ_OTHERS_SECONDS


def run_fuzzers():
    """Each for a while, beside each other."""
    try:
        fuzz.build()
    except subprocess.CalledProcessError:
        return Count(failed=1)
    targets = fuzz.find_targets()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = list(pool.map(lambda target: fuzz.run(target, seconds_for(target)), targets))
    return Count(sum(passed), len(passed) - sum(passed) + (not passed))


FAULTS = ("faults", lambda: run_pytest("faults", [REPO / "tests/faults"]))
KERNELS = ("other kernels", lambda: run_pytest("kernels", [REPO / "tests/kernels"]))


def steps():
    """Name and action of everything there is to do, in order."""
    e2e = REPO / "tests/e2e"
    files = set(e2e.glob("test_*.py"))
    # The demo, which runs once, and what is about speed.
    plain = {e2e / f"test_{name}.py" for name in ("bench", "delay", "demo", "idle", "loss")}
    # What asks for the only process of a name on the whole machine.
    alone = {e2e / "test_who.py"}
    beside = sorted(files - plain - alone)
    sanitized = {"LEMONA": str(ASAN / "lemona")}
    return [
        ("unit tests", lambda: run_unit_tests(BUILD)),
        ("unit tests, sanitized", lambda: run_unit_tests(ASAN)),
        FAULTS,
        ("faults, sanitized", lambda: run_pytest(
            "faults-sanitized", [REPO / "tests/faults/test_errors.py"],
            {"LEMONA_BUILD": str(ASAN)})),
        ("fuzzers", run_fuzzers),
        ("rules of the house", lambda: run_pytest("check", [REPO / "tests/check"])),
        ("end to end, sanitized",
         lambda: run_pytest("e2e-sanitized", beside, sanitized, beside=True)),
        ("end to end, sanitized, alone",
         lambda: run_pytest("e2e-sanitized-alone", sorted(alone), sanitized)),
        ("end to end", lambda: run_pytest("e2e", beside, beside=True)),
        ("end to end, alone", lambda: run_pytest("e2e-alone", sorted(plain | alone))),
        ("proofs of others", lambda: run_pytest("vectors", [REPO / "tests/vectors"])),
        ("attack cases", lambda: run_pytest("cases", [REPO / "tests/cases"])),
        KERNELS,
    ]


def main():
    clock, total = Clock(), Count()
    alone = {"kernels": [KERNELS], "faults": [FAULTS]}.get(" ".join(sys.argv[1:]))
    REPORTS.mkdir(parents=True, exist_ok=True)
    clock.say(f"building {BUILD.relative_to(REPO)}")
    built = build(BUILD, ["-Dtests=enabled"])
    if built and not alone:
        clock.say(f"building {ASAN.relative_to(REPO)} with address and undefined-behaviour "
                  "sanitizers")
        built = build(ASAN, ["-Dtests=enabled", "-Db_sanitize=address,undefined",
                             "-Doptimization=1"])
    if not built:
        total.failed += 1
        clock.say("the build failed")
    for name, action in (alone or steps()) if built else []:
        clock.say(name)
        count = action()
        clock.say(f"{name}: {count}")
        total.add(count)
    (REPORTS / "result").write_text(f"{total}\n")
    if not os.environ.get("LEMONA_CHECK_QUIET"):
        print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())

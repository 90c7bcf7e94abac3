#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds the fuzzers in build/fuzz and runs each for a time, from its corpus in the tree."""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
BUILD = REPO / "build" / "fuzz"
FUZZ = REPO / "tests" / "fuzz"


def build():
    """The fuzzers alone, with libraries that tell them where they have been: without that they
    would try bytes blindly. Nothing else can be linked of these."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(BUILD), "-Dfuzz=true", "-Dtests=disabled",
                        "-Db_sanitize=address,undefined", "-Db_lundef=false",
                        "-Dc_args=-fsanitize=fuzzer-no-link"],
                       cwd=REPO, check=True, env={**os.environ, "CC": "clang"})
    names = [str(target.relative_to(BUILD)) for target in find_targets()]
    if names:
        subprocess.run(["ninja", "-C", str(BUILD), *names], cwd=REPO, check=True)


def find_targets():
    """Executables that the tests/fuzz folder defines."""
    targets = json.loads((BUILD / "meson-info" / "intro-targets.json").read_text())
    folder = str(FUZZ) + os.sep
    return sorted(Path(target["filename"][0]) for target in targets
                  if target["type"] == "executable" and target["defined_in"].startswith(folder))


def run(target, seconds):
    """New inputs and crashes stay in the build folder; the tree's corpus is only read."""
    found = BUILD / "found" / target.name
    found.mkdir(parents=True, exist_ok=True)
    corpus = FUZZ / "corpus" / target.name.removeprefix("fuzz_")
    seeds = [corpus] if corpus.is_dir() else []
    print(f"fuzz: {target.name} for {seconds} s", flush=True)
    command = [str(target), f"-max_total_time={seconds}", "-print_final_stats=1", "-timeout=10",
               "-rss_limit_mb=2048", f"-artifact_prefix={found}/", str(found),
               *[str(path) for path in seeds]]
    return subprocess.run(command, cwd=REPO, check=False,
                          env={**os.environ, "UBSAN_OPTIONS": "halt_on_error=1"}).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each fuzzer (%(default)s)")
    arguments = parser.parse_args()
    build()
    targets = find_targets()
    if not targets:
        sys.exit("fuzz: there is no fuzzer")
    failed = [target.name for target in targets if not run(target, arguments.seconds)]
    for name in failed:
        print(f"fuzz: {name} found a fault; its input is in {BUILD}/found/{name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

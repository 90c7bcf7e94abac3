# SPDX-License-Identifier: MIT
"""The staged break-in, recorded and walked back, holds what it promises."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "demo"
DEMO_SECONDS = 180

sys.path.insert(0, str(DEMO))
import check  # noqa: E402

PYTHON = ("/usr/bin/python3", "-B")


def run_demo(*arguments):
    return subprocess.run([*PYTHON, str(DEMO / "run.py"), *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=DEMO_SECONDS, check=False)


@pytest.fixture(scope="module")
def staged(lemona_path, tmp_path_factory):
    """The results' folder and what the demo printed."""
    out = tmp_path_factory.mktemp("demo") / "out"
    before = Path("/etc/passwd").read_bytes()
    done = run_demo("--out", out, "--lemona", lemona_path)
    assert done.returncode == 0, done.stdout
    assert Path("/etc/passwd").read_bytes() == before
    return out, done.stdout


def test_graph_leads_from_passwd_to_the_attacker(staged):
    answer = check.load(staged[0], "graph.json")
    assert check.check_graph(answer) == []


@pytest.mark.parametrize("filters", [(), ("--no-filter", "no-entry", "--no-filter", "helpers",
                                          "--no-filter", "read-only")])
def test_first_screen_holds_the_attack(staged, lemona_path, filters):
    """Also where there is more to choose from."""
    done = subprocess.run([str(lemona_path), "backtrack", str(staged[0] / "log"), "--from",
                           f"file:{check.DETECTED}", "--top", "screen", "--format", "json",
                           *filters], stdout=subprocess.PIPE, check=True, timeout=DEMO_SECONDS)
    answer = json.loads(done.stdout)
    assert len(answer["nodes"]) <= 60
    assert check.check_attack_path(answer) == []


def test_forward_holds_the_intruders_changes_and_no_noise(staged):
    answer = check.load(staged[0], "forward.json")
    assert check.check_forward(answer) == []


def test_noise_is_large(staged, lemona_path):
    assert check.check_size(str(lemona_path), str(staged[0] / "log")) == []


def test_story_and_picture_are_left(staged):
    out, printed = staged
    story = (out / "story.txt").read_text(encoding="utf-8")
    assert check.DETECTED in story and check.CRON_JOB in story
    assert "/etc/passwd" in printed
    assert (out / "graph.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def left_behind(out):
    """Processes of a demo that wrote to `out`: its play and what the play started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            open_files = [os.readlink(link) for link in (process / "fd").iterdir()]
        except OSError:
            continue  # it ended meanwhile
        if any(name.startswith(f"{out}/") for name in open_files):
            found.append(process.name)
    return found


def test_nothing_stays_behind(staged):
    assert left_behind(staged[0]) == []


def test_an_interrupted_demo_leaves_nothing(tmp_path):
    out = tmp_path / "out"
    demo = subprocess.Popen([*PYTHON, str(DEMO / "run.py"), "--no-record", "--out", str(out)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    with demo:
        for line in demo.stdout:
            if "attacker" in line and "exploits" in line:
                break
        assert left_behind(out)
        demo.terminate()
        assert demo.wait(timeout=DEMO_SECONDS) != 0
    assert left_behind(out) == []


def test_a_folder_of_somebody_else_is_kept(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("the demo needs root")
    kept = tmp_path / "kept"
    kept.write_text("mine")
    done = run_demo("--out", tmp_path, "--no-record")
    assert done.returncode != 0
    assert done.stdout.count("\n") == 1 and "was not made by the demo" in done.stdout
    assert kept.read_text() == "mine"

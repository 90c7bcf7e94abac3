# SPDX-License-Identifier: MIT
"""lemona prove, and the program that checks what it prints without any code of Lemona."""
import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests/golden/log"
EVENTS = 3000


@pytest.fixture(name="log")
def copy_log(tmp_path):
    shutil.copytree(GOLDEN / "v1-sealed", tmp_path / "log")
    return tmp_path / "log"


def prove(lemona, log, event, *arguments):
    done = lemona("prove", log, str(event), *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(folder, proof, *arguments):
    path = folder / "proof"
    path.write_text(json.dumps(proof))
    done = subprocess.run(["/usr/bin/python3", ROOT / "tools/check-proof.py", path, *arguments],
                          capture_output=True, text=True, check=False)
    assert done.returncode == (0 if done.stdout.startswith("PROVED: ") else 1)
    return done.returncode == 0


def test_every_kind_of_place(lemona, log, tmp_path):
    for event in [1, 2, EVENTS // 3, EVENTS // 2, EVENTS - 1, EVENTS]:
        done = lemona("prove", log, str(event))
        assert done.returncode == 0 and len(done.stdout) < 4096
        assert check(tmp_path, json.loads(done.stdout), log / "checkpoint")


def test_program_is_short():
    lines = (ROOT / "tools/check-proof.py").read_text().splitlines()
    assert len(lines) <= 80


def test_what_is_proved_is_there(lemona, log):
    proof = prove(lemona, log, 77, "--payload")
    listed = lemona("events", log, "--format", "json").stdout.splitlines()
    events = [line for line in map(json.loads, listed) if line.get("id") == 77]
    assert proof["frame"]["first_event"] <= 77 and len(events) == 1
    assert f" {events[0]['op']} " in proof["description"]
    assert proof["checkpoint"] == (log / "checkpoint").read_text()
    assert proof["log_key"] == (log / "key").read_text().strip()


def flipped(text):
    return ("1" if text[0] == "0" else "0") + text[1:]


def test_lies_are_found(lemona, log, tmp_path):
    proof = prove(lemona, log, 100, "--payload")
    header = bytearray.fromhex(proof["frame"]["header"])
    lies = [
        {"event": proof["frame"]["first_event"] + proof["frame"]["events"]},
        {"event": proof["frame"]["first_event"] - 1},
        {"leaf": proof["leaf"] ^ 1}, {"leaf": proof["size"]}, {"size": proof["size"] + 1},
        {"path": proof["path"][:-1]}, {"path": proof["path"] + proof["path"][-1:]},
        {"path": [flipped(proof["path"][0])] + proof["path"][1:]},
        {"key": flipped(proof["key"])}, {"payload": "AAAA"},
        {"checkpoint": proof["checkpoint"].replace("\nboot ", "\nboot 1")},
        {"frame": dict(proof["frame"], payload_sha256=flipped(proof["frame"]["payload_sha256"]))},
    ]
    for at in [4, 6, 12, 20, 24, 32, 40, 56, 64, 72, 80, 95]:
        header[at] ^= 1
        lies.append({"frame": dict(proof["frame"], header=header.hex())})
        header[at] ^= 1
    assert check(tmp_path, proof)
    for lie in lies:
        assert not check(tmp_path, dict(proof, **lie)), lie
    other = tmp_path / "other"
    other.write_text(proof["checkpoint"].replace("\nboot ", "\nboot 1"))
    assert not check(tmp_path, proof, other)


def test_earlier_checkpoint(lemona, log, tmp_path):
    """One that stands in the log, as somebody may have kept it."""
    data = (log / "00000001.lms").read_bytes()
    name = proof_name = (log / "checkpoint").read_bytes().split(b"\n")[0]
    # The second: the first is of a log without events.
    begin = data.index(name + b"\n", data.index(b"\nnext-key ") + 1)
    end = data.index(b"\n", data.index(b"\xe2\x80\x94 " + proof_name, begin)) + 1
    kept = tmp_path / "kept"
    kept.write_bytes(data[begin:end])
    size = int(data[begin:end].split(b"\n")[1])
    proof = prove(lemona, log, 1, "--checkpoint", kept)
    assert proof["size"] == size and check(tmp_path, proof, kept)
    late = lemona("prove", log, str(EVENTS), "--checkpoint", kept)
    assert late.returncode == 3 and "does not cover" in late.stderr
    assert lemona("verify", log, "--checkpoint", kept).returncode == 0


def test_altered_log_proves_nothing(lemona, log):
    path = log / "00000001.lms"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    codes = {lemona("prove", log, str(event)).returncode for event in range(1, EVENTS, 50)}
    assert codes & {3, 4} and not codes - {0, 3, 4}


@pytest.mark.parametrize("arguments, code", [
    ((), 2), (("1",), 2), (("0",), 2), (("x",), 2), (("99999999",), 3),
    (("1", "--checkpoint", "/nonexistent"), 3), (("1", "--checkpoint", "/etc/passwd"), 4)])
def test_refused(lemona, log, arguments, code):
    place = () if len(arguments) < 1 or arguments == ("1",) and code == 2 else (log,)
    done = lemona("prove", *place, *arguments)
    assert done.returncode == code and len(done.stderr.splitlines()) == 1


def test_unsealed(lemona):
    done = lemona("prove", GOLDEN / "v1", "1")
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1

# SPDX-License-Identifier: MIT
"""lemona verify, on the logs that every version has to read."""
import json
import shutil
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parent.parent / "golden/log/v1"


@pytest.fixture(name="log")
def copy_log(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "log")
    return tmp_path / "log"


def verify(lemona, log, *arguments):
    done = lemona("verify", log, "--format", "json", *arguments)
    assert done.returncode in (0, 4) and not done.stderr
    answer = json.loads(done.stdout)
    assert answer["sound"] == (done.returncode == 0) == (not answer["findings"])
    return answer


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_sound(lemona, log):
    answer = verify(lemona, log)
    assert answer["state"] == "ended" and not answer["sealed"]
    assert answer["events"] == 3000 and answer["gaps"] == 15 and answer["notes"] == []
    assert answer["bytes"] == sum(path.stat().st_size for path in log.glob("*.lms"))
    assert answer["raw_bytes"] > answer["bytes"]
    text = lemona("verify", log)
    assert text.returncode == 0 and "\nstate       ended\n" in text.stdout
    assert text.stdout.startswith("verdict     sound\n")


def test_altered(lemona, log):
    flip(log / "00000002.lms", 5000)
    finding, = verify(lemona, log)["findings"]
    assert finding["word"] == "altered" and finding["file"] == "00000002.lms"
    assert finding["begin_byte"] <= 5000 < finding["end_byte"]
    assert finding["first_frame"] == finding["last_frame"]
    text = lemona("verify", log)
    assert text.returncode == 4 and text.stdout.startswith("altered: 00000002.lms, frame ")


def test_missing_segment(lemona, log):
    (log / "00000002.lms").unlink()
    finding, = verify(lemona, log)["findings"]
    assert finding["word"] == "cut in the middle" and finding["file"] == "00000002.lms"


def test_cut_is_no_damage(lemona, log):
    last = sorted(log.glob("*.lms"))[-1]
    last.write_bytes(last.read_bytes()[:-150])
    answer = verify(lemona, log)
    assert answer["state"] == "unfinished" and answer["sound"] and len(answer["notes"]) == 1


def test_names_are_escaped(lemona, log, tmp_path):
    evil = tmp_path / ("long" * 40) / "a\n\x1b[31mb"
    evil.parent.mkdir()
    evil.write_text("no checkpoint")
    text = lemona("verify", log, "--checkpoint", evil)
    assert text.returncode == 4 and "\x1b" not in text.stdout and "\\x1b[31mb" in text.stdout


@pytest.mark.parametrize("arguments, code", [
    ((), 2), (("/nonexistent",), 3), (("/etc/passwd",), 3), (("/", "--format", "xml"), 2),
    (("/etc",), 4)])
def test_refused(lemona, arguments, code):
    done = lemona("verify", *arguments)
    assert done.returncode == code and len(done.stderr.splitlines()) == 1


def test_key_of_no_log(lemona, log):
    done = lemona("verify", log, "--key", "lemona/x")
    assert done.returncode == 2 and "no key of a log" in done.stderr

# SPDX-License-Identifier: MIT
"""The worked example of docs/formats/checkpoint.md: what the page tells a stranger to do works."""
import re
import subprocess

from rules import REPO

PAGE = (REPO / "docs/formats/checkpoint.md").read_text()
FILES = dict(re.findall(r"^The file `([a-z-]+)`:\n\n```\n(.*?)^```$", PAGE, re.S | re.M))
COMMANDS = re.search(r"^```sh\n(.*?)^```$", PAGE, re.S | re.M).group(1)


def run_example(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    return subprocess.run(["/bin/sh", "-c", COMMANDS], cwd=folder, capture_output=True,
                          text=True, check=False).stdout.splitlines()


def test_example(tmp_path):
    lines = run_example(tmp_path, FILES)
    assert lines[:2] == ["Signature Verified Successfully"] * 2
    assert lines[2] == lines[3] and len(lines) == 4


def test_example_sees_forgery(tmp_path):
    checkpoint = FILES["checkpoint"].replace("number 1", "number 2")
    lines = run_example(tmp_path, {**FILES, "checkpoint": checkpoint})
    assert lines[:2] == ["Signature Verified Successfully", "Signature Verification Failure"]


def test_example_is_what_lemona_signs():
    """The unit test signs the very notes of the page."""
    test = re.sub(r'"\s*\\\n\s*"', "", (REPO / "tests/unit/crypto/test_note.c").read_text())
    words = [word.removeprefix("lemona/000102030405060708090a0b0c0d0e0f+")
             for text in FILES.values() for word in text.split() if len(word) >= 44]
    assert len(words) == 7 and not [word for word in words if word not in test]

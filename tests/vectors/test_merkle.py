# SPDX-License-Identifier: MIT
"""Proofs of Merkle trees that others made, most of them wrong, each with the right verdict.

The collection stands beside the checkout; its README says where it comes from.
"""
import base64
import json
import subprocess
from pathlib import Path

import pytest

VECTORS = Path(__file__).resolve().parents[3] / "shared/cases/vectors/merkle.json"
NUMBERS = {
    "inclusion": ("leafIdx", "treeSize"),
    "consistency": ("size1", "size2"),
    "subtreeinclusion": ("leafIdx", "start", "end"),
    "subtreeconsistency": ("start", "end", "size"),
}
HASHES = {
    "inclusion": ("leafHash", "root"),
    "consistency": ("root1", "root2"),
    "subtreeinclusion": ("leafHash", "root"),
    "subtreeconsistency": ("root1", "root2"),
}


def claim_of(name, case):
    """The line that the checker reads."""
    kind = name.split("/")[0]
    numbers = [str(case[key]) for key in NUMBERS[kind]]
    hashes = [case[key] for key in HASHES[kind]] + (case["proof"] or [])
    words = [base64.b64decode(text).hex() or "-" for text in hashes]
    return " ".join([kind, *(numbers + ["0"])[:3], *words])


@pytest.fixture(scope="module")
def cases():
    if not VECTORS.exists():
        pytest.skip(f"the collection of proofs is not at hand: {VECTORS}")
    return json.loads(VECTORS.read_text())["cases"]


def test_every_verdict_is_right(cases, build_dir):
    names = sorted(cases)
    lines = "".join(claim_of(name, cases[name]) + "\n" for name in names)
    answers = subprocess.run([build_dir / "tests/vectors/check-merkle"], input=lines, text=True,
                             stdout=subprocess.PIPE, check=True, timeout=60).stdout.splitlines()
    assert len(answers) == len(names) == 518
    wrong = {name: answer for name, answer in zip(names, answers)
             if answer != ("not proved" if cases[name]["wantErr"] else "proved")}
    assert not wrong

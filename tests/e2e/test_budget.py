# SPDX-License-Identifier: MIT
"""Loading the kernel side costs no more than bpf/budget.json allows on this host's kernel."""

import json
import platform
import sys

import pytest

import lemona

sys.path.append(str(lemona.ROOT / "tests" / "kernels"))

import budget  # noqa: E402  (found through the line above)


@pytest.mark.parametrize("options", [[], ["--level", "full", "--sched", "--content"]], ids=["default", "full"])
def test_programs_stay_in_their_budget(place, log, options):
    series = ".".join(platform.release().split(".")[:2])
    if not budget.has_series(series):
        pytest.skip(f"no budget for Linux {series}")
    program = lemona.BINARY.parent / "tests" / "kernels" / "verified-insns"
    output = place / "insns"

    lemona.record(log, ["sh", "-c", '"$0" $PPID "$1"', program, output], *options)

    wrong = budget.compare(series, json.loads(output.read_text()))
    assert not wrong, "\n  ".join(wrong)

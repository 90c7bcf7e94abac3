# SPDX-License-Identifier: MIT
"""
What each program of the kernel side may cost to verify, in instructions that the kernel's verifier
goes through: bpf/budget.json, by series of kernels. A kernel refuses a program above a million, and
takes a second, on the build machine, for about two million: every start pays for that.

To raise a budget, put the number that the failing test prints into the file, with a tenth on top.
"""
import json
from pathlib import Path

BUDGET = Path(__file__).resolve().parents[2] / "bpf" / "budget.json"


def has_series(series):
    return series in json.loads(BUDGET.read_text())


def compare(series, measured):
    """What is wrong with the numbers of verified-insns on a kernel, as sentences."""
    allowed = json.loads(BUDGET.read_text())[series]
    wrong = [f"{name}: {count} instructions verified, {allowed.get(name, 'nothing')} allowed"
             for name, count in measured.items() if count > allowed.get(name, 0)]
    wrong += [f"{name}: {measured[name]} verified, less than half of the {allowed[name]} allowed"
              for name in measured if measured[name] * 2 < allowed.get(name, 0)]
    return wrong

# SPDX-License-Identifier: MIT
"""What the attack cases need: the collection of cases, and a root to attack."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import attack_case  # noqa: E402  (found through the line above)
import rootfs  # noqa: E402


@pytest.fixture(scope="session")
def known_cases():
    cases = attack_case.load_cases()
    if cases is None:
        pytest.skip(f"the collection of cases is not at hand: {attack_case.CASES}")
    return cases


@pytest.fixture(scope="session")
def root(build_dir, known_cases):
    try:
        return rootfs.ensure(build_dir)
    except rootfs.Unavailable as reason:
        pytest.fail(f"no root to attack: {reason}")

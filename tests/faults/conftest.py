# SPDX-License-Identifier: MIT
"""Places in memory, random numbers that a failure names, and how much of it all."""
import os
import pathlib
import random
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


@pytest.fixture(scope="session")
def programs(build_dir):
    return pathlib.Path(os.environ.get("LEMONA_FAULTS", build_dir / "tests/faults"))


@pytest.fixture
def place():
    """A directory of a file system in memory: what is cut off is simulated, and often."""
    made = pathlib.Path(os.path.realpath(tempfile.mkdtemp(prefix="lemona-faults-", dir="/dev/shm")))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def chance():
    """FAULTS_SEED plays a failure again."""
    seed = int(os.environ.get("FAULTS_SEED", random.randrange(1 << 32)))
    print(f"FAULTS_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(scope="session")
def part():
    """Of everything that `make soak` does, `make check` does a tenth."""
    whole = os.environ.get("FAULTS_SOAK") == "1"
    return lambda count: count if whole else count // 10

# SPDX-License-Identifier: MIT
"""What every Python test sees: the checkout, the build, and the program under test."""
import os
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repo_dir():
    return REPO


@pytest.fixture(scope="session")
def build_dir():
    """LEMONA_BUILD, or build/."""
    return Path(os.environ.get("LEMONA_BUILD", REPO / "build"))


@pytest.fixture(scope="session")
def lemona_path(build_dir):
    """The program under test: LEMONA, or the one in the build folder."""
    path = Path(os.environ.get("LEMONA", build_dir / "lemona"))
    assert os.access(path, os.X_OK), f"{path} is not built: run make"
    return path


@pytest.fixture(scope="session")
def lemona(lemona_path):
    """Runs the program and returns the completed process, output as text."""
    def run(*arguments, prefix=(), timeout=60, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        command = [*prefix, lemona_path, *arguments]
        return subprocess.run([str(word) for word in command], timeout=timeout, text=True,
                              errors="surrogateescape", check=False, **options)
    return run

# SPDX-License-Identifier: MIT
"""Places to work in and a network of one's own, for the end-to-end tests."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import lemona  # noqa: E402  (found through the line above)

# The recorder's own process numbers are those of the first pid namespace.
ATTACKER = "203.0.113.7"


def pytest_collection_modifyitems(config, items):
    if os.geteuid() != 0:
        mark = pytest.mark.skip(reason="recording needs root")
    elif not os.access(lemona.BINARY, os.X_OK):
        raise pytest.UsageError(f"{lemona.BINARY} is not there: build first, or set LEMONA")
    else:
        return
    here = pathlib.Path(__file__).resolve().parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(mark)


def make_place(parent):
    """A new directory that everybody may walk through: some workloads give up their rights."""
    place = pathlib.Path(os.path.realpath(tempfile.mkdtemp(prefix="lemona-e2e-", dir=parent)))
    place.chmod(0o755)
    return place


@pytest.fixture
def place():
    """A directory of the file system that temporary files are on."""
    made = make_place(None)
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=["root", "tmpfs"])
def any_place(request):
    """A directory on the root file system, and one on a tmpfs."""
    made = make_place({"root": "/var/tmp", "tmpfs": "/dev/shm"}[request.param])
    yield made
    shutil.rmtree(made)


@pytest.fixture
def log(place):
    return place / "log"


class Network:
    """A network namespace with a loopback that also has the attacker's address."""

    def __init__(self):
        setup = f"ip link set lo up && ip addr add {ATTACKER}/32 dev lo && echo ready && exec cat"
        self.holder = lemona.Step("unshare", "--net", "sh", "-c", setup)

    def __enter__(self):
        self.holder.__enter__()
        self.prefix = ("nsenter", f"--net=/proc/{self.holder.pid}/ns/net")
        return self

    def __exit__(self, *exception):
        self.holder.__exit__(*exception)


@pytest.fixture
def network():
    with Network() as made:
        yield made

# SPDX-License-Identifier: MIT
"""
Debian's cloud kernels, as they are published: found in the package lists of this host, fetched once,
unpacked and kept. They are never installed.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
KEPT = Path(os.environ.get("LEMONA_KERNELS", REPO / "build" / "kernels"))
SERIES = ("6.1", "6.12")

FETCH_SECONDS = 300


class NoKernel(Exception):
    """No such kernel can be had here; the sentence says what was tried."""


class Kernel:
    """An unpacked kernel: its image, its modules, its configuration."""

    def __init__(self, directory):
        self.directory = directory
        self.image, = directory.glob("boot/vmlinuz-*")
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.modules = directory / "lib" / "modules" / self.release

    def module(self, name):
        """The file of a module, or None where it is built in or not there."""
        return next(self.modules.rglob(f"{name}.ko*"), None)


def run(command, directory=None):
    return subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=FETCH_SECONDS, check=False)


def candidates(series):
    """Names of the packages of one series in this host's package lists, the newest first."""
    known = run(["apt-cache", "pkgnames", f"linux-image-{series}."]).stdout.split()
    form = re.compile(rf"linux-image-{re.escape(series)}\.[^-]+(-\d+)?-cloud-amd64-unsigned")
    return sorted(filter(form.fullmatch, known), reverse=True,
                  key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def download(series, directory):
    """Fetch the newest package that the archive still has. @return it, or None"""
    for name in candidates(series):
        if run(["apt-get", "-q", "download", name], directory).returncode == 0:
            return next(directory.glob("*.deb"))
    return None


def fetch(series):
    """Fetch and unpack into the place where it is kept: whole, or not at all."""
    half = KEPT / f"{series}.{os.getpid()}"
    half.mkdir(parents=True)
    try:
        package = download(series, half)
        if not package:
            # Lists that are missing or older than the archive.
            run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "update"])
            package = download(series, half)
        if not package:
            raise NoKernel(f"apt-get finds no linux-image-{series}.*-cloud-amd64-unsigned")
        unpacked = run(["dpkg", "-x", package.name, "."], half)
        package.unlink()
        if unpacked.returncode != 0:
            raise NoKernel(f"{package.name} does not unpack: {unpacked.stdout}")
        half.rename(KEPT / series)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def get(series):
    """The kernel of a series ("6.1"), fetched if need be."""
    if not (KEPT / series).exists():
        fetch(series)
    return Kernel(KEPT / series)

# SPDX-License-Identifier: MIT
"""A Debian root to attack, made once with debootstrap from the archive that apt uses."""
import os
import shutil
import subprocess
from pathlib import Path

SUITE = "bookworm"
PACKAGES = ("cron", "passwd", "procps", "sudo")
DEBOOTSTRAP_SECONDS = 600


class Unavailable(Exception):
    """Why there is no root, in one sentence."""


def find_mirror():
    """The archive that apt's own configuration names for the suite."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages",
         f"Codename: {SUITE}", "Component: main"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    sites = done.stdout.split()
    if not sites:
        raise Unavailable(f"apt of this host knows no archive of Debian {SUITE}")
    return sites[0]


def ensure(build_dir):
    """The root's directory. Made beside its final name first, so that half a root is never used."""
    root = Path(build_dir).resolve() / f"rootfs-{SUITE}"
    stamp = root / "etc/lemona-case-root"
    wanted = " ".join(PACKAGES)
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return root
    if shutil.which("debootstrap") is None:
        raise Unavailable("debootstrap is not installed")
    making = root.with_name(f"{root.name}.{os.getpid()}")
    print(f"making {root} with debootstrap, once; this takes a minute", flush=True)
    try:
        debootstrap(making)
        (making / "etc/lemona-case-root").write_text(wanted, encoding="ascii")
        shutil.rmtree(root, ignore_errors=True)
        making.rename(root)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return root


def debootstrap(root):
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE,
               str(root), find_mirror()]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=environment,
                          timeout=DEBOOTSTRAP_SECONDS, check=False)
    if done.returncode != 0:
        raise Unavailable(f"debootstrap failed: {' / '.join(done.stdout.splitlines()[-3:])}")

# SPDX-License-Identifier: MIT
"""Roots of private machines: the mounts and devices that they have in common."""
import os
import shutil
import subprocess

# An /etc that programs from /usr need to run, and nothing that is the host's own business.
ETC_FROM_HOST = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime",
                 "mime.types", "protocols", "services", "shells", "login.defs", "perl")
DEVICES = ("null", "zero", "full", "random", "urandom")
MERGED_INTO_USR = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True, stdin=subprocess.DEVNULL)


def mount_kernel(root):
    """/proc, and a /dev with the devices that carry nothing."""
    mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", f"{root}/proc")
    mount("-t", "tmpfs", "-o", "mode=755", "dev", f"{root}/dev")
    for name in DEVICES:
        with open(f"{root}/dev/{name}", "w", encoding="ascii"):
            pass
        mount("--bind", f"/dev/{name}", f"{root}/dev/{name}")
    os.symlink("/proc/self/fd", f"{root}/dev/fd")


def mount_small_system(root):
    """A tmpfs with the host's /usr, read-only, and its own /usr/local, /etc and all the rest."""
    mount("-t", "tmpfs", "-o", "mode=755", "root", root)
    for name in ("dev", "etc", "home", "proc", "root", "run", "srv", "tmp", "usr", "var", "var/log",
                 "var/tmp"):
        os.mkdir(f"{root}/{name}")
    for name in ("tmp", "var/tmp"):
        os.chmod(f"{root}/{name}", 0o1777)
    os.chmod(f"{root}/root", 0o700)
    os.symlink("/run", f"{root}/var/run")
    mount("--bind", "/usr", f"{root}/usr")
    mount("-o", "remount,bind,ro", f"{root}/usr")
    mount("-t", "tmpfs", "-o", "mode=755", "local", f"{root}/usr/local")
    for name in MERGED_INTO_USR:
        if os.path.islink(f"/{name}"):
            os.symlink(f"usr/{name}", f"{root}/{name}")
    copy_etc(root)
    mount_kernel(root)


def copy_etc(root):
    for name in ETC_FROM_HOST:
        source, target = f"/etc/{name}", f"{root}/etc/{name}"
        if os.path.isdir(source):
            shutil.copytree(source, target, symlinks=True)
        elif os.path.exists(source):
            shutil.copy2(source, target)


def mount_overlay(root, lower, scratch):
    """`lower` as it is, with changes kept in a tmpfs at `scratch` and gone with the machine.

    xino: inode numbers of both layers must not be taken for one another.
    """
    mount("-t", "tmpfs", "-o", "mode=755", "scratch", scratch)
    os.mkdir(f"{scratch}/upper")
    os.mkdir(f"{scratch}/work")
    mount("-t", "overlay", "-o",
          f"lowerdir={lower},upperdir={scratch}/upper,workdir={scratch}/work,xino=on",
          "overlay", root)

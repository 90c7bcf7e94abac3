# SPDX-License-Identifier: MIT
"""Process 1 of a private machine: makes its root, moves into it, says so, and waits.

usage: machine_init.py NAME ROLE MOUNT_POINT READY_FD LIFETIME_SECONDS

Started by machine.py in namespaces of its own.
"""
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys

from machine import DEVICES, ETC_FROM_HOST, READY, USRMERGE


def mount(*arguments):
	subprocess.run(["mount", *arguments], check=True, stdin=subprocess.DEVNULL)


def copy_from_host(root):
	for name in ETC_FROM_HOST:
		source, target = f"/etc/{name}", f"{root}/etc/{name}"
		if os.path.isdir(source):
			shutil.copytree(source, target, symlinks=True)
		elif os.path.exists(source):
			shutil.copy2(source, target)


def link_usr(root):
	"""/usr is the host's, read-only; /usr/local is the machine's own."""
	os.mkdir(f"{root}/usr")
	mount("--bind", "/usr", f"{root}/usr")
	mount("-o", "remount,bind,ro", f"{root}/usr")
	mount("-t", "tmpfs", "-o", "mode=755", "local", f"{root}/usr/local")
	for name in USRMERGE:
		if os.path.islink(f"/{name}"):
			os.symlink(f"usr/{name}", f"{root}/{name}")


def make_devices(root):
	for name in DEVICES:
		with open(f"{root}/dev/{name}", "w", encoding="ascii"):
			pass
		mount("--bind", f"/dev/{name}", f"{root}/dev/{name}")
	os.symlink("/proc/self/fd", f"{root}/dev/fd")


def make_root(root, role):
	mount("-t", "tmpfs", "-o", "mode=755", role, root)
	for name in ("dev", "etc", "home", "proc", "root", "run", "srv", "tmp", "var", "var/log", "var/tmp", "old"):
		os.mkdir(f"{root}/{name}")
	for name in ("tmp", "var/tmp"):
		os.chmod(f"{root}/{name}", 0o1777)
	os.chmod(f"{root}/root", 0o700)
	os.symlink("/run", f"{root}/var/run")
	copy_from_host(root)
	link_usr(root)
	make_devices(root)
	importlib.import_module("roles").furnish(root, role)
	mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", f"{root}/proc")


def move_into(root):
	os.chdir(root)
	subprocess.run(["pivot_root", ".", "old"], check=True, stdin=subprocess.DEVNULL)
	os.chdir("/")
	subprocess.run(["umount", "-l", "/old"], check=True, stdin=subprocess.DEVNULL)
	os.rmdir("/old")


def main():
	name, role, mount_point, ready_fd, lifetime = sys.argv[1:6]
	socket.sethostname(name)
	os.umask(0o022)
	make_root(mount_point, role)
	move_into(mount_point)
	subprocess.run(["ip", "link", "set", "lo", "up"], check=True, stdin=subprocess.DEVNULL)
	# Orphans of this machine end up here: with the signal ignored the kernel reaps them.
	signal.signal(signal.SIGCHLD, signal.SIG_IGN)
	os.write(int(ready_fd), READY)
	os.close(int(ready_fd))
	signal.signal(signal.SIGALRM, lambda *_: sys.exit("the stage's time is up"))
	signal.alarm(int(lifetime))
	while True:
		signal.pause()


if __name__ == "__main__":
	main()

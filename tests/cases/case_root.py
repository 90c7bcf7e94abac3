# SPDX-License-Identifier: MIT
"""Builds the root of one case's machine: a Debian root whose changes are gone with the machine.

Loaded by the process 1 of the machine (demo/machine_init.py), from demo/.
"""
import json
import os
import stat

from mounts import mount_kernel, mount_overlay

SCRIPT = "dev/trace/cmd.sh"
PREPARATION = "dev/trace/prepare.sh"


def build(root, lower, case_path):
    with open(case_path, encoding="utf-8") as file:
        case = json.load(file)
    mount_overlay(root, lower, scratch=os.path.join(root, "..", "scratch"))
    mount_kernel(root)
    os.mkdir(f"{root}/dev/trace")
    write_script(f"{root}/{SCRIPT}", case["command"])
    write_script(f"{root}/{PREPARATION}", preparation_of(case))


def preparation_of(case):
    """Set-up and what the case requires, as its authors do: check, and get what is missing."""
    lines = [case["setup"] or ""]
    for need in case["prereqs"]:
        lines.append(f"( {need['check'].rstrip()}\n) || {{ {need['get'].rstrip()}\n}}")
    return "\n".join(lines) + "\n"


def write_script(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)

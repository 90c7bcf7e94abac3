# SPDX-License-Identifier: MIT
"""The ELF interpreter acts on a program, though no call of the program's shows it: the kernel maps it."""

import os
import pathlib
import shutil
import subprocess

import pytest

import lemona


def given_to(answer, exe):
    """Device and inode of the files that the processes of a program got something from."""
    ran = {node["id"] for node in lemona.nodes(answer, exe=exe)}
    sources = {edge["from"] for edge in answer["edges"]
               if edge["to"] in ran and edge["op"] in ("exec", "mmap")}
    return {node["inode"] for node in lemona.nodes(answer, kind="file") if node["id"] in sources}


def test_of_a_program_of_32_bits(place, log):
    loader, program = place / "w-narrow-loader", pathlib.Path(lemona.workload("narrow"))
    shutil.copy(lemona.workload("narrow-loader"), loader)
    try:
        with lemona.Recording(log):
            subprocess.run([program], cwd=place, check=True)
    except OSError as error:
        pytest.skip(f"this kernel runs no programs of 32 bits: {error}")
    answer = lemona.backtrack(log, "--from", f"file:{place / 'out'}", "--no-filter", "all")
    assert {program.stat().st_ino, loader.stat().st_ino} <= given_to(answer, str(program))


def test_of_an_ordinary_program(place, log):
    with lemona.Recording(log):
        subprocess.run(["/bin/touch", place / "out"], check=True)
    loader = os.stat("/lib64/ld-linux-x86-64.so.2").st_ino
    answer = lemona.backtrack(log, "--from", f"file:{place / 'out'}", "--no-filter", "all")
    assert loader in given_to(answer, os.path.realpath("/bin/touch"))

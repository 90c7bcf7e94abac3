# SPDX-License-Identifier: MIT
"""The table of system calls knows every call that the kernel's headers and the kernel know."""
import re
import subprocess
from pathlib import Path

import pytest
from rules import REPO

HEADERS = "/usr/include/x86_64-linux-gnu/asm"

# Where the kernel's entry has another name than the call.
ENTRIES = {"newstat": "stat", "newfstat": "fstat", "newlstat": "lstat", "newuname": "uname",
           "sendfile64": "sendfile", "umount": "umount2"}
# Entries of other tables than that of x86-64, which the kernel builds all the same.
OTHER = re.compile(r"^(ia32_|s390_|spu_|pciconfig_|old)|(16|32)$")
OTHERS = {"fadvise64_64", "fstatfs64", "gethostname", "ipc", "llseek", "mmap_pgoff", "nice", "recv",
          "rtas", "send", "sgetmask", "signal", "sigpending", "sigprocmask", "sigsuspend",
          "socketcall", "ssetmask", "statfs64", "stime", "subpage_prot", "sync_file_range2", "vm86",
          "vm86old", "waitpid"}


@pytest.fixture(scope="module")
def page(lemona_path):
    """The page as the table of this build makes it."""
    done = subprocess.run([str(lemona_path.parent / "tools/coverage-page")], capture_output=True,
                          text=True, check=True)
    return done.stdout


def read_rows(text):
    """number -> name, of every row of every table that begins with a number."""
    rows = re.findall(r"^\| (\d+) \| (\w+) \| ([^|]*)", text, re.M)
    assert all(meaning.strip() for _, _, meaning in rows), "a row says nothing"
    numbers = [int(number) for number, _, _ in rows]
    assert len(numbers) > 350 and len(set(numbers)) == len(numbers)
    return {int(number): name for number, name, _ in rows}


@pytest.fixture(scope="module")
def known(page):
    return read_rows(page.split("\n## The 32-bit entry\n")[0])


@pytest.fixture(scope="module")
def known_compat(page):
    return read_rows(page.split("\n## The 32-bit entry\n")[1])


def test_page_is_fresh(page):
    assert (REPO / "docs/coverage.md").read_text() == page, "make docs/coverage.md"


def read_header(name):
    text = subprocess.run(["gcc", "-E", "-dM", f"{HEADERS}/{name}"], capture_output=True, text=True,
                          check=True).stdout
    numbers = {int(number): name
               for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)}
    assert len(numbers) > 350
    return numbers


def test_headers_know_nothing_more(known, known_compat):
    assert read_header("unistd_64.h").items() <= known.items()
    assert read_header("unistd_32.h").items() <= known_compat.items()


def list_entries():
    """What the running kernel's system calls are called, by its own type information."""
    done = subprocess.run(["/usr/sbin/bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"],
                          capture_output=True, text=True, check=True)
    return set(re.findall(r" FUNC '__x64_sys_(\w+)'", done.stdout))


@pytest.mark.skipif(not Path("/sys/kernel/btf/vmlinux").exists(), reason="a kernel without BTF")
def test_running_kernel_knows_nothing_more(known):
    entries = list_entries()
    assert len(entries) > 300
    names = {ENTRIES.get(entry, entry) for entry in entries if not OTHER.search(entry)}
    assert names - OTHERS - set(known.values()) == set()


def known_operations(page):
    """number -> name, of the rows of io_uring's operations."""
    rows = re.findall(r"^\| ([a-z]\w*) \| (\d+) \|", page, re.M)
    assert len(rows) > 60
    return {int(number): name for name, number in rows}


def test_uring_header_knows_nothing_more(page):
    text = Path("/usr/include/linux/io_uring.h").read_text()
    names = re.search(r"enum io_uring_op \{(.*?)\bIORING_OP_LAST", text, re.S)[1]
    names = [name.lower() for name in re.findall(r"IORING_OP_(\w+)", names)]
    assert len(names) > 40
    known = known_operations(page)
    assert {number: known.get(number) for number in range(len(names))} == dict(enumerate(names))


@pytest.mark.skipif(not Path("/sys/kernel/btf/vmlinux").exists(), reason="a kernel without BTF")
def test_running_kernel_knows_no_other_operation(page):
    done = subprocess.run(["/usr/sbin/bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"],
                          capture_output=True, text=True, check=True)
    names = re.findall(r"'IORING_OP_(\w+)' val=(\d+)", done.stdout)
    found = {int(number): name.lower() for name, number in names if name != "LAST"}
    assert len(found) > 40
    assert found.items() <= known_operations(page).items()

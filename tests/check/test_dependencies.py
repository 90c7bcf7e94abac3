# SPDX-License-Identifier: MIT
"""A module sees only what docs/architecture.md allows it to see."""
import re

import pytest
from rules import REPO, allowed_dependencies, files_with, read_table

ALLOWED = allowed_dependencies()
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]lemona/([a-z]+)/', re.M)
ANY_INCLUDE = re.compile(r"^\s*#\s*include\s+<([^>]+)>", re.M)
# In build files: `graph_dep` stands for the module; other words ending in _dep are no modules.
BUILD_USE = re.compile(r"\b([a-z]+)_dep\b")


def sources_of(module):
    folder = "include/lemona/abi/" if module == "abi" else f"src/{module}/"
    return files_with(".c", ".h", under=folder)


def test_every_module_is_in_the_table():
    folders = {name.split("/")[1] for name in files_with(".c", ".h", under="src/")}
    assert folders <= set(ALLOWED), "give it a row in docs/architecture.md"


def test_every_row_is_a_module():
    for module, uses in ALLOWED.items():
        assert sources_of(module), f"{module} has no sources"
        assert uses <= set(ALLOWED), f"{module} uses what is no module"


@pytest.mark.parametrize("module", sorted(ALLOWED))
def test_includes(module):
    wrong = [f"{name}: lemona/{used}/"
             for name in sources_of(module)
             for used in INCLUDE.findall((REPO / name).read_text())
             if used != module and used not in ALLOWED[module]]
    assert not wrong


@pytest.mark.parametrize("module", sorted(set(ALLOWED) - {"abi"}))
def test_build_file(module):
    text = (REPO / "src" / module / "meson.build").read_text()
    used = set(BUILD_USE.findall(text)) & set(ALLOWED)
    assert used - {module} <= ALLOWED[module]


def test_no_cycle():
    left = dict(ALLOWED)
    while left:
        done = [module for module, uses in left.items() if not uses & set(left)]
        assert done, f"a cycle among {sorted(left)}"
        for module in done:
            del left[module]


def test_includes_have_no_cycle():
    """As the sources are, whatever the table says."""
    left = {module: {used for name in sources_of(module)
                     for used in INCLUDE.findall((REPO / name).read_text())} - {module}
            for module in ALLOWED}
    while left:
        done = [module for module, uses in left.items() if not uses & set(left)]
        assert done, f"a cycle among {sorted(left)}"
        for module in done:
            del left[module]


def test_libraries_have_one_owner():
    owners = {headers: owner for _, headers, owner, _ in read_table("Third-party libraries")}
    wrong = []
    for name in files_with(".c", ".h", under="src/"):
        module = name.split("/")[1]
        for header in ANY_INCLUDE.findall((REPO / name).read_text()):
            for prefix, owner in owners.items():
                if header.startswith(prefix) and owner != module:
                    wrong.append(f"{name}: {header} belongs to {owner}")
    assert not wrong


def test_private_headers_stay_private():
    """No way around the table: a relative include never leaves its module."""
    relative = re.compile(r'^\s*#\s*include\s+"(\.\.[^"]*)"', re.M)
    wrong = [f"{name}: {path}"
             for name in files_with(".c", ".h", under="src/")
             for path in relative.findall((REPO / name).read_text())]
    assert not wrong

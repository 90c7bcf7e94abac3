# SPDX-License-Identifier: MIT
"""A public header compiles alone, and with nothing in sight but what its module may see."""
import subprocess

import pytest
from rules import REPO, allowed_dependencies, files_with

ALLOWED = allowed_dependencies()
HEADERS = [name for name in files_with(".h") if "include/lemona/" in name]


def include_path(module):
    seen, left = [], [module]
    while left:
        name = left.pop()
        if name not in seen:
            seen.append(name)
            left.extend(ALLOWED[name])
    return ["-Iinclude" if name == "abi" else f"-Isrc/{name}/include" for name in seen]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_compiles_alone(header, compiler):
    module = header.split("include/lemona/", 1)[1].split("/")[0]
    # Included twice: a header that is not guarded does not pass either.
    text = f'#include "lemona/{header.split("include/lemona/", 1)[1]}"\n' * 2
    done = subprocess.run([compiler, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                           "-fsyntax-only", *include_path(module), "-x", "c", "-"],
                          cwd=REPO, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("header", files_with(".h"))
def test_is_guarded(header):
    lines = (REPO / header).read_text().splitlines()
    assert "#pragma once" in lines[:3]

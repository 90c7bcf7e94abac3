# SPDX-License-Identifier: MIT
"""Every workload program on its own, on the root file system and on a tmpfs; see statements.py."""

import pytest

import lemona
import statements


@pytest.mark.parametrize("name", statements.NAMES)
def test_workload(name, any_place, log):
    directory, output = any_place / "work", any_place / "statements"
    statements.prepare(name, directory)
    program = lemona.workload(name)

    lemona.record(log, [program, str(directory), str(output)])

    stated = statements.Statements(output.read_text(), directory, str(output), program)
    statements.expect(name, lemona.events(log), stated)

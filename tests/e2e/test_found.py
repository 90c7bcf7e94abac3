# SPDX-License-Identifier: MIT
"""What existed before the recorder resolves: processes, descriptors, sockets, directories."""

import lemona
import statements


def test_everything_found_resolves(place, log, network):
    directory, output = place / "work", place / "statements"
    directory.mkdir()
    program = lemona.workload("found")
    with lemona.Step(*network.prefix, program, str(directory), str(output)) as found:
        with lemona.Recording(log):
            found.go()

    stated = statements.Statements(output.read_text(), directory, str(output), program)
    assert stated.lines.pop(0)["op"] == "chdir", "made before there was a recorder"
    assert len(stated.lines) > 10
    mine = [event for event in lemona.events(log) if event.get("pid") == found.pid]
    wrong, _ = statements.match_thread(stated.steps_of(found.pid), mine)
    assert not wrong, "\n  ".join(wrong)

    for event in mine:
        assert event.get("exe") == program, event
        assert event["comm"] == "w-found"
    strange = {statements.names_strange(event, stated) for event in mine}
    assert strange <= {None, str(output), str(directory / "gone")}


def test_parents_of_what_was_found_are_known(place, log):
    """The ancestors of a process that was found lead up to the first process."""
    directory = place / "inside"
    directory.mkdir()
    (directory / "in").write_text("input")
    with lemona.Step(lemona.workload("step"), "copy-inside", str(directory), "in", "out") as found:
        with lemona.Recording(log):
            found.go()

    answer = lemona.backtrack(log, "--from", f"file:{directory / 'out'}", "--no-filter", "all")
    processes = {node["pid"]: node for node in lemona.nodes(answer, kind="process")}
    assert found.pid in processes
    assert processes[found.pid]["argv"][1:3] == ["copy-inside", str(directory)]
    assert processes[found.pid]["exe"] == lemona.workload("step")

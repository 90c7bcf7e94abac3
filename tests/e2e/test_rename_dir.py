# SPDX-License-Identifier: MIT
"""
A process renames a directory into place; another process, which it never met, reads a file below
the new path. The renaming process shaped what was read: backtracking from what came of it finds it.
"""

import lemona


def build(place, *components):
    """A directory tree with a file at its end, made before the recorder starts."""
    at = place.joinpath(*components)
    at.mkdir(parents=True)
    (at / "f").write_text("planted")


def assert_renamer_found(log, out, renamer, reader):
    answer = lemona.backtrack(log, "--from", f"file:{out}")
    pids = {node["pid"] for node in lemona.nodes(answer, kind="process")}
    assert reader in pids, "the process that wrote the file is not there"
    assert renamer in pids, f"the process that renamed the directory is hidden: {answer['hidden']}"
    sources = [node for node in lemona.nodes(answer, kind="process") if node["pid"] == renamer]
    sinks = [node for node in answer["nodes"] if node["detection"]]
    path = lemona.find_path(answer, sources, sinks)
    assert path, "the renaming process is there, but nothing leads from it"
    assert answer["complete"] is True


def test_renamed_into_place(any_place, log):
    build(any_place, "A", "x")
    with lemona.Recording(log):
        renamer = lemona.step("rename", any_place / "A", any_place / "B")
        reader = lemona.step("copy", any_place / "B/x/f", any_place / "out.txt")
    assert_renamer_found(log, any_place / "out.txt", renamer, reader)


def test_renamed_two_levels_up(any_place, log):
    build(any_place, "A", "x", "y")
    with lemona.Recording(log):
        renamer = lemona.step("rename", any_place / "A", any_place / "B")
        reader = lemona.step("copy", any_place / "B/x/y/f", any_place / "out.txt")
    assert_renamer_found(log, any_place / "out.txt", renamer, reader)


def test_moved_into_another_directory(any_place, log):
    build(any_place, "A", "x")
    (any_place / "srv").mkdir()
    with lemona.Recording(log):
        renamer = lemona.step("rename", any_place / "A", any_place / "srv/B")
        reader = lemona.step("copy", any_place / "srv/B/x/f", any_place / "out.txt")
    assert_renamer_found(log, any_place / "out.txt", renamer, reader)


def test_built_while_recorded(any_place, log):
    """The tree itself is made in sight, by a third process."""
    with lemona.Recording(log):
        lemona.step("mkdir", any_place / "A")
        lemona.step("mkdir", any_place / "A/x")
        author = lemona.step("append", any_place / "A/x/f", "planted")
        renamer = lemona.step("rename", any_place / "A", any_place / "B")
        reader = lemona.step("copy", any_place / "B/x/f", any_place / "out.txt")
    assert_renamer_found(log, any_place / "out.txt", renamer, reader)
    answer = lemona.backtrack(log, "--from", f"file:{any_place / 'out.txt'}")
    assert author in {node.get("pid") for node in answer["nodes"]}


def test_reader_stands_inside(any_place, log):
    """
    The reader's working directory lies below the directory that is renamed, and it goes up and down
    again through the new name.
    """
    build(any_place, "A", "x")
    with lemona.Step(lemona.workload("step"), "copy-inside", str(any_place / "A/x"),
                     "../../B/x/f", str(any_place / "out.txt")) as reader:
        with lemona.Recording(log):
            renamer = lemona.step("rename", any_place / "A", any_place / "B")
            reader.go()
    assert_renamer_found(log, any_place / "out.txt", renamer, reader.pid)


def test_renamed_elsewhere_is_not_found(any_place, log):
    """Nobody reads through that name: no influence, and no place in the answer."""
    build(any_place, "A", "x")
    build(any_place, "C", "x")
    with lemona.Recording(log):
        stranger = lemona.step("rename", any_place / "C", any_place / "D")
        lemona.step("copy", any_place / "A/x/f", any_place / "out.txt")
        late = lemona.step("rename", any_place / "A", any_place / "B")
    answer = lemona.backtrack(log, "--from", f"file:{any_place / 'out.txt'}", "--no-filter", "all")
    pids = {node.get("pid") for node in answer["nodes"]}
    assert stranger not in pids, "renamed something else"
    assert late not in pids, "renamed it when all was over"

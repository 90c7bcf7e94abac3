# SPDX-License-Identifier: MIT
"""Rules about the text of sources."""
import re

import pytest
from rules import REPO, files_with

C_FILES = files_with(".c", ".h")
TEXT_FILES = [name for name in files_with(".c", ".h", ".py", ".sh", ".md", ".build", ".txt", ".1",
                                          "Makefile", ".ci/run", "tools/install-packages")
              if not name.startswith("tests/golden/")]
LICENSED = [name for name in TEXT_FILES if not name.endswith((".md", ".txt"))]
FILE_LINES_MAX = 600
COLUMNS_MAX = 100
TAB = 8

# Cannot be bounded, hide their errors, hand control to a shell, or break threads.
BANNED = ["strcpy", "strcat", "stpcpy", "strncpy", "strncat", "sprintf", "vsprintf", "gets",
          "strtok", "atoi", "atol", "atoll", "atof", "scanf", "sscanf", "fscanf", "system", "popen",
          "alloca", "tmpnam", "tempnam", "mktemp", "gmtime", "localtime", "ctime", "asctime",
          "strerror_r", "rand", "srand", "vfork"]
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")

STRING_OR_COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def read_code(name):
    """The text without strings and comments, its lines where they were."""
    def blank(match):
        return "\n" * match.group().count("\n") + " "
    return STRING_OR_COMMENT.sub(blank, (REPO / name).read_text())


def find_lines(name, pattern, text):
    return [f"{name}:{number}: {line.strip()}"
            for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def test_there_is_something_to_check():
    assert len(C_FILES) > 20


@pytest.mark.parametrize("name", [name for name in C_FILES if name.startswith("src/")])
def test_banned_calls(name):
    assert not find_lines(name, BANNED_CALL, read_code(name))


def test_banned_calls_are_seen():
    """The rule itself, held against text that breaks it."""
    assert BANNED_CALL.search("x = atoi (s);") and BANNED_CALL.search("\tstrcpy(a, b);")
    assert not BANNED_CALL.search("ops.signal(x)") and not BANNED_CALL.search("append_signal(x)")


@pytest.mark.parametrize("name", C_FILES)
def test_no_line_comments(name):
    assert not find_lines(name, re.compile("//"), read_code(name))


@pytest.mark.parametrize("name", [name for name in TEXT_FILES
                                  if name.endswith((".c", ".h", ".py", ".sh", ".build"))])
def test_file_is_short(name):
    assert len((REPO / name).read_text().splitlines()) <= FILE_LINES_MAX, "it has two purposes"


@pytest.mark.parametrize("name", C_FILES)
def test_lines_are_short(name):
    lines = (REPO / name).read_text().splitlines()
    assert not [f"{name}:{number}" for number, line in enumerate(lines, 1)
                if len(line.expandtabs(TAB)) > COLUMNS_MAX]


@pytest.mark.parametrize("name", LICENSED)
def test_licence(name):
    head = "\n".join((REPO / name).read_text().splitlines()[:3])
    if name.startswith("bpf/") and not name.endswith(".build"):
        assert "SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only" in head
    elif name.startswith("include/lemona/abi/"):
        assert "SPDX-License-Identifier: MIT OR BSD-2-Clause OR GPL-2.0-only" in head
    else:
        assert re.search(r"SPDX-License-Identifier: MIT( \*/)?$", head, re.M)


@pytest.mark.parametrize("name", TEXT_FILES)
def test_no_trailing_whitespace(name):
    text = (REPO / name).read_text()
    assert not find_lines(name, re.compile(r"[ \t]+$"), text)
    assert text.endswith("\n") and not text.endswith("\n\n")


@pytest.mark.parametrize("name", C_FILES)
def test_indented_with_tabs(name):
    # One space may stand before the '*' of a comment's further lines.
    assert not find_lines(name, re.compile(r"^\t* {8}"), (REPO / name).read_text())


@pytest.mark.parametrize("name", C_FILES)
def test_unfinished_work_is_not_left_behind(name):
    assert not find_lines(name, re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), (REPO / name).read_text())


@pytest.mark.parametrize("name", files_with(".md"))
def test_links_lead_somewhere(name):
    text = (REPO / name).read_text()
    links = [link for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
             if not re.match(r"[a-z]+:", link)]
    assert not [link for link in links if not ((REPO / name).parent / link).exists()]

# SPDX-License-Identifier: MIT
"""Every command has a manual page, and the page and --help agree."""
import re
import subprocess

import pytest
from rules import REPO, files_with

PAGES = files_with(".1", under="man/")
COMMANDS = ["record", "events", "content", "backtrack", "forward", "query", "index", "export", "status",
            "verify", "prove", "checkpoint", "host-key", "import", "doctor"]


def help_text(lemona, *command):
    done = lemona(*command, "--help")
    assert done.returncode == 0 and not done.stderr
    return done.stdout


def options_in_help(text):
    """Long and short options of the list that --help prints, each with its argument."""
    found = {}
    for line in text.split("Options:\n", 1)[1].splitlines():
        match = re.match(r"  (?:(-\w), |    )?(--[a-z-]+)(?: ([A-Z]+))?", line)
        if not line:
            break
        if match:
            found[match.group(2)] = (match.group(1), match.group(3))
    return found


def options_in_page(name):
    """The same, from the lists of a page: .It Fl o Ar LOG , Fl -output Ar LOG"""
    found = {}
    for line in (REPO / name).read_text().splitlines():
        match = re.match(r"\.It (?:Fl (\w)(?: Ar \w+)? , )?Fl -([a-z-]+)(?: Ar ([A-Z]+))?", line)
        if match:
            short = f"-{match.group(1)}" if match.group(1) else None
            found[f"--{match.group(2)}"] = (short, match.group(3))
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_options_agree(lemona, command):
    told = options_in_help(help_text(lemona, command))
    assert told and told == options_in_page(f"man/lemona-{command}.1")


def test_options_of_the_program_agree(lemona):
    told = options_in_help(help_text(lemona))
    assert told and told == options_in_page("man/lemona.1")


def test_help_names_every_command(lemona):
    listed = help_text(lemona).split("Commands:\n", 1)[1].split("\n\n", 1)[0]
    assert [line.split()[0] for line in listed.splitlines()] == COMMANDS


def test_every_command_has_a_page_that_is_installed():
    wanted = {"man/lemona.1", *[f"man/lemona-{command}.1" for command in COMMANDS]}
    build = (REPO / "man/meson.build").read_text()
    assert wanted == set(PAGES)
    assert {f"man/{name}" for name in re.findall(r"'(lemona[a-z-]*\.1)'", build)} == wanted


@pytest.mark.parametrize("command", ["backtrack", "forward"])
def test_filters_agree(lemona, command):
    listed = help_text(lemona, command).split("Filters:\n", 1)[1]
    told = [line.split()[0] for line in listed.splitlines()]
    page = (REPO / "man/lemona-backtrack.1").read_text()
    section = page.split(".Ss Filters\n", 1)[1].split(".El", 1)[0]
    assert told and told == re.findall(r"^\.It Cm ([a-z-]+)$", section, re.M)


def test_operations_agree(lemona):
    """Every operation that the page lists is one that --op takes."""
    page = (REPO / "man/lemona-events.1").read_text()
    section = page.split(".Ss Operations\n", 1)[1].split(".El", 1)[0]
    names = [word for line in section.splitlines() if line.startswith(".Cm ")
             for word in line[len(".Cm "):].replace(",", " ").split()]
    done = lemona("events", "/nonexistent", "--op", ",".join(names))
    assert len(names) > 50
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_page_is_well_formed(page):
    done = subprocess.run(["mandoc", "-Tlint", "-W", "error", str(REPO / page)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

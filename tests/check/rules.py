# SPDX-License-Identifier: MIT
"""What the rules are about: the files of the tree, and the tables of docs/architecture.md."""
import os
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def list_files():
    """Tracked files that exist; without git, everything outside build folders and dot folders."""
    git = subprocess.run(["git", "-c", f"safe.directory={REPO}", "ls-files", "-z"], cwd=REPO,
                         capture_output=True, text=True, check=False)
    if git.returncode == 0 and git.stdout:
        names = git.stdout.split("\0")[:-1]
    else:
        names = [os.path.relpath(os.path.join(folder, name), REPO)
                 for folder, folders, files in os.walk(REPO)
                 for name in files
                 if not prune(folders) and not name.endswith(".pyc")]
    return sorted(name for name in names if (REPO / name).is_file())


def prune(folders):
    """Keep os.walk() out of what is not source."""
    folders[:] = [name for name in folders
                  if name != "build" and name != "__pycache__" and not name.startswith(".")]


FILES = list_files()


def files_with(*suffixes, under=""):
    return [name for name in FILES if name.endswith(suffixes) and name.startswith(under)]


def read_table(heading):
    """Rows of the first table below a heading, as lists of stripped cells, without its head."""
    text = (REPO / "docs/architecture.md").read_text()
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def allowed_dependencies():
    return {module: {name.strip() for name in uses.split(",") if name.strip()}
            for module, uses in read_table("Allowed dependencies")}

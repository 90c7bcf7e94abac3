# SPDX-License-Identifier: MIT
"""
A small break-in, link by link: a tool comes in through a socket, is stored, renamed, run by
somebody else, and changes a file. Backwards from the file and forwards from the socket, the answer
is the chain.
"""

import subprocess
import xml.etree.ElementTree

import pytest

import lemona
from conftest import ATTACKER, Network, make_place

PORT = "4444"


class Chain:
    """The recorded break-in: who did what, where."""

    def __init__(self, place):
        self.place = place
        self.log = place / "log"
        self.dropped, self.tool = place / "dropped", place / "tool"
        self.target, self.other = place / "target", place / "other"
        self.pids = {}

    def play(self, network):
        self.target.write_text("as it was\n")
        with lemona.Recording(self.log) as recording:
            self.pids["bystander"] = lemona.step("append", self.other, "honest work\n")
            with lemona.Step(*network.prefix, lemona.workload("step"), "serve", ATTACKER, PORT,
                             lemona.workload("step"), stdin=subprocess.DEVNULL) as server:
                self.pids["fetcher"] = lemona.step("fetch", ATTACKER, PORT, self.dropped,
                                                   prefix=network.prefix)
                self.pids["server"] = server.pid
                assert server.process.wait(timeout=lemona.LIMIT_SECONDS) == 0
            self.pids["renamer"] = lemona.step("rename", self.dropped, self.tool)
            self.pids["intruder"] = lemona.step("run", self.tool, "append", self.target, "owned\n")
            self.pids["late"] = lemona.step("append", self.target, "unrelated\n")
        self.summary = recording.summary()
        self.events = lemona.events(self.log)

    def from_target(self):
        return f"file:{self.target}"

    def write_of(self, stage):
        """The event with which that process changed the target."""
        found = [event for event in self.events if event.get("pid") == self.pids[stage]
                 and event["op"] == "write" and event.get("path") == str(self.target)]
        assert len(found) == 1, found
        return found[0]


@pytest.fixture(scope="module")
def chain():
    import shutil
    place = make_place(None)
    made = Chain(place)
    with Network() as network:
        made.play(network)
    yield made
    shutil.rmtree(place)


def attacker_sockets(answer):
    return [node for node in lemona.nodes(answer, kind="socket")
            if node.get("remote") == f"{ATTACKER}:{PORT}"]


def pids_of(answer):
    return {node["pid"] for node in lemona.nodes(answer, kind="process")}


def test_backwards_to_the_socket(chain):
    answer = lemona.backtrack(chain.log, "--from", chain.from_target())
    assert answer["complete"] is True and answer["gaps"] == []
    sockets = attacker_sockets(answer)
    assert sockets, "the attacker's address is not in the answer"
    targets = lemona.nodes(answer, kind="file", path=str(chain.target))
    assert len(targets) == 1 and targets[0]["detection"] is True
    assert targets[0]["inode"] == chain.target.stat().st_ino

    path = lemona.find_path(answer, sockets, targets)
    assert path, "no path leads from the attacker's socket to the changed file"
    assert chain.pids["fetcher"] in pids_of(answer)
    assert chain.pids["intruder"] in pids_of(answer)
    assert len(answer["nodes"]) <= 40


def test_the_form_is_exact(chain):
    """Other tools read it: the documented members, and no others."""
    lemona.ask_exact("backtrack", chain.log, "--from", chain.from_target(), "--no-filter", "all")
    lemona.ask_exact("forward", chain.log, "--from", f"sock:{ATTACKER}")


def test_the_path_names_the_chain(chain):
    answer = lemona.backtrack(chain.log, "--from", chain.from_target())
    by_id = {node["id"]: node for node in answer["nodes"]}
    targets = lemona.nodes(answer, path=str(chain.target), kind="file")
    path = lemona.find_path(answer, attacker_sockets(answer), targets)
    passed = [by_id[path[0]["from"]]] + [by_id[edge["to"]] for edge in path]
    pids = [node["pid"] for node in passed if node["kind"] == "process"]
    assert pids[0] == chain.pids["fetcher"]
    assert pids[-1] == chain.pids["intruder"]
    assert any(node["kind"] == "file" and node.get("path") in (str(chain.tool), str(chain.dropped))
               for node in passed), "the dropped tool is not on the path"
    assert path[-1]["op"] == "write"
    assert path[-1]["bytes"] == len("owned\n")


def test_whoever_renamed_the_tool_is_found(chain):
    answer = lemona.backtrack(chain.log, "--from", chain.from_target())
    renamers = [node for node in lemona.nodes(answer, kind="process")
                if node["pid"] == chain.pids["renamer"]]
    assert renamers, "the process that put the tool in its place is not in the answer"
    targets = [node for node in answer["nodes"] if node["detection"]]
    assert lemona.find_path(answer, renamers, targets)


@pytest.mark.parametrize("filters", [(), ("--no-filter", "all")])
def test_nothing_that_led_nowhere(chain, filters):
    answer = lemona.backtrack(chain.log, "--from", chain.from_target(), *filters)
    assert chain.pids["bystander"] not in pids_of(answer)
    assert not lemona.nodes(answer, path=str(chain.other))


def test_edges_point_at_events(chain):
    """Every edge that an event stands for names one that the log holds, at that time."""
    answer = lemona.backtrack(chain.log, "--from", chain.from_target())
    by_id = {str(event["id"]): event for event in chain.events}
    named = [edge for edge in answer["edges"] if "event" in edge]
    assert named
    for edge in named:
        event = by_id[edge["event"]]
        assert lemona.instant(edge["begin"]) <= lemona.instant(event["time"]), (edge, event)
        if edge["op"] == "write":
            assert event["op"] == "write" and event.get("result", 0) <= edge["bytes"]


def test_time_of_detection_bounds_the_answer(chain):
    """Whoever changed the file after it was found changed has no part in it."""
    late = chain.write_of("late")
    before = lemona.backtrack(chain.log, "--from",
                              f"{chain.from_target()}@{chain.write_of('intruder')['time']}",
                              "--no-filter", "all")
    after = lemona.backtrack(chain.log, "--from", chain.from_target(), "--no-filter", "all")
    assert chain.pids["intruder"] in pids_of(before)
    assert chain.pids["late"] not in pids_of(before)
    assert chain.pids["late"] in pids_of(after)
    for edge in before["edges"]:
        assert lemona.instant(edge["begin"]) < lemona.instant(late["time"]), edge


def test_until_bounds_the_answer(chain):
    moment = chain.write_of("intruder")["time"]
    answer = lemona.backtrack(chain.log, "--from", chain.from_target(), "--until", moment,
                              "--no-filter", "all")
    assert chain.pids["intruder"] in pids_of(answer)
    assert chain.pids["late"] not in pids_of(answer)


def test_forwards_to_the_target(chain):
    answer = lemona.forward(chain.log, "--from", f"sock:{ATTACKER}")
    assert answer["complete"] is True
    sources = [node for node in answer["nodes"] if node["detection"]]
    assert {node["kind"] for node in sources} == {"socket"}
    targets = lemona.nodes(answer, kind="file", path=str(chain.target))
    assert targets, "the changed file is not in the answer"
    assert lemona.find_path(answer, sources, targets)
    tools = {node.get("path") for node in lemona.nodes(answer, kind="file")}
    assert tools & {str(chain.tool), str(chain.dropped)}, "the dropped tool is not in the answer"
    assert not lemona.nodes(answer, path=str(chain.other)), "nobody of the chain touched that"


def between(chain, direction, *filters):
    """What lies between the attacker's socket and the target, asked from one end or the other."""
    ends = {"backtrack": (chain.from_target(), f"sock:{ATTACKER}"),
            "forward": (f"sock:{ATTACKER}", chain.from_target())}
    start, end = ends[direction]
    return lemona.ask(direction, chain.log, "--from", start, "--to", end, *filters)


@pytest.mark.parametrize("filters", [(), ("--no-filter", "all")])
@pytest.mark.parametrize("direction", ["backtrack", "forward"])
def test_between_holds_the_chain(chain, direction, filters):
    answer = between(chain, direction, *filters)
    assert {chain.pids["fetcher"], chain.pids["intruder"]} <= pids_of(answer)
    assert chain.pids["bystander"] not in pids_of(answer)
    targets = lemona.nodes(answer, kind="file", path=str(chain.target))
    assert lemona.find_path(answer, attacker_sockets(answer), targets)


@pytest.mark.parametrize("direction", ["backtrack", "forward"])
def test_between_holds_nothing_else(chain, direction):
    """Whatever stays in lies on a way from one end to the other that time allows."""
    answer = between(chain, direction, "--no-filter", "all")
    ends = [node for node in lemona.nodes(answer, kind="socket")
            if ATTACKER in node.get("remote", "")]
    targets = [node for node in answer["nodes"] if node.get("path") == str(chain.target)]
    joined = {edge[end] for edge in answer["edges"] for end in ("from", "to")}
    for node in answer["nodes"]:
        # A detection point stays although nothing joins it to the other end: somebody else's
        # connection with that address, say.
        if node in targets or (node["detection"] and node["id"] not in joined):
            continue
        assert lemona.find_path(answer, ends, [node]) is not None, f"not reached: {node}"
        assert lemona.find_path(answer, [node], targets) is not None, f"reaches nothing: {node}"


@pytest.mark.parametrize("spec", ["proc", "exe", "event", "object"])
def test_other_places_to_start(chain, spec):
    event = chain.write_of("intruder")
    text = {"proc": f"proc:{chain.pids['intruder']}", "exe": f"exe:{chain.tool}",
            "event": f"event:{event['id']}", "object": f"object:{event['object']}"}[spec]
    answer = lemona.backtrack(chain.log, "--from", text)
    assert attacker_sockets(answer), f"--from {text} does not lead to the attacker"


def test_several_places_to_start(chain):
    answer = lemona.backtrack(chain.log, "--from", chain.from_target(), "--from",
                              f"file:{chain.other}", "--no-filter", "all")
    found = {node["path"] for node in answer["nodes"] if node["detection"] and "path" in node}
    assert {str(chain.target), str(chain.other)} <= found
    assert chain.pids["bystander"] in pids_of(answer)


def test_what_is_common_to_several_places(chain):
    """The tool and the target have the attacker in common."""
    target = ("--from", chain.from_target())
    tool = (*target, "--from", f"file:{chain.tool}", "--intersect")
    common = lemona.backtrack(chain.log, *tool, "--no-filter", "all")
    assert {chain.pids["fetcher"], chain.pids["intruder"]} <= pids_of(common)
    targets = lemona.nodes(common, kind="file", path=str(chain.target))
    assert lemona.find_path(common, attacker_sockets(common), targets)
    assert "Only what is common to all of them" in \
        lemona.run("backtrack", chain.log, *tool).stdout

    union = lemona.backtrack(chain.log, *tool[:-1], "--no-filter", "all")
    ids, fewer = ({node["id"] for node in answer["nodes"]} for answer in (union, common))
    assert fewer < ids, "whatever led to one of them only is still there"


@pytest.mark.parametrize("paths", ["1", "3", "screen"])
def test_the_most_telling_paths_are_whole(chain, paths):
    asked = ("--from", chain.from_target(), "--no-filter", "all")
    answer = lemona.ask_exact("backtrack", chain.log, *asked, "--top", paths)
    everything = lemona.backtrack(chain.log, *asked)
    ends = [node for node in answer["nodes"] if node["detection"]]
    assert answer["shown"]["of_nodes"] == len(everything["nodes"]) > len(answer["nodes"])
    assert len(answer["nodes"]) <= 60
    for node in answer["nodes"]:
        assert lemona.find_path(answer, [node], ends) is not None, f"in the air: {node}"


def test_text_says_what_is_not_on_the_screen(chain):
    asked = ("backtrack", chain.log, "--from", chain.from_target(), "--no-filter", "all")
    screen, everything = (lemona.run(*asked, *top).stdout for top in ((), ("--top", "all")))
    assert "--top all shows the rest" in screen and "--top all" not in everything
    assert len(screen.splitlines()) < len(everything.splitlines())


def test_text_says_which_ways(chain):
    asked = ("backtrack", chain.log, "--from", chain.from_target(), "--to")
    story = lemona.run(*asked, f"sock:{ATTACKER}").stdout
    assert "Only the ways from " in story and ATTACKER in story.split("Only the ways from ")[1]
    assert "No way that time allows" in lemona.run(*asked, f"file:{chain.other}").stdout


def test_hidden_is_counted(chain):
    """A filter that is off hides nothing; what is off all at once shows at least as much."""
    filtered = lemona.backtrack(chain.log, "--from", chain.from_target())
    plain = lemona.backtrack(chain.log, "--from", chain.from_target(), "--no-filter", "all")
    assert all(hidden["objects"] == 0 and hidden["events"] == 0 for hidden in plain["hidden"])
    assert len(plain["nodes"]) >= len(filtered["nodes"])
    if len(plain["nodes"]) > len(filtered["nodes"]):
        assert sum(hidden["objects"] for hidden in filtered["hidden"]) > 0


def test_text_tells_the_story(chain):
    story = lemona.run("backtrack", chain.log, "--from", chain.from_target()).stdout
    assert ATTACKER in story and str(chain.target) in story
    assert "\x1b" not in story, "colour where there is no terminal"


def test_dot_is_dot(chain):
    source = lemona.run("backtrack", chain.log, "--from", chain.from_target(), "--format",
                        "dot").stdout
    drawn = subprocess.run(["dot", "-Tcanon"], input=source, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=lemona.LIMIT_SECONDS)
    assert drawn.returncode == 0 and drawn.stderr == "", drawn.stderr
    assert ATTACKER in drawn.stdout and "target" in drawn.stdout


def test_svg_is_well_formed(chain):
    picture = lemona.run("forward", chain.log, "--from", f"sock:{ATTACKER}", "--format",
                         "svg").stdout
    root = xml.etree.ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = "".join(root.itertext())
    assert ATTACKER in text and "target" in text


def test_summary_counts_what_the_log_holds(chain):
    assert chain.summary.events == len(chain.events)
    assert chain.summary.lost == 0
    assert chain.summary.bytes == sum(f.stat().st_size for f in chain.log.glob("*.lms"))

# SPDX-License-Identifier: MIT
"""What fault-io.c has noted of a program's writing, and what a power cut can leave of it.

The model is the weakest that file systems promise. Of a file there is what was there when its last
completed fsync() or fdatasync() began; of each later write all, nothing, or some sectors, and zeros
where nothing came. Of a directory the same with whole entries: what was created, renamed or removed
after its last completed fsync() may have happened or not, each for itself.
"""
import struct
from dataclasses import dataclass, field

ENTRY = struct.Struct("<c3xIQQQ")
SECTOR = 512

SEGMENT_HEADER_BYTES = 96
FRAME_HEADER_BYTES = 96
FRAME_BATCH = 1


@dataclass
class Entry:
    op: str
    inode: int
    place: int
    name: bytes
    data: bytes


def read(path):
    """The entries of a journal, oldest first."""
    raw, at, entries = path.read_bytes(), 0, []
    while at < len(raw):
        op, name_bytes, inode, place, data_bytes = ENTRY.unpack_from(raw, at)
        at += ENTRY.size
        name, data = raw[at:at + name_bytes], raw[at + name_bytes:at + name_bytes + data_bytes]
        at += name_bytes + data_bytes
        entries.append(Entry(op.decode(), inode, place, name, data))
    return entries


def find_mark(entries, text):
    """Where the program had printed that line."""
    return next(i for i, entry in enumerate(entries)
                if entry.op == "M" and entry.data == text.encode() + b"\n")


@dataclass
class Node:
    """A file or a directory: what was done to it, and how much of that is safe."""
    changes: list = field(default_factory=list)
    safe: int = 0
    syncing: list = field(default_factory=list)
    is_directory: bool = False

    def sync_begins(self):
        self.syncing.append(len(self.changes))

    def sync_ends(self):
        # Two may be under way at once: the older one promises less.
        self.safe = max(self.safe, self.syncing.pop(0))


class Disk:
    """The state of a disk when the power goes, right behind one entry of the journal."""

    def __init__(self, entries):
        self.nodes = {}
        self.top = None
        for entry in entries:
            self.take(entry)

    def node(self, inode):
        return self.nodes.setdefault(inode, Node())

    def take(self, entry):
        if entry.op in "WT":
            self.node(entry.inode).changes.append(entry)
        elif entry.op == "B":
            self.node(entry.inode).sync_begins()
        elif entry.op == "E":
            self.node(entry.inode).sync_ends()
        elif entry.op in "CRUD":
            if self.top is None:
                self.top = entry.place
            self.node(entry.place).is_directory = True
            self.node(entry.place).changes.append(entry)
            if entry.op == "D":
                self.node(entry.inode).is_directory = True

    def names(self, inode, rng):
        """Name and inode of a directory's entries. Without rng: those that are safe."""
        node, names = self.nodes[inode], {}
        for i, change in enumerate(node.changes):
            if i >= node.safe and (rng is None or not rng.happens()):
                continue
            if change.op in "CD":
                names[change.name] = change.inode
            elif change.op == "U":
                names.pop(change.name, None)
            else:
                old, new = change.name.split(b"\0")
                if names.get(old) == change.inode:
                    del names[old]
                names[new] = change.inode
        return names

    def content(self, inode, rng):
        """A file's bytes. Without rng: what is safe."""
        node, data = self.nodes.get(inode, Node()), bytearray()
        for change in node.changes[:node.safe]:
            apply(data, change, [(0, len(change.data))])
        if rng is None:
            return bytes(data)
        size = len(data)
        for change in node.changes[node.safe:]:
            apply(data, change, rng.parts(change))
            size = max(size, change.place + len(change.data) if change.op == "W" else 0)
        if len(data) < size and rng.happens():
            data.extend(bytes(size - len(data)))
        return bytes(data)

    def lay_out(self, path, rng, inode=None):
        """Make the files as they may be found after the cut."""
        for name, child in self.names(self.top if inode is None else inode, rng).items():
            target = path / name.decode()
            if child in self.nodes and self.nodes[child].is_directory:
                target.mkdir()
                self.lay_out(target, rng, child)
            else:
                target.write_bytes(self.content(child, rng))

    def written(self, log):
        """Name and bytes of all segments that a log had until the power went."""
        everything = Chance(None, "everything")
        directory = self.names(self.top, everything)[log.encode()]
        return {change.name.decode(): self.content(change.inode, everything)
                for change in self.nodes[directory].changes
                if change.op == "C" and change.name.endswith(b".lms")}

    def safe_events(self, log):
        """Ranges of the events that are in frames which must have survived."""
        directory = self.names(self.top, None).get(log.encode()) if self.top is not None else None
        ranges = []
        if directory is None:
            return ranges
        for name, inode in sorted(self.names(directory, None).items()):
            if name.endswith(b".lms"):
                ranges.extend(frame_events(self.content(inode, None)))
        return ranges


def pieces(data):
    """The leaves of a segment's bytes: its header, then its whole frames."""
    if len(data) < SEGMENT_HEADER_BYTES:
        return
    at = SEGMENT_HEADER_BYTES + struct.unpack_from("<I", data, 20)[0]
    yield data[:at]
    while at + FRAME_HEADER_BYTES <= len(data) and data[at:at + 4] == b"LMFR":
        end = at + FRAME_HEADER_BYTES + struct.unpack_from("<I", data, at + 12)[0]
        if end > len(data):
            return
        yield data[at:end]
        at = end


def apply(data, change, parts):
    """A change, or those parts of it (from, to) that got through."""
    if change.op == "T":
        if parts:
            del data[change.place:]
            data.extend(bytes(change.place - len(data)))
        return
    for begin, end in parts:
        at = change.place + begin
        if len(data) < at:
            data.extend(bytes(at - len(data)))
        data[at:at + end - begin] = change.data[begin:end]


def frame_events(data):
    """First and last event of each whole frame of a segment."""
    for frame in list(pieces(data))[1:]:
        kind = struct.unpack_from("<H", frame, 6)[0]
        count, first = struct.unpack_from("<I8xQ", frame, 20)
        if kind == FRAME_BATCH and count:
            yield first, first + count - 1


def whole_leaves(written, left):
    """How many leaves of a log stand in what is left of it, from the first one without a hole.

    Where a segment is not there any more, what stands for it does.
    """
    count = 0
    for name in sorted(written):
        there = left.get(name)
        if there is None and name.replace(".lms", ".lmt") in left:
            there = written[name]
        for leaf in pieces(written[name]):
            if there is None or not there.startswith(leaf):
                return count
            there = there[len(leaf):]
            count += 1
    return count


class Chance:
    """What becomes of the changes that were not safe."""

    WAYS = ("nothing", "everything", "prefix", "some")

    def __init__(self, random, way):
        self.random, self.way = random, way
        self.over = False

    def happens(self):
        if self.way in ("nothing", "everything"):
            return self.way == "everything"
        return self.random.random() < 0.5

    def sectors(self, change):
        """Some of the sectors that a write touches."""
        begin, parts = 0, []
        while begin < len(change.data):
            end = min(len(change.data), begin + SECTOR - (change.place + begin) % SECTOR)
            if self.random.random() < 0.5:
                parts.append((begin, end))
            begin = end
        return parts

    def parts(self, change):
        whole = [(0, len(change.data))]
        if self.way == "prefix":
            if self.over:
                return []
            self.over = self.random.random() < 0.2
            return [(0, self.random.randrange(len(change.data) + 1))] if self.over else whole
        if self.way != "some":
            return whole if self.happens() else []
        if change.op == "T":
            return whole if self.happens() else []
        return self.random.choice([whole, [], self.sectors(change)])

# SPDX-License-Identifier: MIT
"""
Checks a sealed log with nothing of the project: hashes from hashlib, signatures by the openssl
program, as docs/formats/log.md and docs/formats/checkpoint.md say it.
"""
import base64
import hashlib
import pathlib
import struct
import subprocess
import tempfile

HEADER = struct.Struct("<4sHHHHIIIQQQQQqQQQ")  # of a frame
KEY, CHECKPOINT, INDEX = 4, 5, 6
END, SEGMENT_END = 2, 3
SKIPPABLE = 2
ED25519_KEY = bytes.fromhex("302a300506032b6570032100")  # what DER puts in front of one


def sha256(data):
    return hashlib.sha256(data).digest()


def add_leaf(stack, leaf):
    """Full subtrees from left to right, as (leaves, hash)."""
    stack.append((1, sha256(b"\0" + leaf)))
    while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
        (count, right), (_, left) = stack.pop(), stack.pop()
        stack.append((2 * count, sha256(b"\1" + left + right)))


def root(stack):
    result = stack[-1][1]
    for _, left in reversed(stack[:-1]):
        result = sha256(b"\1" + left + result)
    return result


def host_name(key):
    return "lemona-host/" + sha256(key)[:16].hex()


def signed_by(note, name, key):
    """Is this note, all of it, signed with that key, and by nobody else but the host it names?"""
    text, _, signatures = note.partition(b"\n\n")
    text += b"\n"
    assert signatures.endswith(b"\n")
    lines = [line.split(" ") for line in signatures[:-1].decode().split("\n")]
    names = [text.decode().split("\n")[0]]
    host = fields(note).get("host-key")
    if host:
        names.append(host_name(base64.b64decode(host, validate=True)))
    assert [line[:2] for line in lines] == [["\u2014", told] for told in names]
    blob = base64.b64decode(lines[names.index(name)][2], validate=True)
    key_id = sha256(name.encode() + b"\n\x01" + key)[:4]
    if blob[:4] != key_id or len(blob) != 68:
        return False
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        (place / "key").write_bytes(ED25519_KEY + key)
        (place / "text").write_bytes(text)
        (place / "signature").write_bytes(blob[4:])
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
             "-inkey", place / "key", "-in", place / "text", "-sigfile", place / "signature"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode == 0


def fields(note):
    """The lines of a note that have a name."""
    lines = note.split(b"\n\n")[0].decode().split("\n")
    return dict(line.split(" ", 1) for line in lines if " " in line)


class Sealed:
    """All of a log. Whatever does not fit is an AssertionError."""

    def __init__(self, log):
        self.log = pathlib.Path(log)
        self.name, _, self.segment_key = self.read_key((self.log / "key").read_text())
        self.stack, self.leaves = [], []
        self.roots = {}               # of the first N leaves, as far as they are wanted
        self.key_notes = []
        self.notes = []               # checkpoints: (note, leaves that stood before it)
        self.types = []
        self.keys = self.sequence = self.number = 0
        self.checkpoint_key = None
        self.covered = 0              # leaves, by the newest checkpoint
        self.torn = 0                 # bytes at the end that are no whole frame
        for number, path in enumerate(sorted(self.log.glob("*.lms")), 1):
            assert path.name == f"{number:08}.lms"
            self.read_segment(number, path.read_bytes())

    @staticmethod
    def read_key(text):
        name, key_id, key = text.rstrip("\n").split("+", 2)
        key = base64.b64decode(key, validate=True)
        assert key[0] == 1 and len(key) == 33
        assert key_id == sha256(name.encode() + b"\n" + key)[:4].hex()
        return name, key_id, key[1:]

    def add(self, leaf):
        add_leaf(self.stack, leaf)
        self.leaves.append(sha256(b"\0" + leaf))
        self.roots[len(self.leaves)] = root(self.stack)

    def read_segment(self, number, data):
        offset = 96 + int.from_bytes(data[20:24], "little")
        assert data[48:64].hex() == self.name.removeprefix("lemona/")
        self.add(data[:offset])
        first_row, index_at = len(self.leaves) - 1, 0
        while len(data) - offset >= 96:
            header = HEADER.unpack_from(data, offset)
            kind, flags, stored, sequence = header[2], header[3], header[5], header[8]
            payload = data[offset + 96:offset + 96 + stored]
            if len(payload) < stored:
                break
            self.sequence += 1
            assert header[0] == b"LMFR" and sequence == self.sequence
            assert data[offset + 72:offset + 80] == data[48:56], "log mark"
            assert len(self.leaves) == sequence - 1 + number
            assert kind < KEY or flags == SKIPPABLE
            if kind == KEY:
                self.take_key(payload, number)
            elif kind == CHECKPOINT:
                self.take_checkpoint(payload, number)
            elif kind == INDEX:
                assert struct.unpack_from("<QQII", payload) == (
                    index_at, first_row, len(self.leaves) - first_row, 64)
                rows = [payload[i:i + 32] for i in range(24, len(payload), 64)]
                assert rows == self.leaves[first_row:]
                first_row, index_at = len(self.leaves), offset
            elif kind in (END, SEGMENT_END) and stored:
                said_index, note_bytes, frame_bytes, magic = struct.unpack("<QII4s", payload[-20:])
                assert (said_index, magic) == (index_at, b"LMSE")
                assert frame_bytes == 96 + stored and note_bytes == stored - 20
                self.take_checkpoint(payload[:-20], number)
                assert self.covered == len(self.leaves)
                state = fields(payload)["state"]
                assert state == ("end" if kind == END else "segment-end")
            self.types.append(kind)
            self.add(data[offset:offset + 96] + sha256(payload))
            offset += 96 + stored
        self.torn = len(data) - offset

    def take_key(self, note, segment):
        told = fields(note)
        assert note.startswith(f"{self.name}\nkey\nsegment {segment}\n".encode())
        assert signed_by(note, self.name, self.segment_key)
        self.segment_key = base64.b64decode(told["next-segment-key"])
        self.checkpoint_key = base64.b64decode(told["checkpoint-key"])
        self.number = 0
        self.keys += 1
        self.key_notes.append(note)

    def take_checkpoint(self, note, segment):
        told = fields(note)
        origin, size, tree = note.split(b"\n")[:3]
        self.number += 1
        assert origin.decode() == self.name
        assert (told["segment"], told["number"]) == (str(segment), str(self.number))
        assert self.covered < int(size) <= len(self.leaves)
        assert base64.b64decode(tree) == self.roots[int(size)]
        assert signed_by(note, self.name, self.checkpoint_key)
        self.checkpoint_key = base64.b64decode(told["next-key"]) if "next-key" in told else None
        self.covered = int(size)
        self.notes.append(note)

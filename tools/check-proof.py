#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check a proof of `lemona prove` with nothing of Lemona: check-proof.py PROOF [CHECKPOINT]
CHECKPOINT is one that you kept yourself: the proof must be for it. Without one it shows only what
the owner of the key in it has signed. Needs the openssl program, 3.0 or later."""
import base64
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

ED25519 = bytes.fromhex("302a300506032b6570032100")  # what stands before a key in DER, RFC 8410


def sha256(data):
    return hashlib.sha256(data).digest()


def check(condition, sentence):
    if not condition:
        sys.exit(f"NOT PROVED: {sentence}")


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2"""
    check(index < size, "the leaf lies behind the end of the tree")
    node, last, hashed = index, size - 1, leaf
    for beside in path:
        check(last > 0, "the path is too long")
        if node & 1 or node == last:
            hashed = sha256(b"\1" + beside + hashed)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            hashed = sha256(b"\1" + hashed + beside)
        node, last = node >> 1, last >> 1
    check(last == 0, "the path is too short")
    return hashed


def is_signed(text, signature, key):
    command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile sig"
    with tempfile.TemporaryDirectory() as folder:
        for file, data in (("key", ED25519 + key), ("text", text), ("sig", signature)):
            pathlib.Path(folder, file).write_bytes(data)
        return not subprocess.run(command.split(), cwd=folder, stdout=subprocess.DEVNULL,
                                  check=False).returncode


proof = json.loads(pathlib.Path(sys.argv[1]).read_bytes())
header = bytes.fromhex(proof["frame"]["header"])
payload_hash = bytes.fromhex(proof["frame"]["payload_sha256"])
check(len(header) == 96 and header[:4] == b"LMFR" and len(payload_hash) == 32, "this is no frame")
kind, count, first, earliest, latest, wall = struct.unpack("<6xH12xI8xQ8xQQq24x", header)
check(kind == 1 and first <= proof["event"] < first + count, "the event is not in the frame")
if "payload" in proof:
    check(sha256(base64.b64decode(proof["payload"])) == payload_hash, "the payload is another one")
note = proof["checkpoint"].encode()
text, _, signatures = note.partition(b"\n\n")
name, size, root = text.split(b"\n")[:3]
check(int(size) == proof["size"], "the tree is of another size")
check(header[72:80] == bytes.fromhex(name.decode().split("/")[1])[:8], "the frame is of another log")
found = root_of(sha256(b"\0" + header + payload_hash), proof["leaf"], proof["size"],
                [bytes.fromhex(node) for node in proof["path"]])
check(found == base64.b64decode(root), "the path does not lead to the checkpoint's root")
public = bytes.fromhex(proof["key"])
key_id = sha256(name + b"\n\1" + public)[:4]
signed = [base64.b64decode(line.split()[2]) for line in signatures.splitlines()
          if line.startswith(b"\xe2\x80\x94 " + name + b" ")]
check(any(line[:4] == key_id and is_signed(text + b"\n", line[4:], public) for line in signed),
      "the checkpoint is not signed with the key")
if len(sys.argv) > 2:
    kept = pathlib.Path(sys.argv[2]).read_bytes().partition(b"\n\n")[0]
    check(kept == text, "it is not for the checkpoint that you kept")
print(f"PROVED: {name.decode()} held event {proof['event']} when it had {proof['size']} leaves, in a "
      f"frame of {count} events from {(earliest + wall) / 1e9:.6f} to {(latest + wall) / 1e9:.6f} s "
      f"since 1970. {'The checkpoint is yours' if len(sys.argv) > 2 else 'Signed by ' + public.hex()}.")

# SPDX-License-Identifier: MIT
"""Files that come to share their blocks: one's content is the other's, without a read or write."""

import subprocess

import lemona

MEGABYTES = 128

# argv: a new image, a folder to mount it on. Says how often blocks were shared, and fails to once.
SHARE = """
import fcntl, os, struct, subprocess, sys
FICLONE, FICLONERANGE, FIDEDUPERANGE = 0x40049409, 0x4020940d, 0xc0189436
image, top = sys.argv[1:]
subprocess.run(["mkfs.btrfs", "-q", image], stdout=subprocess.DEVNULL, check=True)
subprocess.run(["mount", "-o", "loop", image, top], check=True)
os.chdir(top)

def make(name, content=b""):
    file = os.open(name, os.O_CREAT | os.O_RDWR)
    os.write(file, content)
    return file

block = os.urandom(65536)
source = make("source", block)
os.fsync(source)
fcntl.ioctl(make("whole"), FICLONE, source)
fcntl.ioctl(make("part"), FICLONERANGE, struct.pack("qQQQ", source, 0, 4096, 0))
same, other, same2 = make("same", block), make("other", b"x" * 65536), make("same2", block)
os.sync()
request = bytearray(struct.pack("QQHHI", 0, 65536, 3, 0, 0))
for file in same, other, same2:
    request += struct.pack("qQQiI", file, 0, 0, 0, 0)
fcntl.ioctl(source, FIDEDUPERANGE, request)
print([struct.unpack_from("i", request, 24 + 32 * i + 24)[0] for i in range(3)])
try:
    fcntl.ioctl(source, FIDEDUPERANGE, struct.pack("QQHHI", 0, 65536, 0, 1, 0))
except OSError as error:
    print(error.errno)
"""


def test_shared_blocks_are_copies(place, log):
    image, top = place / "image", place / "top"
    with open(image, "wb") as file:
        file.truncate(MEGABYTES << 20)
    top.mkdir()
    with lemona.Recording(log):
        said = subprocess.run(
            ["unshare", "--mount", "/usr/bin/python3", "-c", SHARE, image, top],
            stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout.splitlines()
    assert said[0] == "[0, 1, 0]"  # same, differs, same
    copies = [event for event in lemona.events(log, "--op", "copy")
              if event.get("path", "").startswith(f"{top}/")]
    assert [(event["path"], event.get("path2")) for event in copies if event["result"] >= 0] == [
        (f"{top}/source", f"{top}/{name}") for name in ("whole", "part", "same", "same2")]
    assert [event["result"] for event in copies][2:4] == [65536, 65536]
    assert [event["result"] for event in copies if event["result"] < 0] == [-int(said[1])]

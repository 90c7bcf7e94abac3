# SPDX-License-Identifier: MIT
"""The key of a host, sealed by its TPM, signs the beginning of a log; or the log says why not."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

import lemona
import sealed
import swtpm

FAULTS = pathlib.Path(os.environ.get("LEMONA_FAULTS", lemona.BINARY.parent / "tests" / "faults"))
USAGE, FAILURE, NOT_SOUND = 2, 3, 4
ED25519_SEED = bytes.fromhex("302e020100300506032b657004220420")  # what DER puts in front of one


def start(folder):
    folder.mkdir()
    return swtpm.Tpm(folder)


@pytest.fixture(name="tpm")
def start_tpm(place):
    tpm = start(place / "swtpm")
    yield tpm
    tpm.end()


@pytest.fixture(name="other_tpm")
def start_other_tpm(place):
    tpm = start(place / "other-swtpm")
    yield tpm
    tpm.end()


@pytest.fixture(name="key")
def make_key(place, tpm):
    """The file that holds the sealed key; what is printed of it stands beside."""
    return new_key(place / "host-key", tpm)


def new_key(path, tpm, *options):
    done = lemona.run("host-key", "--new", "--file", path, "--tpm", tpm.name, *options)
    path.with_suffix(".pub").write_text(done.stdout)
    return path


def record(log, tpm, key, *options, check=True):
    return lemona.record(log, ["true"], f"--tpm={tpm.name}", "--host-key", key, *options,
                         check=check)


def verify(log, *options, key=None):
    if key:
        options += ("--host-key", key.with_suffix(".pub"))
    done = lemona.run("verify", log, "--format", "json", *options, check=False)
    assert done.returncode in (0, NOT_SOUND), done.stderr
    answer = json.loads(done.stdout)
    assert answer["sound"] == (done.returncode == 0)
    return answer


def expect_finding(answer, word, text):
    assert [finding["word"] for finding in answer["findings"]] == [word], answer
    assert text in answer["findings"][0]["text"]


def expect_unsigned(log, done, key, reason, sentence):
    """It was recorded all the same, said so, and the log says it too."""
    assert done.returncode == 0
    assert done.stderr.startswith("lemona: the host does not sign this log: ")
    assert sentence in done.stderr.split("\n", 1)[0]
    assert sealed.fields(sealed.Sealed(log).key_notes[0])["no-host-key"] == reason
    answer = verify(log)
    assert answer["sound"] and (answer["host"], answer["host_reason"]) == ("none", reason)
    assert answer["events"] > 0
    expect_finding(verify(log, key=key), "wrong key", f"could not be used ({reason})")
    shutil.rmtree(log)


def expect_refused(log, tpm, done, sentence):
    assert done.returncode == FAILURE and not log.exists()
    assert sentence in done.stderr and done.stderr.count("\n") == 1
    assert tpm.run("getcap", "handles-nv-index") == b""


def expect_nothing_left(tpm):
    for what in ("transient", "loaded-session", "saved-session"):
        assert tpm.run("getcap", f"handles-{what}") == b""


def test_made_once(place, tpm, key):
    printed = key.with_suffix(".pub").read_text()
    name, _, public = sealed.Sealed.read_key(printed)
    assert name == sealed.host_name(public)
    assert key.stat().st_mode & 0o777 == 0o600
    assert lemona.run("host-key", "--file", key).stdout == printed
    before = key.read_bytes()
    done = lemona.run("host-key", "--new", "--file", key, "--tpm", tpm.name, check=False)
    assert done.returncode == FAILURE and "is there already" in done.stderr
    assert key.read_bytes() == before
    assert new_key(place / "second", tpm).with_suffix(".pub").read_text() != printed
    expect_nothing_left(tpm)


def test_signed(log, tpm, key):
    record(log, tpm, key)
    note = sealed.Sealed(log).key_notes[0]
    printed = key.with_suffix(".pub").read_text()
    name, _, public = sealed.Sealed.read_key(printed)
    assert base64.b64decode(sealed.fields(note)["host-key"]) == public
    assert sealed.signed_by(note, name, public)
    assert not sealed.signed_by(note.replace(b"segment 1", b"segment 2"), name, public)
    answer = verify(log, f"--tpm={tpm.name}", key=key)
    assert answer["sound"] and (answer["host"], answer["host_key"]) == ("given", printed.strip())
    assert verify(log)["host"] == "unknown"
    expect_nothing_left(tpm)


def test_later_segments(place, log, tpm, key):
    """The host's key is gone when a segment ends: it signs the first key note only."""
    with lemona.Recording(log, f"--tpm={tpm.name}", "--host-key", key, "--segment-size", "16K"):
        while len(list(log.glob("*.lms"))) < 3:
            subprocess.run(["sh", "-c", "for i in $(seq 50); do cat /etc/passwd; done"],
                           stdout=subprocess.DEVNULL, check=True)
    hosts = ["host-key" in sealed.fields(note) for note in sealed.Sealed(log).key_notes]
    assert hosts[0] and not any(hosts[1:]) and len(hosts) >= 3
    assert verify(log, key=key)["sound"]


def test_deleted_beginning(log, tpm, key):
    """What retention leaves of the first segment holds its key note."""
    with lemona.Recording(log, f"--tpm={tpm.name}", "--host-key", key, "--segment-size", "16K",
                          "--keep-bytes", "32K"):
        while (log / "00000001.lms").exists():
            subprocess.run(["sh", "-c", "for i in $(seq 50); do cat /etc/passwd; done"],
                           stdout=subprocess.DEVNULL, check=True)
    answer = verify(log, key=key)
    assert answer["sound"] and answer["host"] == "given" and answer["deleted_segments"] > 0


def test_another_host(place, log, tpm, key, other_tpm):
    """Signed well, by somebody else."""
    other = new_key(place / "other-key", other_tpm)
    record(log, other_tpm, other)
    assert verify(log, key=other)["sound"]
    answer = verify(log, key=key)
    name = other.with_suffix(".pub").read_text().split("+")[0]
    expect_finding(answer, "wrong key", f"by another host than the one given: {name}")
    assert answer["host"] == "another"


def test_no_host(log, tpm, key, place):
    """Without a key that anybody asked for nothing is said, and verify finds none."""
    lemona.record(log, ["true"])
    assert "host" not in verify(log)
    expect_finding(verify(log, key=key), "wrong key", "signed by no host")
    shutil.rmtree(log)
    lemona.record(log, ["true"], "--no-seal")
    expect_finding(verify(log, key=key), "wrong key", "not sealed")
    shutil.rmtree(log)
    done = record(log, tpm, place / "none", check=False)
    expect_unsigned(log, done, key, "missing", "No such file")


def test_copied_to_another_tpm(log, tpm, key, other_tpm):
    done = record(log, other_tpm, key, check=False)
    expect_unsigned(log, done, key, "other-tpm", "sealed by another TPM")
    expect_nothing_left(other_tpm)
    done = record(log, tpm, key)
    assert verify(log, key=key)["sound"] and "does not sign" not in done.stderr


def test_required(log, tpm, key, other_tpm, place):
    done = record(log, other_tpm, key, "--require-host-key", check=False)
    expect_refused(log, other_tpm, done, "sealed by another TPM")
    done = record(log, tpm, place / "none", "--require-host-key", check=False)
    expect_refused(log, tpm, done, "No such file")
    record(log, tpm, key, "--require-host-key")
    assert verify(log, key=key)["sound"]


def test_a_tpm_that_lost_its_memory(place, log, tpm, key):
    tpm.end()
    shutil.rmtree(tpm.place)
    again = start(tpm.place)
    try:
        done = record(log, again, key, check=False)
        expect_unsigned(log, done, key, "other-tpm", "or this one was cleared")
    finally:
        again.end()


def test_damaged(place, log, tpm, key):
    """Every byte of the file counts, and so does its end."""
    whole = key.read_bytes()
    bent = place / "bent"
    for i, byte in enumerate(whole):
        bent.write_bytes(whole[:i] + bytes([byte ^ 1 << i % 8]) + whole[i + 1:])
        done = lemona.run("host-key", "--file", bent, check=False)
        assert done.returncode == NOT_SOUND and done.stdout == "", (i, done.stderr)
        assert done.stderr.count("\n") == 1
    for size in (0, 1, 3, 4, 79, 80, len(whole) - 1):
        bent.write_bytes(whole[:size])
        done = lemona.run("host-key", "--file", bent, check=False)
        assert done.returncode == NOT_SOUND and "damaged" in done.stderr
    bent.write_bytes(whole + b"\0" * 5000)
    assert lemona.run("host-key", "--file", bent, check=False).returncode == NOT_SOUND
    bent.write_bytes(whole[:100] + b"\0" + whole[101:])
    done = record(log, tpm, bent, check=False)
    expect_unsigned(log, done, key, "damaged", "is damaged")


def test_altered_signature(log, tpm, key):
    record(log, tpm, key)
    path = log / "00000001.lms"
    data = bytearray(path.read_bytes())
    data[data.index(b" lemona-host/") + 80] ^= 1
    path.write_bytes(data)
    answer = verify(log, key=key)
    assert not answer["sound"] and "altered" in {f["word"] for f in answer["findings"]}


def test_owner_with_a_password(place, log, tpm, key):
    tpm.run("changeauth", "-c", "owner", "secret")
    right, wrong = place / "right", place / "wrong"
    right.write_text("secret\n")
    wrong.write_text("guess")
    for options in ([], ["--tpm-auth", wrong], ["--tpm-auth", place / "none"]):
        done = lemona.run("host-key", "--new", "--file", place / "made", "--tpm", tpm.name,
                          *options, check=False)
        assert done.returncode == FAILURE and done.stderr.count("\n") == 1
        assert "the TPM's owner" in done.stderr and not (place / "made").exists()
        done = record(log, tpm, key, *options, check=False)
        expect_refused(log, tpm, done, "the TPM's owner")
    new_key(place / "made", tpm, "--tpm-auth", right)
    record(log, tpm, key, "--tpm-auth", right, "--require-host-key")
    answer = verify(log, f"--tpm={tpm.name}", "--tpm-auth", right, key=key)
    assert answer["sound"] and answer["tpm"] == "agrees"
    done = lemona.run("verify", log, f"--tpm={tpm.name}", check=False)
    assert done.returncode == FAILURE and "the TPM's owner has a password" in done.stderr


def test_pcrs(place, log, tpm):
    key = new_key(place / "bound", tpm, "--pcrs", "16,23")
    record(log, tpm, key, "--require-host-key")
    assert verify(log, key=key)["sound"]
    shutil.rmtree(log)
    for pcr in (16, 23):
        tpm.run("pcrextend", f"{pcr}:sha256={'11' * 32}")
        done = record(log, tpm, key, check=False)
        expect_unsigned(log, done, key, "pcrs", "the PCRs are not what they were")
        tpm.run("pcrreset", pcr)
    record(log, tpm, key, "--require-host-key")
    expect_nothing_left(tpm)


def test_pcrs_that_are_not_there(place, tpm):
    """A policy for none but these would hold in any state: the TPM leaves them out of it."""
    tpm.run("pcrallocate", "sha1:all+sha256:0,1+sha384:all")
    tpm.end()
    for name in ("tpm", "tpm.ctrl"):
        (tpm.place / name).unlink(missing_ok=True)
    again = swtpm.Tpm(tpm.place)
    try:
        for pcrs in ("7", "0,7"):
            done = lemona.run("host-key", "--new", "--file", place / "key", "--tpm", again.name,
                              "--pcrs", pcrs, check=False)
            assert done.returncode == FAILURE and not (place / "key").exists()
            assert "does not have all of these PCRs" in done.stderr
        new_key(place / "key", again, "--pcrs", "0,1")
        expect_nothing_left(again)
    finally:
        again.end()


PARENT = ("createprimary", "-C", "o", "-G", "ecc256:aes128cfb", "-a",
          "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt", "-c")


def test_locked_tpm(place, log, tpm, key):
    """Others who guess passwords lock the TPM, but not what lemona has sealed."""
    (place / "thing").write_text("thing")
    tpm.run_and_flush(*PARENT, place / "parent")
    tpm.run_and_flush("create", "-C", place / "parent", "-i", place / "thing", "-p", "right", "-u",
            place / "u", "-r", place / "r", "-c", place / "object")
    assert tpm.run_and_flush("unseal", "-c", place / "object", "-p", "right") == b"thing"
    tpm.run("dictionarylockout", "-s", "-n", 1, "-t", 1000, "-l", 1000)
    for word in ("wrong", "right"):
        with pytest.raises(subprocess.CalledProcessError):
            tpm.run_and_flush("unseal", "-c", place / "object", "-p", word)
    record(log, tpm, key, "--require-host-key")
    assert verify(log, key=key)["sound"]
    shutil.rmtree(log)
    # A file that somebody else made, of an object that is locked.
    parts = [(place / name).read_bytes() for name in ("u", "r")]
    data = b"LMHK\1\0\0\0" + bytes(4)
    data += b"".join(len(part).to_bytes(2, "little") for part in parts) + bytes(32)
    data += b"".join(parts)
    (place / "locked").write_bytes(data + hashlib.sha256(data).digest())
    done = record(log, tpm, place / "locked", check=False)
    expect_unsigned(log, done, key, "locked", "the TPM is locked for some time")


def test_what_a_stranger_can_do_with_the_file(place, tpm, key):
    """docs/formats/checkpoint.md says how it is sealed: the TPM's own programs have it back."""
    data = key.read_bytes()
    public_bytes = int.from_bytes(data[12:14], "little")
    (place / "u").write_bytes(data[48:48 + public_bytes])
    (place / "r").write_bytes(data[48 + public_bytes:-32])
    tpm.run_and_flush(*PARENT, place / "parent")
    tpm.run_and_flush("load", "-C", place / "parent", "-u", place / "u", "-r", place / "r", "-c",
            place / "object")
    seed = tpm.run_and_flush("unseal", "-c", place / "object")
    assert len(seed) == 32 and seed not in data
    public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"],
                            input=ED25519_SEED + seed, capture_output=True, check=True).stdout
    assert public[-32:] == data[16:48]


def test_no_tpm(place, log):
    name = f"swtpm:path={place}/none"
    done = lemona.run("host-key", "--new", "--file", place / "key", "--tpm", name, check=False)
    assert done.returncode == FAILURE and done.stderr == f"lemona: no TPM answers at {name}\n"
    assert not (place / "key").exists()
    done = lemona.run("host-key", "--file", place / "key", check=False)
    assert done.returncode == FAILURE and "No such file" in done.stderr


def test_a_tpm_that_hangs(log, tpm, key):
    """It is no witness either: a recorder that waited for it would record nothing for good."""
    tpm.process.send_signal(signal.SIGSTOP)
    done = record(log, tpm, key, check=False)
    assert done.returncode == FAILURE and not log.exists()
    assert done.stderr == "lemona: the TPM does not answer\n"
    tpm.process.send_signal(signal.SIGCONT)
    record(log, tpm, key, "--require-host-key")
    assert verify(log, key=key)["sound"]


def test_ended_while_it_is_made(place, tpm):
    """No file is left that would stand in the way of the next try."""
    tpm.process.send_signal(signal.SIGSTOP)
    making = subprocess.Popen([lemona.BINARY, "host-key", "--new", "--file", place / "key",
                               "--tpm", tpm.name])
    with pytest.raises(subprocess.TimeoutExpired):
        making.wait(1)
    making.kill()
    making.wait()
    tpm.process.send_signal(signal.SIGCONT)
    assert not (place / "key").exists()


@pytest.mark.parametrize("number", [1, 2])
def test_a_key_that_might_not_outlive_a_power_cut(place, tpm, number):
    """The file and its name are on the disk before anybody is told of the key."""
    (place / "keys").mkdir()
    path = place / "keys" / "host-key"
    environment = {**os.environ, "LD_PRELOAD": str(FAULTS / "fault-io.so"),
                   "FAULT_ROOT": str(place), "FAULT_RULES": f"sync {number} 1 EIO",
                   "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
                   ":verify_asan_link_order=0"}
    done = subprocess.run([lemona.BINARY, "host-key", "--new", "--file", path, "--tpm", tpm.name],
                          env=environment, capture_output=True, text=True, check=False,
                          timeout=lemona.LIMIT_SECONDS)
    assert (done.returncode, done.stdout) == (FAILURE, ""), done.stderr
    assert not path.exists()


def test_what_is_no_key(place, log, key):
    lemona.record(log, ["true"])
    other = place / "text"
    for text in ("", "text", (log / "key").read_text(), "x" * 5000,
                 key.with_suffix(".pub").read_text() * 2):
        other.write_text(text)
        done = lemona.run("verify", log, "--host-key", other, check=False)
        assert done.returncode == USAGE and "no key of a host" in done.stderr
    done = lemona.run("verify", log, "--host-key", place / "none", check=False)
    assert done.returncode == FAILURE and done.stderr.count("\n") == 1


def doctor(tpm, key):
    done = lemona.run("doctor", "--tpm", tpm.name, "--host-key", key, check=False)
    lines = done.stdout.splitlines()
    at = [i for i, line in enumerate(lines) if " host key " in line]
    assert len(at) == 1
    advice = [line.strip() for line in lines[at[0] + 1:] if line.startswith(" ")]
    return lines[at[0]].split()[0], lines[at[0]].split(None, 3)[3], advice


def test_doctor(place, tpm, key, other_tpm):
    name = key.with_suffix(".pub").read_text().split("+")[0]
    assert doctor(tpm, key) == ("ok", f"used: {name} signs what record --tpm begins", [])
    none = place / "none"
    assert doctor(tpm, none) == ("ok", f"not used: there is none at {none}", [])
    result, text, advice = doctor(other_tpm, key)
    assert result == "limited" and "sealed by another TPM" in text
    assert any("move the file away" in line for line in advice)
    # A key that only lacks a password is not to be thrown away.
    tpm.run("changeauth", "-c", "owner", "secret")
    result, text, advice = doctor(tpm, key)
    assert result == "limited" and "--tpm-auth FILE" in text
    assert advice == ["means: logs are not signed by this host"]

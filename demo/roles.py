# SPDX-License-Identifier: MIT
"""What stands on each machine of the stage: accounts, services' configuration, scripts, homes."""
import os
import subprocess

from mounts import mount_small_system

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = "etc/lemona-demo-victim"  # attacker/implant.c touches nothing where this is missing

WWW_DATA = 33
USERS = {"alice": 1001, "bob": 1002, "carol": 1003}
STATS = 1004

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
alice:x:1001:1001:Alice:/home/alice:/bin/sh
bob:x:1002:1002:Bob:/home/bob:/bin/sh
carol:x:1003:1003:Carol:/home/carol:/bin/sh
stats:x:1004:1004:statistics:/var/lib/stats:/usr/sbin/nologin
"""
GROUP = """\
root:x:0:
daemon:x:1:
www-data:x:33:
crontab:x:101:
nogroup:x:65534:
alice:x:1001:
bob:x:1002:
carol:x:1003:
stats:x:1004:
"""
NSSWITCH = "passwd: files\ngroup: files\nshadow: files\nhosts: files\n"
PAM = "".join(f"{kind} required pam_permit.so\n" for kind in ("account", "auth", "session"))
HOSTS = "127.0.0.1 localhost\n198.51.100.10 www\n203.0.113.10 www-mgmt\n"

PROJECT_PARTS = 12


def build(root, role):
    """The root of the machine that plays `role`: victim, attacker or customers."""
    mount_small_system(root)
    stage = Stage(root)
    stage.write("etc/passwd", PASSWD)
    stage.write("etc/group", GROUP)
    stage.write("etc/shadow", "root:*:19000:0:99999:7:::\n", mode=0o640)
    stage.write("etc/nsswitch.conf", NSSWITCH)
    stage.write("etc/hosts", HOSTS)
    {"victim": furnish_victim, "attacker": furnish_attacker,
     "customers": furnish_customers}[role](stage)


class Stage:
    def __init__(self, root):
        self.root = root

    def path(self, name):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, text, mode=0o644, owner=0):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        os.chown(path, owner, owner)

    def copy(self, source, name, mode=0o755, owner=0):
        with open(os.path.join(HERE, source), encoding="utf-8") as file:
            self.write(name, file.read(), mode, owner)

    def make_dir(self, name, owner=0, mode=0o755):
        path = os.path.join(self.root, name)
        os.makedirs(path, exist_ok=True)
        os.chown(path, owner, owner)
        os.chmod(path, mode)


def furnish_victim(stage):
    stage.write(MARK, "")
    furnish_web(stage)
    furnish_cron(stage)
    furnish_homes(stage)


def furnish_web(stage):
    stage.copy("victim/lighttpd.conf", "etc/lighttpd/lighttpd.conf", mode=0o644)
    stage.make_dir("var/log/lighttpd", WWW_DATA)
    stage.make_dir("var/www", WWW_DATA)
    stage.write("srv/www/html/index.html", "<link rel=stylesheet href=style.css><h1>Look-up</h1>\n")
    stage.write("srv/www/html/about.html", "<p>Type a name, see its address.</p>\n")
    stage.write("srv/www/html/style.css", "h1 { font-family: sans-serif }\n")
    stage.copy("victim/lookup.cgi", "srv/www/cgi-bin/lookup.cgi")


def furnish_cron(stage):
    stage.write("etc/crontab", "")
    stage.write("etc/pam.d/cron", PAM)
    stage.make_dir("var/spool/cron/crontabs")
    stage.make_dir("var/backups")
    stage.make_dir("var/lib/stats", STATS)
    stage.write("etc/cron.d/backup", "* * * * * root /usr/local/sbin/backup.sh\n")
    stage.write("etc/cron.d/stats", "* * * * * stats /usr/local/sbin/stats.sh\n")
    stage.copy("victim/backup.sh", "usr/local/sbin/backup.sh", mode=0o777)
    stage.copy("victim/stats.sh", "usr/local/sbin/stats.sh")


def furnish_homes(stage):
    for name, uid in USERS.items():
        stage.make_dir(f"home/{name}", uid, 0o750)
    stage.make_dir("home/alice/tmp", USERS["alice"])
    stage.copy("noise/developer.sh", "home/alice/build.sh", owner=USERS["alice"])
    stage.copy("noise/writer.sh", "home/bob/write.sh", owner=USERS["bob"])
    stage.copy("noise/searcher.sh", "home/carol/search.sh", owner=USERS["carol"])
    stage.write("home/bob/notes.txt", "notes\n", owner=USERS["bob"])
    furnish_project(stage, "home/alice/project", USERS["alice"])


def furnish_project(stage, base, owner):
    """A small C project: one header, a dozen files, a makefile."""
    parts = range(1, PROJECT_PARTS + 1)
    objects = " ".join(["main.o"] + [f"part{n}.o" for n in parts])
    stage.make_dir(base, owner)
    stage.write(f"{base}/Makefile",
                f"CC = gcc\nCFLAGS = -O1 -pipe\nreport: {objects}\n\t$(CC) -o $@ $^\n"
                f"{objects}: parts.h\nclean:\n\trm -f report {objects}\n", owner=owner)
    stage.write(f"{base}/parts.h", "".join(f"int part{n}(int value);\n" for n in parts),
                owner=owner)
    for n in parts:
        stage.write(f"{base}/part{n}.c",
                    f'#include "parts.h"\nint part{n}(int value)\n{{\n'
                    f"\treturn value * {n + 1} % 10007;\n}}\n", owner=owner)
    calls = "".join(f"\tvalue = part{n}(value);\n" for n in parts)
    stage.write(f"{base}/main.c",
                '#include <stdio.h>\n#include "parts.h"\nint main(void)\n{\n\tint value = 1;\n'
                f'{calls}\tprintf("%d\\n", value);\n\treturn 0;\n}}\n', owner=owner)


def furnish_attacker(stage):
    stage.copy("attacker/attack.py", "srv/attack.py")
    stage.make_dir("srv/tools")
    subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", "-o", stage.path("srv/tools/implant"),
                    os.path.join(HERE, "attacker/implant.c")],
                   check=True, stdin=subprocess.DEVNULL)


def furnish_customers(stage):
    stage.copy("noise/customer.sh", "srv/customer.sh")

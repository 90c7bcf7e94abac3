/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>

/*
 * Credentials: every call that changes them, each in a child of its own, and
 * who the child is afterwards.
 */

#define SET(name, ...)                                                                             \
	do {                                                                                       \
		OK(name, __VA_ARGS__);                                                             \
		WANT(.op = "setcred", .no_uid = 1);                                                \
	} while (0)

/* The file is everybody's, so that opening it tells with which uid the event is recorded. */
static void look(void)
{
	want_close(want_open("everybody", O_RDONLY), "everybody");
}

static void users(unsigned which)
{
	switch (which) {
	case 0:
		SET(setuid, 1001);
		break;
	case 1:
		SET(setreuid, 1002, 1003);
		break;
	case 2:
		SET(setresuid, 1004, 1005, 1006);
		break;
	case 3:
		SET(setfsuid, 1007);
		break;
	}
}

static void groups(unsigned which)
{
	gid_t list[2] = { 2001, 2002 };

	switch (which) {
	case 4:
		SET(setgid, 1001);
		break;
	case 5:
		SET(setregid, 1002, 1003);
		break;
	case 6:
		SET(setresgid, 1004, 1005, 1006);
		break;
	case 7:
		SET(setfsgid, 1007);
		break;
	case 8:
		SET(setgroups, 2, list);
		break;
	}
}

static void capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = 1, .permitted = 1 } };

	SET(capset, &head, data);
}

/* What an intruder without rights would try. */
static void refused(void)
{
	SET(setuid, 1001);
	FAIL(EPERM, setuid, 0);
	WANT(.op = "setcred", .no_uid = 1);
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	want_file("everybody", "may read");
	for (unsigned which = 0; which < 11; which++) {
		pid_t child = want_fork();

		if (!child) {
			users(which);
			groups(which);
			if (which == 9)
				capabilities();
			if (which == 10)
				refused();
			look();
			want_exit(0);
		}
		want_wait(child, 0);
	}
	want_end();
}

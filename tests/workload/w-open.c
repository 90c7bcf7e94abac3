/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/openat2.h>

/* Opening: every call, and every way in which a path can differ from where it leads. */

static void creating(void)
{
	int fd = (int)OK(open, "open", O_RDWR | O_CREAT, 0644);

	WANT(.op = "open", .path = "open", .fd = fd, .flag = "created");
	want_close(fd, "open");

	fd = (int)OK(creat, "creat", 0600);
	WANT(.op = "open", .path = "creat", .fd = fd, .flag = "created");
	want_close(fd, "creat");

	fd = (int)OK(openat, AT_FDCWD, want_path("exclusive"), O_WRONLY | O_CREAT | O_EXCL, 0600);
	WANT(.op = "open", .path = "exclusive", .fd = fd, .flag = "created");
	want_close(fd, "exclusive");

	want_close(want_open("open", O_RDONLY), "open");
	want_close(want_open("open", O_WRONLY | O_TRUNC), "open");
	want_close(want_open("open", O_WRONLY | O_APPEND), "open");
}

static void directories(void)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0644,
				.resolve = RESOLVE_BENEATH };
	int dir, fd;

	OK(mkdir, "dir", 0755);
	WANT(.op = "mkdir", .path = "dir");
	dir = want_open("dir", O_RDONLY | O_DIRECTORY);

	fd = (int)OK(openat, dir, "below", O_RDWR | O_CREAT, 0644);
	WANT(.op = "open", .path = "dir/below", .fd = fd);
	want_close(fd, "dir/below");

	fd = (int)OK(openat2, dir, "beneath", &how, sizeof(how));
	WANT(.op = "open", .path = "dir/beneath", .fd = fd);
	want_close(fd, "dir/beneath");

	/* An absolute path does not care for the directory. */
	fd = (int)OK(openat, dir, want_path("open"), O_RDONLY);
	WANT(.op = "open", .path = "open", .fd = fd);
	want_close(fd, "open");

	fd = (int)OK(openat, dir, "../creat", O_RDONLY);
	WANT(.op = "open", .path = "creat", .fd = fd);
	want_close(fd, "creat");
	want_close(dir, "dir");
}

static void detours(void)
{
	char link[64];
	int fd, again;

	OK(symlink, "dir", "to-dir");
	WANT(.op = "symlink", .path = "to-dir");
	OK(symlink, "dir/below", "to-file");
	WANT(.op = "symlink", .path = "to-file");

	fd = (int)OK(open, "to-dir/below", O_RDONLY);
	WANT(.op = "open", .path = "dir/below", .fd = fd);
	want_close(fd, "dir/below");

	fd = (int)OK(open, "to-file", O_RDONLY);
	WANT(.op = "open", .path = "dir/below", .fd = fd);

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	again = (int)OK(open, link, O_RDONLY);
	WANT(.op = "open", .path = "dir/below", .fd = again);
	want_close(again, "dir/below");
	want_close(fd, "dir/below");

	fd = (int)OK(open, ".//dir/./../dir//below", O_RDONLY);
	WANT(.op = "open", .path = "dir/below", .fd = fd);
	want_close(fd, "dir/below");

	OK(chdir, "dir");
	WANT(.op = "chdir", .path = "dir");
	fd = (int)OK(open, "../open", O_RDONLY);
	WANT(.op = "open", .path = "open", .fd = fd);
	want_close(fd, "open");
	fd = (int)OK(open, "below", O_RDONLY);
	WANT(.op = "open", .path = "dir/below", .fd = fd);
	OK(chdir, "..");
	WANT(.op = "chdir", .path = ".");
	want_close(fd, "dir/below");

	fd = want_open("dir", O_PATH | O_DIRECTORY);
	OK(fchdir, fd);
	WANT(.op = "chdir", .path = "dir");
	OK(chdir, want_path("."));
	WANT(.op = "chdir", .path = ".");
	want_close(fd, "dir");
}

/* Files without a name, and files opened without one. */
static void nameless(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, at, fd;

	fd = (int)OK(openat, AT_FDCWD, ".", O_RDWR | O_TMPFILE, 0600);
	WANT(.op = "open", .fd = fd);
	OK(write, fd, "nameless", 8);
	WANT(.op = "write", .fd = fd);
	OK(close, fd);
	WANT(.op = "close");

	OK(name_to_handle_at, AT_FDCWD, "dir/below", &handle, &mount_id, 0);
	at = want_open(".", O_RDONLY | O_DIRECTORY);
	fd = (int)OK(open_by_handle_at, at, &handle, O_RDONLY);
	WANT(.op = "open", .path = "dir/below", .fd = fd);
	want_close(fd, "dir/below");
	want_close(at, ".");
}

/* Descriptors that move: the number is not the file. */
static void descriptors(void)
{
	int first = want_open("open", O_RDWR), second = want_open("creat", O_RDWR), third;

	OK(dup2, first, second);
	WANT(.op = "dup", .path = "open", .fd = second);
	want_write(second, "open", "through a duplicate");
	OK(close_range, first, first, 0);
	third = want_open("creat", O_RDWR);
	MUST(third == first);
	want_write(third, "creat", "through a number used before");
	want_close(third, "creat");
	third = (int)OK(fcntl, second, F_DUPFD_CLOEXEC, 100);
	WANT(.op = "dup", .path = "open", .fd = third);
	want_write(third, "open", "from fcntl");
	OK(dup3, third, 200, O_CLOEXEC);
	WANT(.op = "dup", .path = "open", .fd = 200);
	want_close(third, "open");
	want_write(200, "open", "from dup3");
	want_close(200, "open");
	want_close(second, "open");
}

static void odd_names(void)
{
	static const char *const names[] = { "with space", "quote\"d", "back\\slash", "new\nline",
					     "gr\xc3\xbc\xc3\x9f", "-", "..." };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		want_file(names[i], "odd");
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	creating();
	directories();
	detours();
	nameless();
	descriptors();
	odd_names();
	want_end();
}

/* SPDX-License-Identifier: MIT */
/* Both names of each call are defined here: the headers shall not make one out of the other. */
#undef _FILE_OFFSET_BITS
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/*
 * Preloaded into a program, this library stands between it and its files: it lets calls fail, and
 * keeps a journal from which a power cut can be played (journal.py).
 *
 * FAULT_ROOT=PATH     what lies below this directory is watched, nothing else. Real, absolute
 * FAULT_RULES=RULE,.. each "CALL FIRST COUNT ERROR": of the calls of that kind (write, sync, open,
 *                     rename, unlink, truncate) those numbered from FIRST on, COUNT of them, fail
 *                     with ERROR (EIO, ENOSPC, EROFS), or, writes, get only half through (SHORT:
 *                     the call says so; TORN: it fails with EIO all the same)
 * FAULT_JOURNAL=FILE  every change below the root, and what is printed on standard output
 * FAULT_CLOCK=WRITES STEP_MS  the wall clock is set once, after so many writes
 */
#define RULES_MAX 8
#define ROOT_MAX  4096

enum kind { KIND_WRITE, KIND_SYNC, KIND_OPEN, KIND_RENAME, KIND_UNLINK, KIND_TRUNCATE, KINDS };

static const char *const kind_names[KINDS] = { "write", "sync", "open", "rename", "unlink",
	"truncate" };

enum { ERROR_SHORT = -1, ERROR_TORN = -2 };

struct rule {
	enum kind kind;
	uint64_t first, count;
	int error; /* errno, or one of the above */
};

/* One change, as journal.py reads it; then the name, then the bytes. */
struct entry {
	uint8_t op;           /* W write, T truncate, B sync begins, E sync has ended, C created,
			       * R renamed, U unlinked, D directory made, M printed */
	uint8_t reserved[3];
	uint32_t name_bytes;  /* of C, U, D a name; of R the old one, 0, the new one */
	uint64_t inode;       /* what was changed */
	uint64_t place;       /* of W the offset, of T the size, of C, R, U, D the directory */
	uint64_t data_bytes;
};

static struct {
	pthread_mutex_t lock;
	char root[ROOT_MAX];
	size_t root_bytes; /* 0: nothing is watched */
	struct rule rules[RULES_MAX];
	size_t rule_count;
	uint64_t counts[KINDS];
	int journal;
	bool clock_set;
	uint64_t clock_writes;
	int64_t clock_step_ns;
} shim = { .lock = PTHREAD_MUTEX_INITIALIZER, .journal = -1 };

static _Noreturn void give_up(const char *what)
{
	dprintf(2, "fault-io: %s\n", what);
	_exit(99);
}

static int parse_error(const char *name)
{
	static const struct {
		const char *name;
		int error;
	} errors[] = { { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EROFS", EROFS },
		{ "SHORT", ERROR_SHORT }, { "TORN", ERROR_TORN } };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].error;
	give_up("unknown error in FAULT_RULES");
}

static void parse_rule(const char *text)
{
	struct rule rule = { .kind = KINDS };
	char name[16], error[16];

	if (sscanf(text, "%15s %lu %lu %15[A-Z]", name, &rule.first, &rule.count, error) != 4 ||
		shim.rule_count == RULES_MAX)
		give_up("cannot read FAULT_RULES");
	for (unsigned int i = 0; i < KINDS; i++)
		if (strcmp(kind_names[i], name) == 0)
			rule.kind = (enum kind)i;
	rule.error = parse_error(error);
	if (rule.kind == KINDS)
		give_up("unknown call in FAULT_RULES");
	shim.rules[shim.rule_count++] = rule;
}

static void parse_rules(const char *text)
{
	while (text && *text) {
		parse_rule(text);
		text = strchr(text, ',');
		text = text ? text + 1 : NULL;
	}
}

__attribute__((constructor)) static void set_up(void)
{
	const char *root = getenv("FAULT_ROOT"), *journal = getenv("FAULT_JOURNAL");
	const char *clock = getenv("FAULT_CLOCK");

	if (root && strlen(root) < sizeof(shim.root) - 1) {
		shim.root_bytes = strlen(root);
		memcpy(shim.root, root, shim.root_bytes);
	}
	parse_rules(getenv("FAULT_RULES"));
	if (journal) {
		shim.journal = (int)syscall(SYS_openat, AT_FDCWD, journal,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (shim.journal < 0)
			give_up("cannot write FAULT_JOURNAL");
	}
	if (clock) {
		long step_ms;

		if (sscanf(clock, "%lu %ld", &shim.clock_writes, &step_ms) != 2)
			give_up("cannot read FAULT_CLOCK");
		shim.clock_set = true;
		shim.clock_step_ns = step_ms * INT64_C(1000000);
	}
}

static void lock_shim(void)
{
	pthread_mutex_lock(&shim.lock);
}

static void unlock_shim(void)
{
	pthread_mutex_unlock(&shim.lock);
}

/* With errno as it was: what the real call has left there is the program's. */
static void note(struct entry entry, const char *name, size_t name_bytes, const void *data)
{
	struct iovec parts[3] = { { &entry, sizeof(entry) }, { (void *)name, name_bytes },
		{ (void *)data, entry.data_bytes } };
	size_t len = sizeof(entry) + name_bytes + entry.data_bytes;
	int saved = errno;

	if (shim.journal < 0)
		return;
	entry.name_bytes = (uint32_t)name_bytes;
	if (syscall(SYS_writev, shim.journal, parts, 3) != (long)len)
		give_up("cannot write the journal");
	errno = saved;
}

/* What an open descriptor leads to, if that lies below the root. False: not our business. */
static bool watch(int fd, uint64_t *ret_inode)
{
	char link[64], path[ROOT_MAX];
	struct stat status;
	int saved = errno;
	long n;

	*ret_inode = 0;
	if (shim.root_bytes == 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlink, link, path, sizeof(path) - 1);
	if (n >= (long)shim.root_bytes && memcmp(path, shim.root, shim.root_bytes) == 0 &&
		fstat(fd, &status) == 0)
		*ret_inode = status.st_ino;
	errno = saved;
	return *ret_inode != 0;
}

/* The directory that a path's last component is in, open; and that component. -1: none of ours. */
static int open_parent(int dir_fd, const char *path, uint64_t *ret_inode, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char parent[ROOT_MAX];
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	int saved = errno, fd;

	if (shim.root_bytes == 0 || len >= sizeof(parent))
		return -1;
	memcpy(parent, path, len);
	snprintf(parent + len, sizeof(parent) - len, ".");
	*ret_name = path + len;
	fd = (int)syscall(SYS_openat, dir_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd >= 0 && !watch(fd, ret_inode)) {
		syscall(SYS_close, fd);
		fd = -1;
	}
	errno = saved;
	return fd;
}

static void close_parent(int fd)
{
	int saved = errno;

	syscall(SYS_close, fd);
	errno = saved;
}

/* @return the error that this call shall fail with; 0 */
static int next_fault(enum kind kind)
{
	uint64_t number = __atomic_add_fetch(&shim.counts[kind], 1, __ATOMIC_RELAXED);

	for (size_t i = 0; i < shim.rule_count; i++) {
		const struct rule *rule = &shim.rules[i];

		if (rule->kind == kind && number >= rule->first &&
			number - rule->first < rule->count)
			return rule->error;
	}
	return 0;
}

/* @param offset  -1: where the file's position is */
static ssize_t put(int fd, const void *data, size_t len, off_t offset)
{
	if (offset < 0)
		return syscall(SYS_write, fd, data, len);
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

static ssize_t write_watched(int fd, const void *data, size_t len, off_t offset, uint64_t inode)
{
	off_t place = offset;
	ssize_t n;
	int error;

	lock_shim();
	error = next_fault(KIND_WRITE);
	if (offset < 0)
		place = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
	if (error > 0) {
		errno = error;
		n = -1;
	} else {
		n = put(fd, data, error < 0 && len > 1 ? len / 2 : len, offset);
	}
	if (n > 0)
		note((struct entry){ .op = 'W', .inode = inode, .place = (uint64_t)place,
			.data_bytes = (uint64_t)n }, NULL, 0, data);
	if (error == ERROR_TORN) {
		errno = EIO;
		n = -1;
	}
	unlock_shim();
	return n;
}

ssize_t write(int fd, const void *data, size_t len)
{
	uint64_t inode;

	if (watch(fd, &inode))
		return write_watched(fd, data, len, -1, inode);
	if (fd == STDOUT_FILENO && shim.journal >= 0) {
		lock_shim();
		note((struct entry){ .op = 'M', .data_bytes = len }, NULL, 0, data);
		unlock_shim();
	}
	return put(fd, data, len, -1);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	uint64_t inode;

	return watch(fd, &inode) ? write_watched(fd, data, len, offset, inode) :
		put(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
	__attribute__((alias("pwrite")));

int ftruncate(int fd, off_t size)
{
	uint64_t inode;
	int error, r;

	if (!watch(fd, &inode))
		return (int)syscall(SYS_ftruncate, fd, size);
	lock_shim();
	error = next_fault(KIND_TRUNCATE);
	errno = error;
	r = error ? -1 : (int)syscall(SYS_ftruncate, fd, size);
	if (r == 0)
		note((struct entry){ .op = 'T', .inode = inode, .place = (uint64_t)size }, NULL, 0,
			NULL);
	unlock_shim();
	return r;
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

/* What was written before it began is safe when it has ended: others may write meanwhile. */
static int sync_watched(int fd, long call)
{
	uint64_t inode;
	int error, r;

	if (!watch(fd, &inode))
		return (int)syscall(call, fd);
	lock_shim();
	error = next_fault(KIND_SYNC);
	note((struct entry){ .op = 'B', .inode = inode }, NULL, 0, NULL);
	unlock_shim();
	errno = error;
	r = error ? -1 : (int)syscall(call, fd);
	lock_shim();
	if (r == 0)
		note((struct entry){ .op = 'E', .inode = inode }, NULL, 0, NULL);
	unlock_shim();
	return r;
}

int fsync(int fd)
{
	return sync_watched(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_watched(fd, SYS_fdatasync);
}

static int open_watched(int dir_fd, const char *path, int flags, mode_t mode)
{
	uint64_t parent_inode, inode;
	const char *name;
	int parent, fd, error;
	bool there;

	parent = flags & O_CREAT ? open_parent(dir_fd, path, &parent_inode, &name) : -1;
	if (parent < 0)
		return (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	lock_shim();
	error = next_fault(KIND_OPEN);
	there = syscall(SYS_faccessat, parent, name, F_OK) == 0;
	errno = error;
	fd = error ? -1 : (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	if (fd >= 0 && watch(fd, &inode)) {
		if (!there)
			note((struct entry){ .op = 'C', .inode = inode, .place = parent_inode },
				name, strlen(name), NULL);
		else if (flags & O_TRUNC)
			note((struct entry){ .op = 'T', .inode = inode }, NULL, 0, NULL);
	}
	close_parent(parent);
	unlock_shim();
	return fd;
}

static mode_t take_mode(int flags, va_list args)
{
	return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(args, mode_t) : 0;
}

int openat(int dir_fd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = take_mode(flags, args);
	va_end(args);
	return open_watched(dir_fd, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = take_mode(flags, args);
	va_end(args);
	return open_watched(AT_FDCWD, path, flags, mode);
}

int openat64(int dir_fd, const char *path, int flags, ...) __attribute__((alias("openat")));
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int mkdirat(int dir_fd, const char *path, mode_t mode)
{
	uint64_t parent_inode;
	struct stat status;
	const char *name;
	int parent = open_parent(dir_fd, path, &parent_inode, &name), r;

	if (parent < 0)
		return (int)syscall(SYS_mkdirat, dir_fd, path, mode);
	lock_shim();
	r = (int)syscall(SYS_mkdirat, dir_fd, path, mode);
	if (r == 0 && fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		note((struct entry){ .op = 'D', .inode = status.st_ino, .place = parent_inode },
			name, strlen(name), NULL);
	close_parent(parent);
	unlock_shim();
	return r;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* Inside one directory, which is all that a log does. */
int renameat(int old_dir, const char *old_path, int new_dir, const char *new_path)
{
	uint64_t parent_inode, inode = 0;
	const char *old_name, *new_name = strrchr(new_path, '/');
	int parent = open_parent(old_dir, old_path, &parent_inode, &old_name);
	char names[512];
	struct stat status;
	int error, r, len;

	if (parent < 0)
		return (int)syscall(SYS_renameat, old_dir, old_path, new_dir, new_path);
	new_name = new_name ? new_name + 1 : new_path;
	lock_shim();
	error = next_fault(KIND_RENAME);
	if (fstatat(parent, old_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		inode = status.st_ino;
	errno = error;
	r = error ? -1 : (int)syscall(SYS_renameat, old_dir, old_path, new_dir, new_path);
	len = snprintf(names, sizeof(names), "%s%c%s", old_name, 0, new_name);
	if (r == 0 && len < (int)sizeof(names))
		note((struct entry){ .op = 'R', .inode = inode, .place = parent_inode }, names,
			(size_t)len, NULL);
	close_parent(parent);
	unlock_shim();
	return r;
}

int rename(const char *old_path, const char *new_path)
{
	return renameat(AT_FDCWD, old_path, AT_FDCWD, new_path);
}

int unlinkat(int dir_fd, const char *path, int flags)
{
	uint64_t parent_inode;
	const char *name;
	int parent = open_parent(dir_fd, path, &parent_inode, &name), error, r;

	if (parent < 0)
		return (int)syscall(SYS_unlinkat, dir_fd, path, flags);
	lock_shim();
	error = next_fault(KIND_UNLINK);
	errno = error;
	r = error ? -1 : (int)syscall(SYS_unlinkat, dir_fd, path, flags);
	if (r == 0)
		note((struct entry){ .op = 'U', .place = parent_inode }, name, strlen(name), NULL);
	close_parent(parent);
	unlock_shim();
	return r;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
	int64_t ns;
	int r = (int)syscall(SYS_clock_gettime, id, ret_time);

	if (r < 0 || id != CLOCK_REALTIME || !shim.clock_set ||
		__atomic_load_n(&shim.counts[KIND_WRITE], __ATOMIC_RELAXED) < shim.clock_writes)
		return r;
	ns = ret_time->tv_sec * INT64_C(1000000000) + ret_time->tv_nsec + shim.clock_step_ns;
	ret_time->tv_sec = ns / INT64_C(1000000000);
	ret_time->tv_nsec = ns % INT64_C(1000000000);
	return r;
}

/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/keyctl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

/* Channels that are no files: memory, queues, semaphores and keys, by key, by id, by nothing. */

#define PAGE 4096
#define SHARED(prot) ((prot) | (long)MAP_SHARED << 32)

static const char *labelled(const char *what, int key)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s key 0x%08x", what, (unsigned int)key);
	return text;
}

static const char *numbered(const char *what, int id)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s:[%d]", what, id);
	return text;
}

static void segments(int key)
{
	int id = (int)OK(shmget, key, 2 * PAGE, IPC_CREAT | IPC_EXCL | 0600);
	const char *label = labelled("shm", key);
	char *writable, *readable;

	WANT(.op = "ipcget", .label = label, .flag = "created");
	OK(shmget, key, 0, 0);
	WANT(.op = "ipcget", .label = label);
	writable = (char *)OK(shmat, id, NULL, 0);
	WANT(.op = "mmap", .label = label, .has_arg = 1, .arg = SHARED(PROT_READ | PROT_WRITE));
	writable[0] = 'w';
	readable = (char *)OK(shmat, id, NULL, SHM_RDONLY);
	WANT(.op = "mmap", .label = label, .has_arg = 1, .arg = SHARED(PROT_READ));
	OK(munmap, readable, PAGE); /* only half of it */
	OK(munmap, readable + PAGE, PAGE);
	WANT(.op = "munmap", .label = label);
	OK(shmctl, id, IPC_RMID, NULL);
	WANT(.op = "unlink", .label = label);
	OK(shmdt, writable);
	WANT(.op = "munmap", .label = label);
	FAIL(EINVAL, shmat, id, NULL, 0);
	WANT(.op = "mmap");
}

struct message {
	long type;
	char text[8];
};

static void queues(int key)
{
	struct message message = { .type = 1, .text = "message" };
	int id = (int)OK(msgget, key, IPC_CREAT | 0600);
	const char *label = labelled("message queue", key);

	WANT(.op = "ipcget", .label = label, .flag = "created");
	OK(msgsnd, id, &message, 7, 0);
	WANT(.op = "send", .label = label, .has_arg = 1, .arg = 7);
	OK(msgrcv, id, &message, 8, 0, 0);
	WANT(.op = "recv", .label = label);
	FAIL(ENOMSG, msgrcv, id, &message, 8, 0, IPC_NOWAIT);
	WANT(.op = "recv", .label = label);
	OK(msgctl, id, IPC_RMID, NULL);
	WANT(.op = "unlink", .label = label);
}

static void semaphores(void)
{
	struct sembuf down = { .sem_op = -1 };
	int id = (int)OK(semget, IPC_PRIVATE, 2, 0600);
	const char *label = numbered("semaphores", id);

	WANT(.op = "ipcget", .label = label, .flag = "created");
	OK(semctl, id, 0, SETVAL, 2);
	WANT(.op = "write", .label = label);
	OK(semop, id, &down, 1);
	WANT(.op = "semop", .label = label, .has_arg = 1, .arg = 1);
	OK(semtimedop, id, &down, 1, NULL);
	WANT(.op = "semop", .label = label);
	OK(semctl, id, 0, GETVAL, 0);
	WANT(.op = "read", .label = label);
	OK(semctl, id, 0, IPC_RMID, 0);
	WANT(.op = "unlink", .label = label);
}

static void posix_queues(const char *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	char bytes[8];
	int fd = (int)OK(mq_open, name, O_RDWR | O_CREAT, 0600, &attributes);

	WANT(.op = "open", .fd = fd);
	OK(mq_timedsend, fd, "message", 7, 0, NULL);
	WANT(.op = "send", .fd = fd);
	OK(mq_timedreceive, fd, bytes, sizeof(bytes), NULL, NULL);
	WANT(.op = "recv", .fd = fd);
	OK(mq_unlink, name);
	WANT(.op = "unlink");
	WANT(.op = "close", .call = "close", .fd = fd, .has_result = 1);
	OK(close, fd);
	FAIL(ENOENT, mq_open, name, O_RDWR, 0, NULL);
	WANT(.op = "open");
}

/* Number 2 of two: they have one inode between them. */
static void event_descriptors(void)
{
	uint64_t count = 3;
	int other = (int)OK(eventfd2, 0, 0), fd;

	WANT(.op = "ipcget", .flag = "created");
	fd = (int)OK(eventfd2, 1, 0);
	WANT(.op = "ipcget", .flag = "created", .has_arg = 1, .arg = 1);
	OK(write, fd, &count, sizeof(count));
	WANT(.op = "write");
	OK(read, fd, &count, sizeof(count));
	WANT(.op = "read");
	OK(close, fd);
	WANT(.op = "close");
	OK(close, other);
	WANT(.op = "close");
}

/* Without a file, of /dev/zero, moved about, and shared with a child. */
static void mappings(void)
{
	char *at = (char *)OK(mmap, NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0), *twice;
	pid_t child;
	int zero;

	WANT(.op = "mmap", .has_arg = 1,
		.arg = PROT_READ | PROT_WRITE | (long)(MAP_SHARED | MAP_ANONYMOUS) << 32);
	child = want_fork();
	if (!child) {
		at[0] = 'c';
		OK(munmap, at, 4 * PAGE);
		WANT(.op = "munmap", .flag = "derived");
		want_exit(0);
	}
	want_wait(child, 0);
	at = (char *)OK(mremap, at, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	twice = (char *)OK(mremap, at, 0, PAGE, MREMAP_MAYMOVE);
	WANT(.op = "mmap", .flag = "derived");
	OK(munmap, twice, PAGE);
	WANT(.op = "munmap", .flag = "derived");
	OK(munmap, at, 8 * PAGE);
	WANT(.op = "munmap", .flag = "derived");

	zero = want_open("/dev/zero", O_RDWR);
	at = (char *)OK(mmap, NULL, PAGE, PROT_READ, MAP_SHARED, zero, 0);
	WANT(.op = "mmap", .has_arg = 1, .arg = SHARED(PROT_READ));
	OK(munmap, at, PAGE);
	WANT(.op = "munmap");
}

/* What the kernel keeps for whoever may read it. */
static void keys(void)
{
	char bytes[16];
	int key = (int)OK(add_key, "user", "lemona-w", "secret", 6, KEY_SPEC_PROCESS_KEYRING);
	const char *label = numbered("key", key);

	WANT(.op = "ipcget", .label = label, .flag = "created");
	MUST(OK(request_key, "user", "lemona-w", NULL, KEY_SPEC_PROCESS_KEYRING) == key);
	WANT(.op = "ipcget", .label = label);
	OK(keyctl, KEYCTL_UPDATE, key, "other", 5, 0);
	WANT(.op = "write", .label = label, .has_arg = 1, .arg = KEYCTL_UPDATE);
	OK(keyctl, KEYCTL_READ, key, bytes, sizeof(bytes), 0);
	WANT(.op = "read", .label = label, .has_arg = 1, .arg = KEYCTL_READ);
	OK(keyctl, KEYCTL_LINK, key, KEY_SPEC_THREAD_KEYRING, 0, 0);
	WANT(.op = "copy", .label = label);
	OK(keyctl, KEYCTL_DESCRIBE, key, bytes, sizeof(bytes), 0);
	WANT(.op = "stat", .label = label);
	OK(keyctl, KEYCTL_REVOKE, key, 0, 0, 0);
	WANT(.op = "unlink", .label = label);
	FAIL(EKEYREVOKED, keyctl, KEYCTL_READ, key, bytes, sizeof(bytes), 0);
	WANT(.op = "read", .label = label);
}

int main(int argc, char **argv)
{
	char name[64];

	want_begin(argc, argv);
	segments(0x1e300000 | getpid());
	queues(0x1e400000 | getpid());
	semaphores();
	snprintf(name, sizeof(name), "lemona-w-ipc-%d", getpid());
	posix_queues(name);
	event_descriptors();
	mappings();
	keys();
	want_end();
}

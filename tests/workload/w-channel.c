/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/*
 * w-channel CHANNEL IN OUT: one child reads IN and gives it to another, which
 * writes OUT. Nothing but the channel leads from one to the other: even their
 * order is kept by time alone, because whatever else they could wait for would
 * be a channel itself.
 */
#define BOX_BYTES 64
#define GIVE_AFTER_US 60000
#define TAKE_AFTER_US 160000
#define LEAVE_AFTER_US 300000
#define GIVEN 3 /* the first free descriptor */

static char box[BOX_BYTES]; /* at the same address in both */
static const char *channel, *out;
static int descriptor = -1, id = -1;
static char *shared;
static pid_t giver;

static void need(bool cond, const char *what)
{
	if (cond)
		return;
	fprintf(stderr, "w-channel %s: %s: %s\n", channel, what, strerror(errno));
	exit(1);
}

static void nothing(void)
{
}

static void map_anonymous(void)
{
	shared = mmap(NULL, BOX_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(shared != MAP_FAILED, "mmap");
}

static void map_descriptor(void)
{
	need(descriptor >= 0, "open");
	shared = mmap(NULL, BOX_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	need(shared != MAP_FAILED, "mmap");
}

static void map_zero(void)
{
	descriptor = open("/dev/zero", O_RDWR);
	map_descriptor();
}

/* Each maps it for itself: what they share is the file, not the mapping. */
static void map_file(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.map", out);
	descriptor = open(path, O_RDWR | O_CREAT, 0600);
	need(descriptor >= 0 && ftruncate(descriptor, 4096) == 0, path);
	map_descriptor();
}

static void give_mapped(void)
{
	memcpy(shared, box, BOX_BYTES);
}

static void take_mapped(void)
{
	memcpy(box, shared, BOX_BYTES);
}

static void give_file(void)
{
	map_file();
	give_mapped();
}

static void take_file(void)
{
	map_file();
	take_mapped();
}

static void make_segment(void)
{
	id = shmget(IPC_PRIVATE, BOX_BYTES, 0600);
	need(id >= 0, "shmget");
}

static void give_segment(void)
{
	shared = shmat(id, NULL, 0);
	need(shared != (void *)-1, "shmat");
	give_mapped();
}

static void take_segment(void)
{
	shared = shmat(id, NULL, SHM_RDONLY);
	need(shared != (void *)-1, "shmat");
	take_mapped();
	need(shmdt(shared) == 0 && shmctl(id, IPC_RMID, NULL) == 0, "shmctl");
}

struct message {
	long type;
	char text[BOX_BYTES];
};

static void make_queue(void)
{
	id = msgget(IPC_PRIVATE, 0600);
	need(id >= 0, "msgget");
}

static void give_queue(void)
{
	struct message message = { .type = 1 };

	memcpy(message.text, box, BOX_BYTES);
	need(msgsnd(id, &message, BOX_BYTES, 0) == 0, "msgsnd");
}

static void take_queue(void)
{
	struct message message;

	need(msgrcv(id, &message, BOX_BYTES, 0, 0) == BOX_BYTES, "msgrcv");
	memcpy(box, message.text, BOX_BYTES);
	need(msgctl(id, IPC_RMID, NULL) == 0, "msgctl");
}

static void make_semaphore(void)
{
	id = semget(IPC_PRIVATE, 1, 0600);
	need(id >= 0, "semget");
}

static void give_semaphore(void)
{
	need(semctl(id, 0, SETVAL, (int)box[0]) == 0, "semctl");
}

static void take_semaphore(void)
{
	int value = semctl(id, 0, GETVAL);

	need(value >= 0, "semctl");
	box[0] = (char)value;
	need(semctl(id, 0, IPC_RMID) == 0, "semctl");
}

static void make_posix_queue(void)
{
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = BOX_BYTES };
	char name[64];

	snprintf(name, sizeof(name), "/lemona-w-channel-%d", getpid());
	descriptor = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	need(descriptor >= 0 && mq_unlink(name) == 0, "mq_open");
}

static void give_posix_queue(void)
{
	need(mq_send(descriptor, box, BOX_BYTES, 0) == 0, "mq_send");
}

static void take_posix_queue(void)
{
	need(mq_receive(descriptor, box, BOX_BYTES, NULL) == BOX_BYTES, "mq_receive");
}

static void make_event(void)
{
	/* Another one beside it: all of them share one inode. */
	need(eventfd(0, 0) >= 0, "eventfd");
	descriptor = eventfd(0, 0);
	need(descriptor >= 0, "eventfd");
}

static void give_event(void)
{
	uint64_t count = (unsigned char)box[0];

	need(write(descriptor, &count, sizeof(count)) == sizeof(count), "write");
}

static void take_event(void)
{
	uint64_t count;

	need(read(descriptor, &count, sizeof(count)) == sizeof(count), "read");
	box[0] = (char)count;
}

static void take_memory(void)
{
	struct iovec here = { box, BOX_BYTES }, there = { box, BOX_BYTES };

	need(process_vm_readv(giver, &here, 1, &there, 1, 0) == BOX_BYTES, "process_vm_readv");
}

/* The other's memory as a file. */
static void take_memory_file(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", giver);
	fd = open(path, O_RDONLY);
	need(fd >= 0 && pread(fd, box, BOX_BYTES, (off_t)(uintptr_t)box) == BOX_BYTES, path);
}

/* What the other has open, by its number. */
static void give_descriptor(void)
{
	descriptor = (int)syscall(SYS_memfd_create, "given", 0);
	need(descriptor == GIVEN && write(descriptor, box, BOX_BYTES) == BOX_BYTES, "memfd");
}

static void take_descriptor(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, giver, 0);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, GIVEN, 0);

	need(fd >= 0 && pread(fd, box, BOX_BYTES, 0) == BOX_BYTES, "pidfd_getfd");
}

/* Two pairs: the masters of all of them are opens of one file. */
static void make_terminals(void)
{
	struct termios raw;
	int beside = posix_openpt(O_RDWR | O_NOCTTY), end;

	descriptor = posix_openpt(O_RDWR | O_NOCTTY);
	need(beside >= 0 && descriptor >= 0 && unlockpt(descriptor) == 0, "/dev/ptmx");
	end = open(ptsname(descriptor), O_RDWR | O_NOCTTY);
	need(end >= 0 && tcgetattr(end, &raw) == 0, "the other end");
	cfmakeraw(&raw);
	need(tcsetattr(end, TCSANOW, &raw) == 0, "tcsetattr");
	id = end;
}

static void write_box(int fd)
{
	need(write(fd, box, BOX_BYTES) == BOX_BYTES, "write");
}

static void read_box(int fd)
{
	need(read(fd, box, BOX_BYTES) == BOX_BYTES, "read");
}

static void give_typed(void)
{
	write_box(descriptor);
}

static void take_typed(void)
{
	read_box(id);
}

static void give_shown(void)
{
	write_box(id);
}

static void take_shown(void)
{
	read_box(descriptor);
}

static const struct {
	const char *name;
	void (*make)(void);
	void (*give)(void);
	void (*take)(void);
} channels[] = {
	{ "none", nothing, nothing, nothing },
	{ "anonymous", map_anonymous, give_mapped, take_mapped },
	{ "zero", map_zero, give_mapped, take_mapped },
	{ "file", nothing, give_file, take_file },
	{ "segment", make_segment, give_segment, take_segment },
	{ "queue", make_queue, give_queue, take_queue },
	{ "semaphore", make_semaphore, give_semaphore, take_semaphore },
	{ "posix-queue", make_posix_queue, give_posix_queue, take_posix_queue },
	{ "event", make_event, give_event, take_event },
	{ "memory", nothing, nothing, take_memory },
	{ "memory-file", nothing, nothing, take_memory_file },
	{ "descriptor", nothing, give_descriptor, take_descriptor },
	{ "typed", make_terminals, give_typed, take_typed },
	{ "shown", make_terminals, give_shown, take_shown },
};

#define CHANNELS (sizeof(channels) / sizeof(*channels))

/* The box from a file or to it. */
static void move_box(const char *path, bool from)
{
	int fd = open(path, from ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	need(fd >= 0, path);
	n = from ? read(fd, box, BOX_BYTES) : write(fd, box, BOX_BYTES);
	need(n > 0 && close(fd) == 0, path);
}

static pid_t start(unsigned int which, const char *in)
{
	pid_t child = fork();

	need(child >= 0, "fork");
	if (child)
		return child;
	usleep(in ? GIVE_AFTER_US : TAKE_AFTER_US);
	if (in) {
		move_box(in, true);
		channels[which].give();
		usleep(LEAVE_AFTER_US);
	} else {
		channels[which].take();
		move_box(out, false);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned int which = 0;
	int status;

	need(argc == 4, "usage: w-channel CHANNEL IN OUT");
	channel = argv[1];
	out = argv[3];
	while (which < CHANNELS && strcmp(channels[which].name, channel))
		which++;
	need(which < CHANNELS, "no such channel");
	channels[which].make();
	giver = start(which, argv[2]);
	(void)start(which, NULL);
	for (int i = 0; i < 2; i++)
		need(wait(&status) > 0 && status == 0, "a child failed");
	return 0;
}

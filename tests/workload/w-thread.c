/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <pthread.h>
#include <sched.h>

/* Threads, and processes that share memory or descriptors without being threads. */

static pid_t thread_tid;

static void *thread_main(void *arg)
{
	__atomic_store_n(&thread_tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	want_file(arg, "by a thread");
	return NULL;
}

static void threads(void)
{
	static char names[3][16] = { "thread-0", "thread-1", "thread-2" };

	for (int i = 0; i < 3; i++) {
		pthread_t thread;

		MUST(pthread_create(&thread, NULL, thread_main, names[i]) == 0);
		MUST(pthread_join(thread, NULL) == 0);
		WANT(.op = "thread", .call = "", .has_result = 1, .result = thread_tid);
	}
}

/* A descriptor that one thread opened is used by another. */
static int handed;

static void *opener(void *arg)
{
	handed = want_open("handed", O_RDWR | O_CREAT);
	return arg;
}

static void *writer(void *arg)
{
	want_write(handed, "handed", "by the other thread");
	return arg;
}

static void handing(void)
{
	void *(*const mains[])(void *) = { opener, writer };

	for (int i = 0; i < 2; i++) {
		pthread_t thread;

		MUST(pthread_create(&thread, NULL, mains[i], NULL) == 0);
		MUST(pthread_join(thread, NULL) == 0);
		WANT(.op = "thread", .call = "", .no_result = 1);
	}
	want_close(handed, "handed");
}

static int sharing_main(void *arg)
{
	want_file(arg, "by a child in the same memory");
	syscall(SYS_exit_group, 0);
	return 0;
}

static void shared_memory(void)
{
	static char stack[256 * 1024] __attribute__((aligned(16)));
	static char name[] = "clone-vm";
	pid_t child = clone(sharing_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, name);

	MUST(child > 0);
	MUST(waitpid(child, NULL, 0) == child);
	WANT(.op = "fork", .call = "clone", .target = child, .has_result = 1, .result = child,
		.flag = "vm-shared");
	WANT(.op = "exit", .pid = child, .has_result = 1);
}

static void vforked(void)
{
	pid_t child = vfork();

	if (!child) {
		want_file("vforked", "by a child that borrows memory");
		want_exit(0);
	}
	MUST(child > 0);
	WANT(.op = "fork", .call = "vfork", .target = child, .has_result = 1, .result = child,
		.flag = "vm-shared");
	want_wait(child, 0);
}

/* Two processes with one descriptor table. */
static void shared_files(void)
{
	pid_t child = (pid_t)OK(clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	int fd = 3;

	if (!child) {
		want_open("table", O_RDWR | O_CREAT);
		want_exit(0);
	}
	WANT(.op = "fork", .target = child);
	want_wait(child, 0);
	while (fcntl(fd, F_GETFD) < 0)
		fd++;
	want_write(fd, "table", "through the child's descriptor");
	want_close(fd, "table");
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	threads();
	handing();
	shared_memory();
	vforked();
	shared_files();
	want_end();
}

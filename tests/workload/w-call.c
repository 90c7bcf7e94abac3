/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <time.h>

/*
 * System calls as such, for level full: each line says number or name,
 * arguments and result of one call, in the order in which they were made.
 *
 * usage: w-call FILE [again]
 */
#define NO_SUCH_CALL 1000

static FILE *said;

static void say(const char *call, long result, int count, const long args[6])
{
	fprintf(said, "{\"pid\":%d,\"call\":\"%s\",\"args\":[", getpid(), call);
	for (int i = 0; i < count; i++)
		fprintf(said, "%s%ld", i ? "," : "", args[i]);
	fprintf(said, "],\"result\":%ld}\n", result < 0 ? -errno : result);
}

#define DO(name, count, ...) \
	say(#name, syscall(SYS_##name, ##__VA_ARGS__), count, (long[6]){ __VA_ARGS__ })

/* The 32-bit entry; nothing that it points to. */
static long enter32(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "0"(nr), "b"(a), "c"(b), "d"(c)
			 : "r8", "r9", "r10", "r11", "memory");
	return result;
}

static void on_signal(int number)
{
}

static void run_again(const char *program, const char *path)
{
	char *argv[] = { (char *)program, (char *)path, (char *)"again", NULL };
	char *envp[] = { NULL };

	say("execve", 0, 3, (long[6]){ (long)program, (long)argv, (long)envp });
	fclose(said);
	syscall(SYS_execve, program, argv, envp);
	_exit(1);
}

int main(int argc, char **argv)
{
	const struct timespec nap = { .tv_nsec = 5000000 };
	char bytes[4];
	pid_t child;
	int fd;

	if (argc < 2)
		return 2;
	said = fopen(argv[1], "ae");
	MUST(said);
	if (argc > 2) {
		say("exit_group", 0, 1, (long[6]){ 3 });
		fclose(said);
		syscall(SYS_exit_group, 3);
	}
	fd = fileno(said);
	DO(getppid, 0);
	DO(close, 1, -1);
	DO(lseek, 3, fd, -5L, SEEK_SET);
	DO(pread64, 4, fd, (long)bytes, 3L, 5L);
	DO(mmap, 6, 0L, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
	DO(futex, 6, (long)bytes, 1, 1, 0L, 0L, 0); /* waited for by nobody, influences nobody */
	say("", syscall(NO_SUCH_CALL, 1L, 2L, 3L, 4L, 5L, 6L), 6, (long[6]){ 1, 2, 3, 4, 5, 6 });
	errno = EBADF;
	say("i386:lseek", enter32(19, -1, -2, 0), 3, (long[6]){ -1, -2, 0 });
	DO(nanosleep, 2, (long)&nap, 0L);
	MUST(signal(SIGUSR1, on_signal) != SIG_ERR);
	DO(kill, 2, getpid(), SIGUSR1); /* and returns from the handler */
	fflush(said);
	child = (pid_t)syscall(SYS_fork);
	if (child == 0) {
		say("exit", 0, 1, (long[6]){ 7 });
		fflush(said);
		syscall(SYS_exit, 7);
	}
	say("fork", child, 0, (long[6]){ 0 });
	DO(wait4, 4, child, 0L, 0, 0L);
	run_again("/proc/self/exe", argv[1]); /* argv[0] may be of PATH */
}

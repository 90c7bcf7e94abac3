/* SPDX-License-Identifier: MIT */

/*
 * A 32-bit program without a C library, and the interpreter of one: the same code, linked twice. As
 * the interpreter it is what runs, and makes the file "out" in the working directory.
 */
#define NR_exit 1
#define NR_write 4
#define NR_creat 8

static int call(int nr, int a, const void *b, int c)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

void _start(void);

/* Nobody has relocated anything: text on the stack, no pointers. */
void _start(void)
{
	const char name[] = { 'o', 'u', 't', 0 }, text[] = { 'x' };
	int fd = call(NR_creat, (int)(__UINTPTR_TYPE__)name, (void *)0644, 0);

	call(NR_exit, call(NR_write, fd, text, sizeof(text)) != sizeof(text), 0, 0);
	__builtin_unreachable();
}

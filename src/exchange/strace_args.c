/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lemona/base/cleanup.h"
#include "strace.h"
#include "text.h"

#define WORD(name) { #name, (uint64_t)(name) }

/* Words that say what a call has done; of all others only their presence would be known. */
static const struct {
	const char *name;
	uint64_t value;
} words[] = {
	WORD(O_WRONLY), WORD(O_RDWR), WORD(O_CREAT), WORD(O_EXCL), WORD(O_TRUNC), WORD(O_APPEND),
	WORD(O_CLOEXEC), WORD(O_DIRECTORY), WORD(O_NONBLOCK), WORD(O_PATH), WORD(O_TMPFILE),
	WORD(PROT_READ), WORD(PROT_WRITE), WORD(PROT_EXEC), WORD(MAP_SHARED), WORD(MAP_PRIVATE),
	WORD(MAP_ANONYMOUS), WORD(MAP_FIXED), { "MAP_SHARED_VALIDATE", 3 }, WORD(SOCK_STREAM),
	WORD(SOCK_DGRAM), WORD(SOCK_RAW), WORD(SOCK_SEQPACKET), WORD(SOCK_CLOEXEC),
	WORD(SOCK_NONBLOCK), WORD(AF_UNIX), WORD(AF_INET), WORD(AF_INET6), WORD(AF_NETLINK),
	WORD(AF_PACKET), { "IPPROTO_TCP", 6 }, { "IPPROTO_UDP", 17 }, { "IPPROTO_ICMP", 1 },
	WORD(CLONE_VM), WORD(CLONE_FILES), WORD(CLONE_THREAD), WORD(CLONE_VFORK),
	WORD(CLONE_NEWNS),
	WORD(CLONE_NEWPID), WORD(CLONE_NEWNET), WORD(CLONE_NEWUSER), WORD(CLONE_FS),
	WORD(F_DUPFD), WORD(F_SETFD), WORD(F_GETFD), WORD(F_GETFL), WORD(F_SETFL), WORD(F_GETLK),
	WORD(F_SETLK), WORD(F_SETLKW), WORD(F_DUPFD_CLOEXEC), WORD(FD_CLOEXEC),
	WORD(AT_REMOVEDIR), WORD(AT_SYMLINK_NOFOLLOW), WORD(AT_SYMLINK_FOLLOW),
	WORD(AT_EMPTY_PATH),
	WORD(RENAME_NOREPLACE), WORD(RENAME_EXCHANGE), WORD(S_IFREG), WORD(S_IFCHR), WORD(S_IFBLK),
	WORD(S_IFIFO), WORD(S_IFSOCK), WORD(S_IFDIR), { "MFD_CLOEXEC", 1 },
	{ "EFD_CLOEXEC", O_CLOEXEC },
	{ "CLOSE_RANGE_CLOEXEC", 4 },
};

static uint64_t signal_number(struct lm_str word)
{
	for (int number = 1; number < NSIG; number++) {
		const char *name = sigabbrev_np(number);

		if (name && lm_str_equal(word, lm_str_from(name)))
			return (uint64_t)number;
	}
	return 0;
}

static uint64_t word_value(struct lm_str word)
{
	struct lm_str rest = word;

	for (size_t i = 0; i < LM_ARRAY_SIZE(words); i++)
		if (lm_str_equal(word, lm_str_from(words[i].name)))
			return words[i].value;
	return text_skip(&rest, "SIG") ? signal_number(rest) : 0;
}

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		c == '_';
}

static struct lm_str take_word(struct lm_str *text)
{
	struct lm_str word = { text->data, 0 };

	while (word.len < text->len && is_word(word.data[word.len]))
		word.len++;
	text->data += word.len;
	text->len -= word.len;
	return word;
}

uint64_t strace_number(struct lm_str text)
{
	uint64_t value = 0, part;

	if (text_skip(&text, "AT_FDCWD"))
		return (uint64_t)(int64_t)CALL_AT_FDCWD;
	if (text_skip(&text, "-"))
		return 0 - text_u64(text, 0);
	while (text.len) {
		struct lm_str word;

		if (!text_take_u64(&text, 0, &part)) {
			word = take_word(&text);
			if (!word.len)
				break;
			part = word_value(word);
		}
		value |= part;
		if (!text_skip(&text, "|"))
			break;
	}
	return value;
}

struct lm_str strace_field(struct lm_str text, const char *name)
{
	const char *found = text.len ? memmem(text.data, text.len, name, strlen(name)) : NULL;

	if (!found)
		return LM_STR_NONE;
	found += strlen(name);
	return (struct lm_str){ found, text.len - (uint32_t)(found - text.data) };
}

#define RESTARTS_FIRST 512 /* ERESTARTSYS and its kin: linux/errno.h, not for user space */

static int64_t error_number(struct lm_str word)
{
	for (int number = 1; number < RESTARTS_FIRST; number++) {
		const char *name = strerrorname_np(number);

		if (name && lm_str_equal(word, lm_str_from(name)))
			return number;
	}
	return text_skip(&word, "ERESTART") ? EINTR : EIO;
}

bool strace_result(struct lm_str text, int64_t *ret_result)
{
	bool negative = text_skip(&text, "-");
	uint64_t value;

	if (text_skip(&text, "? ")) {
		*ret_result = -error_number(take_word(&text));
		return true;
	}
	if (!text_take_u64(&text, 0, &value))
		return false;
	*ret_result = negative ? -(int64_t)(value & INT64_MAX) : (int64_t)value;
	if (negative && text_skip(&text, " E")) {
		text.data--;
		text.len++;
		*ret_result = -error_number(take_word(&text));
	}
	return true;
}

static int escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case 'v':
		return '\v';
	case 'f':
		return '\f';
	}
	return (uint8_t)c;
}

#define OCTAL_MAX 3

/* Behind a backslash. */
static int take_escape(struct lm_str *text)
{
	char c = *text->data;
	int value = 0;
	uint32_t digits = 0;

	if (c == 'x' && text->len >= 3) {
		value = (int)text_u64((struct lm_str){ text->data + 1, 2 }, 16);
		text->data += 3;
		text->len -= 3;
		return value;
	}
	while (digits < OCTAL_MAX && digits < text->len && text->data[digits] >= '0' &&
		text->data[digits] <= '7')
		value = value * 8 + text->data[digits++] - '0';
	if (digits == 0) {
		value = escaped(c);
		digits = 1;
	}
	text->data += digits;
	text->len -= digits;
	return value;
}

int strace_unquote(struct lm_str text, struct lm_buffer *to, struct lm_str *ret_rest)
{
	if (!text_skip(&text, "\""))
		return -1;
	while (text.len && *text.data != '"') {
		char c = *text.data++;

		text.len--;
		if (c == '\\' && text.len)
			lm_buffer_append_byte(to, (uint8_t)take_escape(&text));
		else
			lm_buffer_append_byte(to, (uint8_t)c);
	}
	if (!text_skip(&text, "\""))
		return -1;
	*ret_rest = text;
	return text_skip(ret_rest, "...") ? 0 : 1;
}

/* One step through the text of arguments. @return how deep it stands in brackets then */
static int step(struct lm_str text, uint32_t *at, int depth)
{
	char c = text.data[*at];

	if (c == '"') {
		for (++*at; *at < text.len && text.data[*at] != '"'; ++*at)
			if (text.data[*at] == '\\')
				++*at;
		++*at;
		return depth;
	}
	if (c == '/' && *at + 1 < text.len && text.data[*at + 1] == '*') {
		const char *end = memmem(text.data + *at, text.len - *at, "*/", 2);

		*at = end ? (uint32_t)(end - text.data) + 2 : text.len;
		return depth;
	}
	/* 1<<CAP_CHOWN, and the arrow in <TCP:[...->...]> */
	if (*at + 1 < text.len && ((c == '<' && text.data[*at + 1] == '<') ||
		((c == '-' || c == '=') && text.data[*at + 1] == '>'))) {
		*at += 2;
		return depth;
	}
	++*at;
	if (c == '(' || c == '[' || c == '{' || c == '<')
		return depth + 1;
	if (c == ')' || c == ']' || c == '}' || c == '>')
		return depth - 1;
	return depth;
}

static struct lm_str trimmed(struct lm_str text)
{
	text_skip_blanks(&text);
	while (text.len && text.data[text.len - 1] == ' ')
		text.len--;
	return text;
}

bool strace_split(struct lm_str text, struct strace_args *ret_args)
{
	struct strace_args args = { .count = 0 };
	uint32_t at = 0, begin = 0;
	int depth = 0;

	while (at < text.len) {
		uint32_t here = at;
		char c = text.data[at];

		depth = step(text, &at, depth);
		if (at > text.len || (depth >= 0 && (c != ',' || depth > 0)))
			continue;
		if (here > begin || c == ',') {
			if (args.count == STRACE_ARGS_MAX)
				return false;
			args.at[args.count++] = trimmed(
				(struct lm_str){ text.data + begin, here - begin });
		}
		begin = at;
		if (depth < 0)
			break;
	}
	if (depth >= 0 || at > text.len)
		return false;
	text.data += at;
	text.len -= at;
	text_skip_blanks(&text);
	if (!text_skip(&text, "= "))
		return false;
	args.result = text;
	*ret_args = args;
	return true;
}

/* "80)" behind "htons(" */
static uint16_t port_of(struct lm_str text, const char *name)
{
	return (uint16_t)text_u64(strace_field(text, name), 10);
}

static bool ip_of(struct lm_str text, const char *before, int family, uint8_t ip[16])
{
	LM_BUFFER struct lm_buffer address = LM_BUFFER_INIT;
	struct lm_str rest;

	if (strace_unquote(strace_field(text, before), &address, &rest) != 1)
		return false;
	lm_buffer_append_byte(&address, '\0');
	return lm_buffer_status(&address) == 0 &&
		inet_pton(family, (const char *)address.data, ip) == 1;
}

bool strace_address(struct lm_str text, struct lm_buffer *to, struct lm_address *ret_address)
{
	struct lm_address address = { 0 };
	struct lm_str path = strace_field(text, "sun_path="), rest;
	size_t at = to->len;

	if (text_has(text, "sa_family=AF_INET,")) {
		address.family = LM_AF_INET;
		address.port = port_of(text, "sin_port=htons(");
		if (!ip_of(text, "inet_addr(", AF_INET, address.ip))
			return false;
	} else if (text_has(text, "sa_family=AF_INET6,")) {
		address.family = LM_AF_INET6;
		address.port = port_of(text, "sin6_port=htons(");
		if (!ip_of(text, "inet_pton(AF_INET6, ", AF_INET6, address.ip))
			return false;
	} else if (path.len) {
		address.family = LM_AF_UNIX;
		if (text_skip(&path, "@"))
			lm_buffer_append_byte(to, '@');
		if (strace_unquote(path, to, &rest) != 1 || lm_buffer_status(to) < 0)
			return false;
		address.path = (struct lm_str){ (const char *)to->data + at,
			(uint32_t)(to->len - at) };
	} else {
		return false;
	}
	*ret_address = address;
	return true;
}

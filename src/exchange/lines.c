/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include <errno.h>
#include <unistd.h>

#define CHUNK_BYTES (64u << 10)

void lines_release(struct lines *lines)
{
	lm_buffer_release(&lines->bytes);
}

static size_t left(const struct lines *lines)
{
	return lines->bytes.len - lines->at;
}

/* NULL when nothing is left of what was read. */
static const char *first(const struct lines *lines)
{
	return left(lines) ? (const char *)lines->bytes.data + lines->at : NULL;
}

/* What was handed out gives its room to what comes. */
static void move_to_front(struct lines *lines)
{
	size_t count = left(lines);

	if (lines->at == 0)
		return;
	if (count > 0)
		memmove(lines->bytes.data, lines->bytes.data + lines->at, count);
	lines->bytes.len = count;
	lines->at = 0;
}

/* @return 0; a negative code */
static int fill(struct lines *lines)
{
	ssize_t n;

	move_to_front(lines);
	if (lm_buffer_reserve(&lines->bytes, CHUNK_BYTES) < 0)
		return -ENOMEM;
	do {
		n = read(lines->fd, lines->bytes.data + lines->bytes.len, CHUNK_BYTES);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	lines->bytes.len += (size_t)n;
	lines->ended = n == 0;
	return 0;
}

int lines_peek(struct lines *lines, size_t bytes, struct lm_str *ret_bytes)
{
	size_t count;

	while (left(lines) < bytes && !lines->ended) {
		int r = fill(lines);

		if (r < 0)
			return r;
	}
	count = left(lines) < bytes ? left(lines) : bytes;
	*ret_bytes = (struct lm_str){ first(lines), (uint32_t)count };
	return 0;
}

/* The line is longer than anybody takes: go to its end. @return -EMSGSIZE; a negative code */
static int pass_over(struct lines *lines)
{
	for (;;) {
		const char *begin = first(lines);
		const char *end = begin ? memchr(begin, '\n', left(lines)) : NULL;
		int r;

		if (end) {
			lines->at += (size_t)(end - begin) + 1;
			return -EMSGSIZE;
		}
		lines->at = lines->bytes.len;
		if (lines->ended)
			return -EMSGSIZE;
		r = fill(lines);
		if (r < 0)
			return r;
	}
}

int lines_next(struct lines *lines, struct lm_str *ret_line)
{
	size_t seen = 0;

	for (;;) {
		const char *begin = first(lines), *end;
		size_t count;
		int r;

		if (!begin && lines->ended)
			return 0;
		end = left(lines) > seen ? memchr(begin + seen, '\n', left(lines) - seen) : NULL;
		count = end ? (size_t)(end - begin) : left(lines);
		if (count > LINES_MAX_BYTES) {
			lines->number++;
			return pass_over(lines);
		}
		if (end || lines->ended) {
			lines->number++;
			lines->at += count + (end ? 1 : 0);
			*ret_line = (struct lm_str){ begin, (uint32_t)count };
			return 1;
		}
		seen = count;
		r = fill(lines);
		if (r < 0)
			return r;
	}
}

int lines_take(struct lines *lines, size_t bytes, struct lm_str *ret_bytes)
{
	int r;

	if (bytes > LINES_MAX_BYTES)
		return -EMSGSIZE;
	r = lines_peek(lines, bytes, ret_bytes);
	if (r < 0)
		return r;
	if (ret_bytes->len < bytes)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		lines->number += ret_bytes->data[i] == '\n';
	lines->at += bytes;
	return 1;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/event/identify.h"
#include "test_identify_order.h"

/* In the state: a directory entry exists, is a link, or is not there, by the length of its path. */
static int look(void *data, uint32_t tgid, const char *path, struct lm_raw_inode *ret_inode,
	char *ret_link, size_t link_size)
{
	size_t len = strlen(path);

	if (len % 4 == 0)
		return -ENOENT;
	if (len % 4 == 1)
		return -ESRCH;
	ret_link[0] = '\0';
	if (len % 4 == 2 && len < link_size)
		memcpy(ret_link, path + len / 2, len - len / 2 + 1);
	*ret_inode = (struct lm_raw_inode){ .inode = len, .dev = 1, .mode = 0040755 };
	return 0;
}

static int check_item(void *data, const struct lm_item *item)
{
	const char *wrong = order_take(data, item);

	if (wrong) {
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/*
 * A sequence of raw records: one after the other, as long as they say or as there is. One of no
 * kind begins a segment, in which nothing may be referred to that is not defined there.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct lm_identify_devices devices = {
		.sockfs = 8, .pipefs = 13, .anon_inode = 15,
	};
	struct order order = { 0 };
	struct lm_identify_sink sink = { .item = check_item, .look = look, .data = &order };
	struct lm_identify *identify = NULL;

	if (lm_identify_new(&sink, &devices, &identify) < 0)
		return 0;
	lm_identify_set_self(identify, 7);
	if (lm_identify_set_repeating(identify) < 0)
		abort();
	while (len >= sizeof(struct lm_raw)) {
		struct lm_raw head, *record;
		size_t take;

		memcpy(&head, data, sizeof(head));
		take = head.len < sizeof(head) ? sizeof(head) : head.len;
		if (take > len)
			take = len;
		head.len = (uint16_t)take;
		/* Exactly as much memory as the record has: what is read beyond it is seen. */
		record = malloc(take);
		if (!record)
			break;
		memcpy(record, data, take);
		memcpy(record, &head, sizeof(head));
		order.segment += head.kind == 0;
		if (head.kind == 0)
			(void)lm_identify_begin_segment(identify);
		(void)lm_identify_record(identify, record);
		free(record);
		data += take;
		len -= take;
	}
	lm_identify_free(identify);
	order_release(&order);
	return 0;
}

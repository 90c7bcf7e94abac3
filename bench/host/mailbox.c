/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "daemons.h"

static void grow(struct mailbox *box)
{
	uint32_t capacity = box->capacity ? 2 * box->capacity : 16;
	struct letter *at = host_allocate(capacity * sizeof(*at));

	for (uint32_t i = 0; i < box->count; i++)
		at[i] = box->at[(box->first + i) % box->capacity];
	free(box->at);
	box->at = at;
	box->first = 0;
	box->capacity = capacity;
}

void mailbox_put(struct mailbox *box, const struct letter *letter, uint64_t t_ns)
{
	if (box->count == box->capacity)
		grow(box);
	box->at[(box->first + box->count++) % box->capacity] = *letter;
	if (box->waited_for) {
		box->waited_for = false;
		host_wake(box->reader, t_ns);
	}
}

void mailbox_take(struct proc *p, struct mailbox *box, struct letter *ret_letter)
{
	box->reader = p;
	while (box->count == 0) {
		box->waited_for = true;
		host_block(p);
	}
	*ret_letter = box->at[box->first];
	box->first = (box->first + 1) % box->capacity;
	box->count--;
}

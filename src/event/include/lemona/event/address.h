/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "lemona/event/object.h"

bool lm_address_is_inet(const struct lm_address *address);

/**
 * Family, port and bytes alone, so that they can be compared: an IPv4 address inside IPv6 (a
 * dual-stack server writes it so) is the IPv4 address. Without a path.
 */
struct lm_address lm_address_plain(const struct lm_address *address);

/* Addresses that a person asks for. */
struct lm_address_range {
	struct lm_address address; /* family NONE: any inet address */
	uint32_t bits;             /* how many leading bits of address.ip count */
	bool any_port;
};

/**
 * Read ADDR, ADDR:PORT, ADDR/BITS, ADDR/BITS:PORT or :PORT. ADDR is an IPv4 address or an IPv6 one,
 * in brackets where a port follows; or a unix path from "/" on; or "@abstract".
 *
 * @param text  borrowed for as long as the range is in use
 * @return 0; -EINVAL (none of these; ret_range untouched)
 */
int lm_address_range_parse(const char *text, struct lm_address_range *ret_range);

/** Is it one of them? IPv4 inside IPv6 (::ffff:10.0.0.1) is what it holds. */
bool lm_address_range_has(const struct lm_address_range *range, const struct lm_address *address);

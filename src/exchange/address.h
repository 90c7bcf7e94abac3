/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "lemona/event/object.h"

/**
 * Read a struct sockaddr as the kernel of x86-64 has it in memory.
 *
 * @param ret_address  its path points into `bytes` or, of an abstract one, into memory that is
 *                     valid until the next call of this thread
 * @return whether it is of a known family and whole; ret_address is untouched if not
 */
bool address_from_bytes(struct lm_str bytes, struct lm_address *ret_address);

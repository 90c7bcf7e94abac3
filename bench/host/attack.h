/* SPDX-License-Identifier: MIT */
#pragma once

#include "host.h"

#define ATTACK_KINDS 6u

/** Plant `each` of every kind, spread over the log. */
void attacks_start(struct world *w, uint32_t each);

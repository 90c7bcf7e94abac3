/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemons.h"

#define BACKENDS 256u

struct backend;

struct database {
	struct backend *backends[BACKENDS];
	struct mailbox requests;
	struct channel listener;
	struct node *path;
	uint32_t dirty; /* pages changed and not written back */
};

void database_start(struct world *w);

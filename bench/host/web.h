/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemons.h"

#define WORKERS 4u
#define POOL    8u

struct web {
	struct mailbox workers[WORKERS], pool[POOL], scripts;
	struct channel listener, pool_listener, script_listener;
	struct node *pool_path, *script_path, *script;
};

void web_start(struct world *w);

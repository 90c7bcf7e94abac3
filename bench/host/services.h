/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemons.h"

struct system_log {
	struct mailbox messages, lines;
	struct channel socket;
	struct node *path;
};

struct cron {
	struct mailbox jobs;
	struct node *table;
};

struct post {
	struct mailbox incoming;
	struct channel listener;
};

void logins_start(struct world *w);

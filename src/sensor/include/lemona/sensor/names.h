/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/diag.h"
#include "lemona/event/name_event.h"

/* The kernel's name events (fanotify, FAN_REPORT_DFID_NAME_TARGET; Linux 5.17). */
struct lm_names;

/**
 * Watch every file system mounted in our own mount namespace.
 *
 * @return 0; -ENOSYS (this kernel does not report names); -EPERM; -ENOMEM; -errno
 */
int lm_names_open(struct lm_names **ret_names, struct lm_diag *diag);
struct lm_names *lm_names_close(struct lm_names *names);

/** Watch what is mounted where a process lives, too. A process that is gone is no error. */
void lm_names_watch_process(struct lm_names *names, uint32_t tgid);

/**
 * Hand out all events that are queued: of one kind of change in the order in which they happened.
 * The event is borrowed until take returns.
 *
 * @param ret_overflow  set to true when the queue overflowed: names are missing
 * @return 0; -errno; what take returned
 */
int lm_names_read(struct lm_names *names,
		  int (*take)(void *data, const struct lm_name_event *event), void *data,
		  bool *ret_overflow);

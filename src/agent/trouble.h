/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/diag.h"
#include "lemona/log/writer.h"

/*
 * What goes wrong with the log while it is recorded. Recording goes on, and the log tells of what
 * it lacks; whoever started the recorder is told at once, and again by how it ends.
 */
struct trouble {
	void (*say)(void *data, const char *sentence); /* NULL: nobody listens */
	void *data;
	int write_error;    /* the first one; 0 */
	bool removed;       /* the log was, at some time */
	bool failing, gone; /* told, and not over yet */
	bool unsigned_told;
	uint64_t failed_ns; /* the last time */
	uint64_t failed_events; /* in the log then */
	uint64_t looked_ns; /* whether the log is still there */
};

/**
 * What writing returned. A failure is told once; that it works again, when events have been written
 * since the last one, and that was a second ago.
 *
 * @param events  in the log so far, those that wait to be written left out
 */
void trouble_note(struct trouble *trouble, int r, uint64_t events);

/**
 * Have the log made anew where it was removed, and tell. Tell as well when nothing is signed any
 * more.
 *
 * @param now  else only where the last look was a second ago: so it may be called at any rate
 * @return whether the log was made anew
 */
bool trouble_look(struct trouble *trouble, struct lm_log_writer *log, bool now);

/** How the recording went. @return 0; a negative code, and one sentence */
int trouble_sum_up(const struct trouble *trouble, struct lm_diag *diag);

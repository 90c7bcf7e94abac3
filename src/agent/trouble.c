/* SPDX-License-Identifier: MIT */
#include "trouble.h"

#include <errno.h>

#include "lemona/base/error.h"
#include "lemona/base/time.h"

#define CALM_NS LM_NS_PER_SEC
#define LOOK_NS LM_NS_PER_SEC

static void tell(const struct trouble *trouble, int code, const char *what)
{
	struct lm_diag diag = LM_DIAG_INIT;

	if (!trouble->say)
		return;
	if (code < 0)
		lm_diag_errno(&diag, code, "%s", what);
	else
		lm_diag_set(&diag, 0, "%s", what);
	trouble->say(trouble->data, diag.text);
}

/* An item that was taken is not written yet, and where nothing is written nothing is refused. */
static bool is_over(const struct trouble *trouble, uint64_t events)
{
	return trouble->failing && events != trouble->failed_events &&
		lm_time_boot_ns() - trouble->failed_ns > CALM_NS;
}

void trouble_note(struct trouble *trouble, int r, uint64_t events)
{
	if (r >= 0) {
		if (is_over(trouble, events)) {
			trouble->failing = false;
			tell(trouble, 0, "the log is written again; what is missing is a gap");
		}
		return;
	}
	trouble->failed_ns = lm_time_boot_ns();
	trouble->failed_events = events;
	if (trouble->write_error == 0)
		trouble->write_error = r;
	if (!trouble->failing) {
		trouble->failing = true;
		tell(trouble, r,
			"the log cannot be written, and recording goes on until it can be");
	}
}

/* Once, when it happens: who waits for the end of the recording may wait for months. */
static void look_at_seal(struct trouble *trouble, const struct lm_log_writer *log)
{
	int r = lm_log_sealing(log);

	if (r == 0 || trouble->unsigned_told)
		return;
	trouble->unsigned_told = true;
	tell(trouble, r, "the log goes on, but nothing in it is signed any more");
}

bool trouble_look(struct trouble *trouble, struct lm_log_writer *log, bool now)
{
	uint64_t now_ns = lm_time_boot_ns();
	int r;

	if (!now && now_ns - trouble->looked_ns < LOOK_NS)
		return false;
	trouble->looked_ns = now_ns;
	look_at_seal(trouble, log);
	r = lm_log_restore(log);
	if (r == 0)
		return false;
	trouble->removed = true;
	if (r > 0) {
		trouble->gone = false;
		tell(trouble, 0, "the log was removed, all or part of it; recording goes on in a "
			"new one in its place, with what was still open");
	} else if (!trouble->gone) {
		trouble->gone = true;
		tell(trouble, r, "the log was removed and cannot be made anew");
	}
	return r > 0;
}

int trouble_sum_up(const struct trouble *trouble, struct lm_diag *diag)
{
	if (trouble->gone)
		return lm_diag_set(diag, -ENOENT,
			"the log was removed while it was written, and could not be made anew");
	if (trouble->removed)
		return lm_diag_set(diag, -ENOENT, "the log was removed while it was written: what "
			"was not open any more is gone, the rest is there");
	if (trouble->write_error)
		return lm_diag_errno(diag, trouble->write_error,
			"the log could not be written in full; what is missing is marked as a gap");
	return 0;
}

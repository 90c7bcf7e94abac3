/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/sensor/doctor.h"

struct report {
	struct lm_check *checks;
	int count;
};

/* One thing that was tried. */
struct finding {
	const char *name;
	enum lm_check_result result;
	const char *meaning, *fix; /* left out when the result is OK */
};

/** Add a finding; what was seen is a line of its own. */
void add(struct report *report, const struct finding *finding, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** What the host is, and what it lets a recorder do, whichever way it attaches. */
void check_host(struct report *report);
/** The kernel's reports of names, which only the way by tracepoints needs. */
void check_names(struct report *report, bool needed);

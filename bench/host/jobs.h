/* SPDX-License-Identifier: MIT */
#pragma once

#include "host.h"

/**
 * What goes on all day: visits of the site, mail, logins, builds, cron jobs, upgrades, backups,
 * until the world ends; more by day than by night, in bursts, and as many that the log has the
 * number of events that is wanted.
 */
void jobs_start(struct world *w);

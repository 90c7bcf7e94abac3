/* SPDX-License-Identifier: MIT */
#pragma once

#include "world.h"

/* A table of descriptors, which several processes may share. All give NULL without memory. */
struct world_fds *fds_share(struct world_fds *fds);
/** @param fds  NULL: an empty one */
struct world_fds *fds_copy(const struct world_fds *fds);
/** The table of one user, without what closes on exec. The one given is let go. */
struct world_fds *fds_after_exec(struct world_fds *fds);
void fds_release(struct world_fds *fds);

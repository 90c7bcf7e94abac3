/* SPDX-License-Identifier: MIT */
#pragma once

#include "host.h"

/* One of each kind of what people and daemons do, begun at a time. */
void work_visit(struct world *w, uint64_t t_ns);
void work_mail(struct world *w, uint64_t t_ns);
void work_cron(struct world *w, uint64_t t_ns);
void work_login(struct world *w, uint64_t t_ns);
void work_build(struct world *w, uint64_t t_ns);
void work_upgrade(struct world *w, uint64_t t_ns);
void work_backup(struct world *w, uint64_t t_ns);
void work_report(struct world *w, uint64_t t_ns);

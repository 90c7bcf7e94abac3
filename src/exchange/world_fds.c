/* SPDX-License-Identifier: MIT */
#include "world_fds.h"

#include <errno.h>
#include <stdlib.h>

#include "world_internal.h"

/* In the value beside the object's number. */
#define CLOSES_ON_EXEC (UINT64_C(1) << 32)
/* More are not followed of one process: of the kernel's own bound, a fraction. */
#define FDS_MAX 65536u

struct world_fds {
	struct lm_map objects; /* descriptor: object, and whether it closes on exec */
	uint32_t users;
};

static struct world_fds *copy_fds(const struct world_fds *fds, bool all)
{
	struct world_fds *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->users = 1;
	for (size_t slot = 0; fds && fds->objects.slots && slot <= fds->objects.mask; slot++) {
		uint64_t fd, value;

		if (!lm_map_at(&fds->objects, slot, &fd, &value) ||
			(!all && value & CLOSES_ON_EXEC))
			continue;
		if (lm_map_put(&copy->objects, fd, value) < 0) {
			fds_release(copy);
			return NULL;
		}
	}
	return copy;
}

struct world_fds *fds_share(struct world_fds *fds)
{
	fds->users++;
	return fds;
}

struct world_fds *fds_copy(const struct world_fds *fds)
{
	return copy_fds(fds, true);
}

struct world_fds *fds_after_exec(struct world_fds *fds)
{
	struct world_fds *left = copy_fds(fds, false);

	fds_release(fds);
	return left;
}

void fds_release(struct world_fds *fds)
{
	if (!fds || --fds->users)
		return;
	lm_map_release(&fds->objects);
	free(fds);
}

static uint64_t value_of(const struct world_process *process, uint64_t fd)
{
	const uint64_t *value = process->fds ? lm_map_get(&process->fds->objects, fd) : NULL;

	return value ? *value : 0;
}

lm_object_id world_fd(const struct world_process *process, uint64_t fd)
{
	return (lm_object_id)value_of(process, fd);
}

void world_set_fd(struct world *world, struct world_process *process, uint64_t fd,
	lm_object_id object, bool closes_on_exec)
{
	if (!process->fds || fd > INT32_MAX)
		return;
	if (!object) {
		lm_map_remove(&process->fds->objects, fd);
		return;
	}
	if (process->fds->objects.count >= FDS_MAX && !value_of(process, fd))
		return;
	if (lm_map_put(&process->fds->objects, fd,
			object | (closes_on_exec ? CLOSES_ON_EXEC : 0)) < 0)
		world_fail(world, -ENOMEM);
}

void world_close_fd(struct world_process *process, uint64_t fd)
{
	if (process->fds)
		lm_map_remove(&process->fds->objects, fd);
}

void world_set_cloexec(struct world *world, struct world_process *process, uint64_t fd,
	bool closes_on_exec)
{
	lm_object_id object = world_fd(process, fd);

	if (object)
		world_set_fd(world, process, fd, object, closes_on_exec);
}

void world_close_fds(struct world *world, struct world_process *process, uint64_t first,
	uint64_t last, bool only_mark)
{
	struct lm_map *objects = process->fds ? &process->fds->objects : NULL;

	for (size_t slot = 0; objects && objects->slots && slot <= objects->mask;) {
		uint64_t fd, value;

		if (!lm_map_at(objects, slot, &fd, &value) || fd < first || fd > last) {
			slot++;
		} else if (only_mark) {
			world_set_cloexec(world, process, fd, true);
			slot++;
		} else {
			/* What stands behind it may move into its place. */
			lm_map_remove(objects, fd);
		}
	}
}

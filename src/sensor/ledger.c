/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lemona/base/time.h"
#include "sensor.skel.h"

static uint64_t count_missed(const struct lm_sensor *sensor)
{
	struct bpf_program *program;
	uint64_t missed = 0;

	bpf_object__for_each_program(program, sensor->bpf->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) == 0)
			missed += info.recursion_misses;
	}
	return missed;
}

static int tell_gap(uint64_t begin_ns, uint64_t end_ns, uint64_t count, uint16_t cpu,
	uint32_t reason, lm_take_record take, void *data)
{
	struct lm_raw_gap gap = {
		.raw = { .time_ns = end_ns, .kind = LM_RAW_GAP, .len = sizeof(gap), .cpu = cpu },
		.begin_ns = begin_ns, .end_ns = end_ns, .count = count,
		.reason = reason,
	};

	return take(data, &gap.raw);
}

int lm_ledger_check(struct lm_sensor *sensor, uint64_t now_ns, lm_take_record take, void *data)
{
	uint64_t missed, since_ns = sensor->checked_ns;
	int r;

	for (uint32_t i = 0; i < sensor->ring_count; i++) {
		struct ring *ring = &sensor->rings[i];
		uint64_t nested = __atomic_load_n(&ring->control->nested, __ATOMIC_RELAXED);

		if (nested == ring->nested_told)
			continue;
		r = tell_gap(since_ns, now_ns, nested - ring->nested_told,
			ring->cpu, LM_RAW_GAP_NESTED, take, data);
		ring->nested_told = nested;
		if (r < 0)
			return r;
	}
	missed = count_missed(sensor);
	if (missed > sensor->missed_told) {
		r = tell_gap(since_ns, now_ns, missed - sensor->missed_told,
			LM_RAW_CPU_NONE, LM_RAW_GAP_NESTED, take, data);
		sensor->missed_told = missed;
		if (r < 0)
			return r;
	}
	sensor->checked_ns = now_ns;
	return 0;
}

static int tell_pending_of(struct lm_sensor *sensor, struct ring *ring,
	lm_take_record take, void *data)
{
	struct lm_ring_control *c = ring->control;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < c->gap_used && i < LM_RING_GAPS; i++) {
		const struct lm_ring_gap *from = &c->gaps[i];
		struct lm_raw_gap gap = {
			.raw = { .time_ns = from->end_ns, .kind = LM_RAW_GAP, .len = sizeof(gap),
				.cpu = ring->cpu },
			.begin_ns = from->begin_ns, .end_ns = from->end_ns, .count = from->count,
			.kinds = from->kinds, .lost_tgid = from->tgid, .reason = from->reason,
		};

		ring->lost_told += from->count;
		r = take(data, &gap.raw);
	}
	c->gap_used = 0;
	return r;
}

/*
 * The books are closed: every number that a probe took was handed out, or is in a gap. What is in
 * neither is a fault of the programs, and missing all the same.
 */
static int tell_unaccounted(struct lm_sensor *sensor, struct ring *ring,
	lm_take_record take, void *data)
{
	uint64_t produced = ring->control->produced;
	uint64_t known = ring->taken + ring->lost_told + ring->control->folded;

	if (produced <= known)
		return 0;
	ring->lost_told += produced - known;
	return tell_gap(sensor->opened_ns, lm_time_boot_ns(), produced - known,
		ring->cpu, LM_RAW_GAP_FAULT, take, data);
}

int lm_ledger_close(struct lm_sensor *sensor, lm_take_record take, void *data)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < sensor->ring_count; i++) {
		r = tell_pending_of(sensor, &sensor->rings[i], take, data);
		if (r == 0)
			r = tell_unaccounted(sensor, &sensor->rings[i], take, data);
	}
	return r;
}

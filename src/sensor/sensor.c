/* SPDX-License-Identifier: MIT */
#include "lemona/sensor/sensor.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/time.h"
#include "ledger.h"
#include "libbpf.h"
#include "refuse.h"
#include "sensor.skel.h"
#include "trampoline.h"
#include "content.h"
#include "uring.h"

#define CHECK_EVERY_NS (UINT64_C(1000) * LM_NS_PER_MS)

static size_t round_to_page(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static int map_array(struct bpf_map *map, size_t bytes, void **ret_memory)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret_memory = memory;
	return 0;
}

static int map_rings(struct lm_sensor *sensor)
{
	size_t value_bytes = sensor->ring_bytes + LM_RING_SLACK_BYTES;
	int r;

	sensor->rings = calloc(sensor->ring_count, sizeof(*sensor->rings));
	sensor->order = calloc(sensor->ring_count, sizeof(struct ring *));
	if (!sensor->rings || !sensor->order)
		return -ENOMEM;
	sensor->controls_bytes = round_to_page(sensor->ring_count * sizeof(struct lm_ring_control));
	sensor->data_bytes = round_to_page(sensor->ring_count * value_bytes);
	r = map_array(sensor->bpf->maps.controls, sensor->controls_bytes, &sensor->controls);
	if (r == 0)
		r = map_array(sensor->bpf->maps.rings, sensor->data_bytes, &sensor->data);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < sensor->ring_count; i++) {
		sensor->rings[i].control = (struct lm_ring_control *)sensor->controls + i;
		sensor->rings[i].data = (const uint8_t *)sensor->data + i * value_bytes;
		sensor->rings[i].mask = sensor->ring_bytes - 1;
		sensor->rings[i].cpu = i + 1 < sensor->ring_count ? (uint16_t)i : LM_RAW_CPU_NONE;
	}
	return 0;
}

/* A dirtied page is told by one of two tracepoints, or not at all. @return whether it is */
static bool choose_dirty_page(struct sensor_bpf *bpf, const struct btf *kernel)
{
	bool folio = btf__find_by_name_kind(kernel, "btf_trace_writeback_dirty_folio",
		BTF_KIND_TYPEDEF) > 0;
	bool page = !folio && btf__find_by_name_kind(kernel, "btf_trace_writeback_dirty_page",
		BTF_KIND_TYPEDEF) > 0;

	bpf_program__set_autoload(bpf->progs.on_dirty_folio, folio);
	bpf_program__set_autoload(bpf->progs.on_dirty_page, page);
	return folio || page;
}

/* What stands beside the actions has programs of its own, so that nothing else pays for it. */
static void load_asides(struct sensor_bpf *bpf, const struct lm_sensor_options *options)
{
	bool calls = options->level == LM_LEVEL_FULL;

	bpf_program__set_autoload(bpf->progs.on_any_enter, calls);
	bpf_program__set_autoload(bpf->progs.on_any_exit, calls);
	bpf_map__set_autocreate(bpf->maps.entered_calls, calls);
	bpf_program__set_autoload(bpf->progs.on_switch, options->turns);
	bpf_map__set_autocreate(bpf->maps.turn_begins, options->turns);
}

static int configure(struct lm_sensor *sensor, const struct lm_sensor_options *options,
	const struct btf *kernel)
{
	struct sensor_bpf *bpf = sensor->bpf;
	int r;

	memcpy((void *)bpf->rodata->call_rules, options->rules,
		LM_CALL_COUNT * sizeof(*options->rules));
	if (options->compat)
		memcpy((void *)bpf->rodata->compat_rules, options->compat,
			LM_CALL_COUNT * sizeof(*options->compat));
	if (options->ways)
		memcpy((void *)bpf->rodata->call_ways, options->ways, LM_CALL_COUNT);
	bpf->rodata->record_level = options->level;
	load_asides(bpf, options);
	if (options->content_shapes)
		lm_content_choose(bpf, options);
	memcpy((void *)bpf->rodata->uring_classes, options->uring_classes, LM_URING_COUNT);
	sensor->features.sees_uring = lm_uring_choose(bpf, kernel);
	if (sensor->features.sees_uring) /* its requests are told one by one, and need no count */
		((struct lm_call_rule *)bpf->rodata->call_rules)[SYS_io_uring_enter].class =
			LM_CALL_IGNORE;
	bpf->rodata->self_tgid = options->self_tgid;
	bpf->rodata->anonymous_dev = options->anonymous_dev;
	bpf->rodata->iterator_ring = sensor->ring_count - 1;
	bpf->rodata->ring_mask = sensor->ring_bytes - 1;
	sensor->features.sees_stores = choose_dirty_page(bpf, kernel);
	bpf->rodata->has_cast = has_function(kernel, "bpf_rdonly_cast");
	bpf->rodata->can_stay = sensor->features.stays;
	r = bpf_map__set_max_entries(bpf->maps.controls, sensor->ring_count);
	if (r == 0)
		r = bpf_map__set_max_entries(bpf->maps.rings, sensor->ring_count);
	if (r == 0)
		r = bpf_map__set_value_size(bpf->maps.rings,
			(uint32_t)(sensor->ring_bytes + LM_RING_SLACK_BYTES));
	if (r == 0)
		r = choose_hooks(bpf->obj, kernel, sensor->features.attach == LM_ATTACH_TRAMPOLINE);
	return r;
}

/* What comes through the bell says nothing but that it was rung. */
static int take_nothing(void *context, void *data, size_t size)
{
	return 0;
}

static int load(struct lm_sensor *sensor, const struct lm_sensor_options *options,
	const struct btf *kernel, struct lm_diag *diag)
{
	int r;

	sensor->bpf = sensor_bpf__open();
	if (!sensor->bpf)
		return explain_load(-errno, sensor->ring_bytes, diag);
	r = configure(sensor, options, kernel);
	if (r == 0)
		r = sensor_bpf__load(sensor->bpf);
	if (r < 0)
		return explain_load(r, sensor->ring_bytes, diag);
	r = map_rings(sensor);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot map the per-CPU buffers");
	sensor->bell = ring_buffer__new(
		bpf_map__fd(sensor->bpf->maps.bell), take_nothing, NULL, NULL);
	if (!sensor->bell)
		return lm_diag_errno(diag, -errno, "cannot map the sensor's bell");
	r = sensor_bpf__attach(sensor->bpf);
	if (r < 0)
		return explain_load(r, sensor->ring_bytes, diag);
	sensor->attached = true;
	sensor->opened_ns = sensor->checked_ns = lm_time_boot_ns();
	return 0;
}

/* One try, one way, one size of rings. */
static int open_as(const struct lm_sensor_options *options, struct lm_sensor_features way,
	const struct btf *kernel, struct lm_sensor **ret_sensor, struct lm_diag *diag)
{
	struct lm_sensor *sensor = calloc(1, sizeof(*sensor));
	int cpus = libbpf_num_possible_cpus();
	int r;

	if (!sensor)
		return -ENOMEM;
	sensor->features = way;
	sensor->ring_bytes = way.ring_bytes;
	sensor->ring_count = (uint32_t)cpus + 1;
	if (cpus < 0)
		r = lm_diag_errno(diag, cpus, "cannot count the CPUs");
	else
		r = load(sensor, options, kernel, diag);
	if (r < 0)
		lm_sensor_close(sensor);
	else
		*ret_sensor = sensor;
	return r;
}

static int open_sized(const struct lm_sensor_options *options, struct lm_sensor_features way,
	const struct btf *kernel, struct lm_sensor **ret_sensor, struct lm_diag *diag)
{
	int r;

	way.ring_bytes = options->ring_bytes ? options->ring_bytes : LM_SENSOR_RING_BYTES_DEFAULT;
	r = open_as(options, way, kernel, ret_sensor, diag);
	if (r == -E2BIG && !options->ring_bytes) {
		way.ring_bytes = LM_SENSOR_RING_BYTES_OLD;
		r = open_as(options, way, kernel, ret_sensor, diag);
	}
	if (r == -E2BIG)
		lm_diag_set(diag, r, "this kernel has no per-CPU buffers of that size: use a "
			"smaller --ring-size");
	return r;
}

/*
 * A program that keeps others off its CPU may call the functions that count losses from 6.15 on
 * only: before that it is loaded without, and a record of who ran in between may be lost.
 */
static int open_hooks(const struct lm_sensor_options *options, const struct btf *kernel,
	struct lm_sensor **ret_sensor, struct lm_diag *diag)
{
	struct lm_sensor_features way = {
		.attach = LM_ATTACH_TRAMPOLINE,
		.stays = has_function(kernel, "bpf_preempt_disable") &&
			has_function(kernel, "bpf_preempt_enable"),
	};
	int r = check_trampolines(kernel, diag);

	if (r < 0)
		return r;
	if (way.stays && open_sized(options, way, kernel, ret_sensor, NULL) == 0)
		return 0;
	way.stays = false;
	return open_sized(options, way, kernel, ret_sensor, diag);
}

int lm_sensor_open(const struct lm_sensor_options *options, struct lm_sensor **ret_sensor,
	struct lm_diag *diag)
{
	struct lm_sensor_features way = { .attach = LM_ATTACH_TRACEPOINT };
	struct btf *kernel LM_CLEANUP(free_btf) = NULL;
	struct lm_diag refused = LM_DIAG_INIT;
	int r = check_options(options, diag);

	if (r < 0)
		return r;
	silence_libbpf();
	kernel = btf__load_vmlinux_btf();
	if (!kernel)
		return lm_diag_set(diag, -ENOSYS, "this kernel does not describe its structures: "
			"recording needs one built with CONFIG_DEBUG_INFO_BTF=y, and /sys");
	if (options->attach != LM_ATTACH_TRACEPOINT) {
		r = open_hooks(options, kernel, ret_sensor, &refused);
		if (r == 0)
			return 0;
		if (options->attach == LM_ATTACH_TRAMPOLINE) {
			if (diag)
				*diag = refused;
			return r;
		}
	}
	return open_sized(options, way, kernel, ret_sensor, diag);
}

const struct lm_sensor_features *lm_sensor_features(const struct lm_sensor *sensor)
{
	return &sensor->features;
}

struct lm_sensor *lm_sensor_close(struct lm_sensor *sensor)
{
	if (!sensor)
		return NULL;
	if (sensor->data)
		munmap(sensor->data, sensor->data_bytes);
	if (sensor->controls)
		munmap(sensor->controls, sensor->controls_bytes);
	ring_buffer__free(sensor->bell);
	sensor_bpf__destroy(sensor->bpf);
	free(sensor->rings);
	free(sensor->order);
	free(sensor);
	return NULL;
}

void lm_sensor_detach(struct lm_sensor *sensor)
{
	sensor_bpf__detach(sensor->bpf);
	/* A probe that is still running on another CPU ends before this returns. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	sensor->attached = false;
}

/*
 * Where to look up to in one ring. At level reduced its last record may still
 * take repeats: it is sealed, or, where a probe is at work that may not have
 * seen the seal, left for the next look (bpf/reduce.h has the other half).
 */
static uint64_t seal_ring(struct lm_ring_control *control)
{
	uint64_t head = __atomic_load_n(&control->head, __ATOMIC_ACQUIRE), run_at;

	__atomic_store_n(&control->sealed, head, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&control->busy, __ATOMIC_SEQ_CST))
		return head;
	run_at = __atomic_load_n(&control->run_at, __ATOMIC_RELAXED);
	return run_at + sizeof(struct lm_raw_run) == head ? run_at : head;
}

bool lm_sensor_wait(struct lm_sensor *sensor, uint64_t longest_ns)
{
	struct pollfd bell = { .fd = ring_buffer__epoll_fd(sensor->bell), .events = POLLIN };
	struct timespec longest = {
		.tv_sec = (time_t)(longest_ns / LM_NS_PER_SEC),
		.tv_nsec = (long)(longest_ns % LM_NS_PER_SEC),
	};

	return ppoll(&bell, 1, &longest, NULL) > 0;
}

/*
 * Before the heads are read: whoever rings from here on means what will be there after them. A
 * probe says that it rings before it does, so the bell may hold a ring that was silenced already.
 */
static void silence_bell(struct lm_sensor *sensor)
{
	__atomic_store_n(&sensor->bpf->bss->bell_rung, 0, __ATOMIC_SEQ_CST);
	ring_buffer__consume(sensor->bell);
}

void lm_sensor_snapshot(struct lm_sensor *sensor)
{
	silence_bell(sensor);
	sensor->snapshot_ns = lm_time_boot_ns();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < sensor->ring_count; i++)
		sensor->rings[i].head = seal_ring(sensor->rings[i].control);
}

uint32_t lm_sensor_cpus(const struct lm_sensor *sensor)
{
	return sensor->ring_count - 1;
}

uint64_t lm_sensor_made_bytes(const struct lm_sensor *sensor, uint32_t cpu)
{
	return sensor->rings[cpu].head;
}

int lm_sensor_drain(struct lm_sensor *sensor,
	int (*take)(void *data, const struct lm_raw *record), void *data)
{
	uint64_t now_ns;
	int r;

	if (!sensor->snapshot_ns)
		lm_sensor_snapshot(sensor);
	now_ns = sensor->snapshot_ns;
	sensor->snapshot_ns = 0;
	r = rings_merge(sensor->rings, sensor->ring_count, sensor->order,
		sensor->attached ? now_ns : UINT64_MAX, take, data);
	if (r == 0 && !sensor->attached)
		r = lm_ledger_close(sensor, take, data);
	if (r == 0 && (!sensor->attached || now_ns - sensor->checked_ns > CHECK_EVERY_NS))
		r = lm_ledger_check(sensor, now_ns, take, data);
	return r;
}

/* Reading an iterator runs its program once per object, which prints one byte for each. */
static int run_iterator(struct lm_sensor *sensor, struct bpf_link *link,
	int (*take)(void *data, const struct lm_raw *record), void *data)
{
	int fd LM_CLOSE = -1;
	char none[64];
	ssize_t n;
	int r;

	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return -errno;
	for (;;) {
		n = read(fd, none, sizeof(none));
		r = lm_sensor_drain(sensor, take, data);
		if (r < 0)
			return r;
		if (n == 0)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

int lm_sensor_find_state(struct lm_sensor *sensor,
	int (*take)(void *data, const struct lm_raw *record), void *data)
{
	int r = run_iterator(sensor, sensor->bpf->links.found_task, take, data);

	if (r == 0)
		r = run_iterator(sensor, sensor->bpf->links.found_file, take, data);
	return r;
}

void lm_sensor_forget_directories(struct lm_sensor *sensor)
{
	__atomic_add_fetch(&sensor->bpf->bss->announced_generation, 1, __ATOMIC_RELAXED);
}

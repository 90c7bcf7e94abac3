/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/abi/raw.h"
#include "lemona/base/diag.h"

/* The kernel side: loaded, attached, drained, its losses counted. */
struct lm_sensor;

/*
 * How calls on paths are seen. Either way the ends of calls come from raw tracepoints, with what
 * hangs on descriptors.
 */
enum lm_attach {
	LM_ATTACH_AUTO = 0,       /* trampolines where the kernel lets them attach */
	LM_ATTACH_TRACEPOINT = 1, /* claims out of user memory, which fanotify may confirm */
	LM_ATTACH_TRAMPOLINE = 2, /* the kernel's own objects, told by hooks in the middle */
};

/** "auto", "tracepoint", "trampoline": in options and in logs. Static. */
const char *lm_attach_name(enum lm_attach attach);

struct lm_sensor_options {
	uint64_t ring_bytes; /* per CPU, a power of two, 64 KiB to 64 MiB; 0: default */
	const struct lm_call_rule *rules; /* LM_CALL_COUNT of them */
	const struct lm_compat_rule *compat; /* the same for the 32-bit entry; NULL: not recorded */
	const uint8_t *ways;              /* as many, enum lm_way, for level reduced; or NULL */
	uint32_t level;                   /* enum lm_level */
	bool turns;                       /* who has which CPU, too */
	uint64_t content_bytes;           /* kept of each process, file and way; 0: none */
	bool terminals;                   /* keep what goes through terminals */
	const uint8_t *content_shapes;    /* enum lm_content_shape, LM_CALL_COUNT of them; or NULL:
					   * neither of the two */
	const uint8_t *uring_classes;     /* enum lm_uring_class, LM_URING_COUNT of them */
	uint32_t self_tgid;               /* whose calls are left out */
	uint32_t anonymous_dev;           /* of lm_identify_find_devices(); 0 not known */
	enum lm_attach attach;
};

#define LM_SENSOR_RING_BYTES_MIN (UINT64_C(64) << 10)
#define LM_SENSOR_RING_BYTES_MAX (UINT64_C(64) << 20)
#define LM_SENSOR_RING_BYTES_OLD (UINT64_C(2) << 20) /* the default of kernels before 6.0 */
#define LM_SENSOR_RING_BYTES_DEFAULT (UINT64_C(8) << 20)

/**
 * Load and attach. From the return on, everything is recorded into the rings.
 * RLIMIT_MEMLOCK is not touched: kernels since 5.11 do not charge maps to it.
 *
 * @return 0; -EPERM (not root, lockdown, or in a pid namespace of its own); -ENOSYS (no BTF, a hook
 * of the way asked for is missing, or the verifier refuses a program); -EINVAL (ring_bytes); -E2BIG
 * (ring_bytes, for this kernel); -ENOMEM. A sentence is in diag.
 */
int lm_sensor_open(const struct lm_sensor_options *options, struct lm_sensor **ret_sensor,
		   struct lm_diag *diag);
struct lm_sensor *lm_sensor_close(struct lm_sensor *sensor);

/* What an open sensor sees on this kernel. */
struct lm_sensor_features {
	enum lm_attach attach; /* the way in use: TRACEPOINT or TRAMPOLINE */
	bool stays;            /* what a trampoline tells is never lost to a task in between */
	/*
	 * Requests of io_uring are told one by one. Otherwise those that io_uring_enter(2) submits
	 * are counted as unseen, and nothing tells what a polling thread takes up.
	 */
	bool sees_uring;
	bool sees_stores; /* into shared mappings, one by one as pages become dirty */
	uint64_t ring_bytes;
};

/** Borrowed; as long as the sensor is open. */
const struct lm_sensor_features *lm_sensor_features(const struct lm_sensor *sensor);

/**
 * Tell what was there before: processes, open files, sockets, directories, as
 * records with LM_RAW_FOUND. Call once, after open and before the first drain.
 *
 * @param take  is given the records as lm_sensor_drain() does
 * @return 0; -EIO, -errno of the iterators; what take returned
 */
int lm_sensor_find_state(struct lm_sensor *sensor,
			 int (*take)(void *data, const struct lm_raw *record), void *data);

/**
 * Wait until something was recorded that should not wait: an exec, or the end
 * of a call whose rule says LM_CALL_URGENT. The next snapshot takes it in.
 *
 * @return false: the time is over, or a signal came
 */
bool lm_sensor_wait(struct lm_sensor *sensor, uint64_t longest_ns);

/**
 * Fix what the next drain hands out: everything committed until now. What the
 * kernel queued elsewhere before the end of those calls can be read after this
 * and before the drain.
 */
void lm_sensor_snapshot(struct lm_sensor *sensor);

/** How many CPUs have a ring: those that this host could have. */
uint32_t lm_sensor_cpus(const struct lm_sensor *sensor);

/** Bytes of records that a CPU, counted from 0, had made up to the last snapshot. */
uint64_t lm_sensor_made_bytes(const struct lm_sensor *sensor, uint32_t cpu);

/**
 * Hand out every record committed before the last snapshot (or before now, when
 * there is no new one), of all CPUs, in the order of their times. A record is borrowed until take
 * returns.
 *
 * Causal order holds: what happened before another record, as the programs
 * could know it (a fork before its child's first call), is handed out before it.
 * raw.cpu is the CPU on which it was made, or LM_RAW_CPU_NONE.
 *
 * @param take  a negative code stops; what was not handed out stays in the rings
 * @return 0; what take returned
 */
int lm_sensor_drain(struct lm_sensor *sensor,
		    int (*take)(void *data, const struct lm_raw *record), void *data);

/** Detach: nothing more is recorded. Drain once more for the rest. Gaps that had no room are told.
 */
void lm_sensor_detach(struct lm_sensor *sensor);

/** Have every directory told again. */
void lm_sensor_forget_directories(struct lm_sensor *sensor);

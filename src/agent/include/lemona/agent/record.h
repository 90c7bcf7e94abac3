/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lemona/abi/raw.h"
#include "lemona/agent/tpm.h"
#include "lemona/base/diag.h"
#include "lemona/sensor/sensor.h"

#define LM_RECORD_KEY_BYTES 128

/* Recording: sensor, identification and log writer put together. */
struct lm_record_options {
	const char *log_path;      /* directory to make */
	char *const *command;      /* NULL-terminated argv to run and stop with, or NULL */
	uint32_t level;            /* enum lm_level */
	bool sched;                /* level full: who had which CPU, too */
	uint64_t content_bytes;    /* kept of what each process reads and writes, for each file
				    * and way; 0: none. Not at level reduced */
	bool no_terminals;         /* nor what goes through terminals */
	uint64_t ring_bytes;       /* per-CPU buffer, power of two; 0: default */
	uint64_t memory_bytes;     /* lm_identify_set_memory(); 0: its default */
	uint64_t segment_bytes;    /* 0: default of the log */
	uint64_t keep_bytes;       /* delete finished segments, the oldest first, while the log */
	uint64_t keep_ns;          /* is larger, and when older; 0: never. Not with no_seal */
	enum lm_attach attach;
	bool no_seal;              /* do not have the log signed */
	struct lm_tpm_access tpm;  /* that witnesses it; tcti NULL: none */
	struct {
		const char *path;  /* of the host's key, which signs the log's beginning; NULL: it
				    * does not */
		bool asked;        /* that it is not there is worth saying */
		bool required;     /* without it nothing is recorded */
	} host_key;
	/* Called once everything is attached, with the log's verifier key ("" when it is not
	 * sealed); may be NULL. */
	void (*on_start)(void *data, const char *key);
	void *on_start_data;
	/* What goes wrong with the log meanwhile, in one sentence; may be NULL. */
	void (*on_trouble)(void *data, const char *sentence);
	void *on_trouble_data;
};

struct lm_record_summary {
	uint64_t events;      /* written to the log */
	uint64_t folded;      /* repeats that were counted in them */
	uint64_t lost;        /* known to be missing */
	uint64_t bytes;       /* of the log on disk */
	uint64_t elapsed_ns;
	int command_status;   /* wait(2) status of the command; 0 without one */
	bool command_ran;
	char key[LM_RECORD_KEY_BYTES]; /* verifier key of the log; empty when it is not sealed */
};

/** "provenance", "reduced", "full"; NULL outside the enum. Static. */
const char *lm_level_name(enum lm_level level);

/**
 * Record until the command ends, or SIGINT, SIGTERM, SIGHUP or SIGQUIT arrives. With a command the
 * first signal is passed on to it, and recording goes on until it ends, at most ten seconds; a
 * second signal ends the recording at once. Handlers are restored.
 *
 * @return 0; -EPERM (not root, or capabilities missing); -ENOSYS (kernel lacks what is needed);
 *         -EEXIST, -ENOENT, -EACCES (log path); -ENOSPC, -EIO (log could not be written), -ENOENT
 *         (log was removed), -LM_E_UNSIGNED (the keys were lost): recording went on, the summary
 *         is filled in; -ENOMEM; what lm_tpm_reserve(), lm_host_key_unseal() return
 */
int lm_record_run(const struct lm_record_options *options, struct lm_record_summary *ret_summary,
		  struct lm_diag *diag);

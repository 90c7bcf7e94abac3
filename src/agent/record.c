/* SPDX-License-Identifier: MIT */
#include "lemona/agent/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/time.h"
#include "lemona/event/content.h"
#include "lemona/event/identify.h"
#include "lemona/event/reduce.h"
#include "lemona/event/rules.h"
#include "lemona/log/writer.h"
#include "lemona/sensor/names.h"
#include "lemona/sensor/sensor.h"
#include "hasher.h"
#include "look.h"
#include "own.h"
#include "place.h"
#include "sealing.h"
#include "trouble.h"

/*
 * The rings are emptied this often, and what came is written: a reader can see it when it is as
 * old as this, and the time that reading, storing and writing took. What
 * is urgent is written at once, unless a frame was written a moment ago: each has its price,
 * and where one program is started after the other, many small ones would double the log.
 */
#define POLL_NS (8 * LM_NS_PER_MS)
#define URGENT_NS (4 * LM_NS_PER_MS)
#define COMMAND_END_NS (10 * LM_NS_PER_SEC)
/* What the end of a recording waits for hashes. */
#define HASH_END_NS LM_NS_PER_SEC

/* Signals that end a recording. A terminal's go to the command as well, by themselves. */
static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static volatile sig_atomic_t stop_count, stop_signal, stop_by_process;

static void on_signal(int number, siginfo_t *info, void *context)
{
	stop_signal = number;
	stop_by_process = info->si_code <= 0;
	stop_count++;
}

struct handlers {
	struct sigaction old[LM_ARRAY_SIZE(stop_signals)];
};

struct recorder {
	struct lm_sensor *sensor;
	struct lm_identify *identify;
	struct lm_names *names; /* NULL: this kernel reports none */
	struct hasher *hasher;
	struct sealing sealing;
	bool began; /* to record: there is a log to keep */
	struct own_threads threads;
	struct lm_log_writer *log;
	uint32_t segment; /* of the log, as identification knows it */
	struct trouble trouble;
	pid_t command;  /* 0 none, or ended */
	pid_t self;
	int priority;   /* as we were started: the command gets it back */
	struct handlers handlers; /* likewise */
	struct lm_record_summary *summary;
};

static void set_handlers(struct handlers *handlers)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	stop_count = stop_signal = 0;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < LM_ARRAY_SIZE(stop_signals); i++)
		sigaction(stop_signals[i], &action, &handlers->old[i]);
}

static void restore_handlers(const struct handlers *handlers)
{
	for (size_t i = 0; i < LM_ARRAY_SIZE(stop_signals); i++)
		sigaction(stop_signals[i], &handlers->old[i], NULL);
}

/* Where old segments are deleted a new one defines what it uses. */
static int follow_segment(struct recorder *rec)
{
	uint32_t segment = lm_log_segment(rec->log);

	if (!rec->identify || segment == rec->segment)
		return 0;
	rec->segment = segment;
	return lm_identify_begin_segment(rec->identify);
}

static void note_trouble(struct recorder *rec, int r)
{
	struct lm_log_counts counts;

	if (r >= 0 && !rec->trouble.failing)
		return;
	lm_log_counts(rec->log, &counts);
	trouble_note(&rec->trouble, r, counts.events);
}

static int write_item(void *data, const struct lm_item *item)
{
	struct recorder *rec = data;
	int r = lm_log_add(rec->log, item);

	note_trouble(rec, r);
	return r == -ENOMEM ? r : follow_segment(rec);
}

static int flush_log(struct recorder *rec)
{
	note_trouble(rec, lm_log_flush(rec->log));
	return follow_segment(rec);
}

static void forget_directories(void *data)
{
	struct recorder *rec = data;

	lm_sensor_forget_directories(rec->sensor);
}

static void new_file_system(void *data, uint32_t tgid)
{
	struct recorder *rec = data;

	if (rec->names)
		lm_names_watch_process(rec->names, tgid);
}

static int look(void *data, uint32_t tgid, const char *path, struct lm_raw_inode *ret_inode,
	char *ret_link, size_t link_size)
{
	return look_at_entry(tgid, path, ret_inode, ret_link, link_size);
}

/* What cannot even wait is told at once. */
static void ask_hasher(void *data, const struct lm_code *code)
{
	struct recorder *rec = data;
	struct lm_content late = { .file = code->file, .state = LM_CONTENT_LATE };

	if (hasher_ask(rec->hasher, code) >= 0)
		return;
	late.time_ns = lm_time_boot_ns();
	(void)lm_identify_content(rec->identify, &late);
}

static int take_hashes(struct recorder *rec)
{
	struct lm_content content;
	int r = 0;

	while (r == 0 && hasher_take(rec->hasher, &content))
		r = lm_identify_content(rec->identify, &content);
	return r;
}

/* A record that makes no sense is one that is missing: no single one ends the recording. */
static int tell_misread(struct recorder *rec, const struct lm_raw *record)
{
	struct lm_item item = {
		.kind = LM_ITEM_GAP,
		.gap = {
			.begin_ns = record->time_ns, .end_ns = record->time_ns, .count = 1,
			.kinds = record->kind < 64 ? UINT64_C(1) << record->kind : 0,
			.tgid = record->tgid, .cpu = LM_GAP_CPU_NONE, .reason = LM_GAP_FAULT,
		},
	};

	return write_item(rec, &item);
}

static int take_record(void *data, const struct lm_raw *record)
{
	struct recorder *rec = data;
	int r;

	if (own_is_record(record, rec->self, sealing_holder_pid(&rec->sealing)))
		return 0;
	r = lm_identify_record(rec->identify, record);
	return r == -LM_E_FORMAT ? tell_misread(rec, record) : r;
}

static int take_name(void *data, const struct lm_name_event *event)
{
	struct recorder *rec = data;

	return own_threads_have(&rec->threads, event->tid) ? 0 :
		lm_identify_name(rec->identify, event);
}

/* Names that are missing leave claims unconfirmed; that they are missing is told. */
static int tell_lost_names(struct recorder *rec)
{
	uint64_t now_ns = lm_time_boot_ns();
	struct lm_item item = {
		.kind = LM_ITEM_GAP,
		.gap = {
			.begin_ns = now_ns - POLL_NS, .end_ns = now_ns, .cpu = LM_GAP_CPU_NONE,
			.reason = LM_GAP_QUEUE,
		},
	};

	lm_identify_lost_names(rec->identify);
	return write_item(rec, &item);
}

/* Everything up to now: the names that the kernel reports before the calls that changed them. */
static int drain(struct recorder *rec)
{
	bool overflow = false;
	int r = 0;

	lm_sensor_snapshot(rec->sensor);
	if (rec->names)
		r = lm_names_read(rec->names, take_name, rec, &overflow);
	if (r == 0 && overflow)
		r = tell_lost_names(rec);
	if (r == 0)
		r = lm_sensor_drain(rec->sensor, take_record, rec);
	return r < 0 ? r : take_hashes(rec);
}

static void read_line(const char *path, char *out, size_t size)
{
	FILE *file LM_FCLOSE = fopen(path, "re");

	out[0] = '\0';
	if (file && fgets(out, (int)size, file))
		out[strcspn(out, "\n")] = '\0';
}

const char *lm_level_name(enum lm_level level)
{
	static const char *const names[] = {
		[LM_LEVEL_PROVENANCE] = "provenance", [LM_LEVEL_REDUCED] = "reduced",
		[LM_LEVEL_FULL] = "full",
	};

	return (size_t)level < LM_ARRAY_SIZE(names) ? names[level] : NULL;
}

static void fill_meta(struct lm_log_meta *meta, enum lm_level level, enum lm_attach attach)
{
	struct utsname name;

	*meta = (struct lm_log_meta){
		.recorder = "lemona " LEMONA_VERSION,
		.start_ns = lm_time_boot_ns(),
		.start_wall_ns = lm_time_wall_ns(),
	};
	snprintf(meta->attach, sizeof(meta->attach), "%s", lm_attach_name(attach));
	snprintf(meta->level, sizeof(meta->level), "%s", lm_level_name(level));
	if (uname(&name) == 0) {
		snprintf(meta->host, sizeof(meta->host), "%s", name.nodename);
		snprintf(meta->kernel, sizeof(meta->kernel), "%s %s", name.release, name.version);
	}
	read_line("/proc/sys/kernel/random/boot_id", meta->boot_id, sizeof(meta->boot_id));
	read_line("/etc/machine-id", meta->machine_id, sizeof(meta->machine_id));
}

static struct lm_call_rule rule_of(const struct lm_call_mapping *mapping)
{
	struct lm_call_rule rule = mapping->rule;

	if (lm_op_is_urgent(mapping->op))
		rule.class |= LM_CALL_URGENT;
	return rule;
}

static int open_all(struct recorder *rec, const struct lm_record_options *options,
	struct lm_diag *diag)
{
	struct lm_call_rule rules[LM_CALL_COUNT];
	struct lm_compat_rule compat[LM_CALL_COUNT];
	uint8_t ways[LM_CALL_COUNT];
	uint8_t uring_classes[LM_URING_COUNT];
	uint8_t shapes[LM_CALL_COUNT];
	struct lm_sensor_options sensor = {
		.ring_bytes = options->ring_bytes, .rules = rules, .compat = compat, .ways = ways,
		.uring_classes = uring_classes, .level = options->level,
		.self_tgid = (uint32_t)getpid(), .attach = options->attach,
		.turns = options->sched, .content_bytes = options->content_bytes,
		.terminals = !options->no_terminals, .content_shapes = shapes,
	};
	struct lm_log_options log = {
		.segment_bytes = options->segment_bytes,
		.keep_bytes = options->keep_bytes, .keep_ns = options->keep_ns,
	};
	struct lm_identify_sink sink = {
		.item = write_item, .forget_directories = forget_directories,
		.new_file_system = new_file_system, .look = look, .code = ask_hasher,
		.data = rec,
	};
	struct lm_identify_devices devices;
	struct lm_log_meta meta;
	int r;

	for (int i = 0; i < LM_CALL_COUNT; i++) {
		rules[i] = rule_of(&lm_call_mappings()[i]);
		compat[i] = lm_compat_mappings()[i].rule;
	}
	for (int i = 0; i < LM_URING_COUNT; i++)
		uring_classes[i] = lm_uring_mappings()[i].class;
	if (!options->no_seal) {
		r = sealing_start(&rec->sealing, options, rec->summary->key,
			sizeof(rec->summary->key), diag);
		if (r < 0)
			return r;
		log.signer = sealing_signer(&rec->sealing);
		log.log_id = rec->sealing.log_id;
	}
	r = lm_identify_find_devices(&devices);
	/* Before anything is recorded, so that its thread is none that was made in sight. */
	if (r == 0)
		r = hasher_new(&rec->hasher);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot start recording");
	sensor.anonymous_dev = devices.anon_inode;
	lm_reduce_fill_ways(ways);
	lm_content_fill_shapes(shapes);
	r = lm_sensor_open(&sensor, &rec->sensor, diag);
	if (r < 0)
		return r;
	/*
	 * Without the kernel's reports names of path calls stay claims, and are marked so. Hooks
	 * tell more than they do, at less cost.
	 */
	if (lm_sensor_features(rec->sensor)->attach == LM_ATTACH_TRACEPOINT &&
		lm_names_open(&rec->names, NULL) == -ENOMEM)
		return -ENOMEM;
	fill_meta(&meta, options->level, lm_sensor_features(rec->sensor)->attach);
	r = lm_log_create(options->log_path, &meta, &log, &rec->log, diag);
	if (r < 0)
		return r;
	own_threads_list(&rec->threads);
	r = lm_identify_new(&sink, &devices, &rec->identify);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot start recording");
	rec->segment = lm_log_segment(rec->log);
	lm_identify_set_self(rec->identify, (uint32_t)getpid());
	if (options->keep_bytes || options->keep_ns)
		r = lm_identify_set_repeating(rec->identify);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot start recording");
	if (options->memory_bytes)
		lm_identify_set_memory(rec->identify, options->memory_bytes);
	r = lm_sensor_find_state(rec->sensor, take_record, rec);
	if (r == 0)
		r = lm_identify_found_all(rec->identify);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot list what is running already");
	r = lm_log_flush(rec->log);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot write the log %s", options->log_path);
	r = follow_segment(rec);
	return r < 0 ? lm_diag_errno(diag, r, "cannot start recording") : 0;
}

/* The command, started only now, so that all of it is seen. exec's failure comes back by a pipe. */
static int start_command(struct recorder *rec, char *const *argv, struct lm_diag *diag)
{
	int reader LM_CLOSE = -1, writer LM_CLOSE = -1;
	int fds[2], failure = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return lm_diag_errno(diag, -errno, "cannot make a pipe");
	reader = fds[0];
	writer = fds[1];
	pid = fork();
	if (pid < 0)
		return lm_diag_errno(diag, -errno, "cannot start a process");
	if (pid == 0) {
		(void)setpriority(PRIO_PROCESS, 0, rec->priority);
		restore_handlers(&rec->handlers);
		execvp(argv[0], argv);
		failure = errno;
		if (write(writer, &failure, sizeof(failure)) < 0)
			_exit(126);
		_exit(127);
	}
	close(lm_take_fd(writer));
	if (read(reader, &failure, sizeof(failure)) == sizeof(failure)) {
		waitpid(pid, NULL, 0);
		return lm_diag_errno(diag, -failure, "cannot run %s", argv[0]);
	}
	rec->command = pid;
	return 0;
}

static bool command_ended(struct recorder *rec)
{
	int status;

	if (!rec->command || waitpid(rec->command, &status, WNOHANG) != rec->command)
		return false;
	rec->command = 0;
	rec->summary->command_ran = true;
	rec->summary->command_status = status;
	return true;
}

/*
 * A command is asked to end too, and recorded until it has: a second signal, or
 * ten seconds, end the recording without it.
 */
static bool should_stop(const struct recorder *rec, uint64_t *asked_ns)
{
	if (!stop_count)
		return false;
	if (!rec->command || stop_count > 1)
		return true;
	if (!*asked_ns) {
		*asked_ns = lm_time_boot_ns();
		if (stop_by_process)
			kill(rec->command, stop_signal);
	}
	return lm_time_boot_ns() - *asked_ns > COMMAND_END_NS;
}

static int record(struct recorder *rec)
{
	uint64_t asked_ns = 0, written_ns = 0;
	struct placement place;
	int r;

	place_init(&place);
	while (!command_ended(rec) && !should_stop(rec, &asked_ns)) {
		bool urgent = lm_sensor_wait(rec->sensor, POLL_NS);

		if (urgent) {
			uint64_t since_ns = lm_time_boot_ns() - written_ns;

			if (since_ns < URGENT_NS)
				lm_time_pause(URGENT_NS - since_ns);
		}
		r = drain(rec);
		if (r < 0)
			return r;
		r = flush_log(rec);
		if (r < 0)
			return r;
		if (trouble_look(&rec->trouble, rec->log, false))
			own_threads_list(&rec->threads); /* a log made anew has a new one */
		written_ns = lm_time_boot_ns();
		place_update(&place, rec->sensor);
	}
	lm_sensor_detach(rec->sensor);
	r = drain(rec);
	if (r == 0) {
		hasher_finish(rec->hasher, HASH_END_NS);
		r = take_hashes(rec);
	}
	return r;
}

static int close_all(struct recorder *rec, int r, struct lm_diag *diag)
{
	struct lm_log_counts counts = { 0 };
	struct lm_diag ending = LM_DIAG_INIT, witness = LM_DIAG_INIT;
	int ended = 0, witnessed;

	/* What is still in the rings is not told: the log must not look whole. */
	if (r < 0)
		rec->log = lm_log_abandon(rec->log);
	if (rec->log) {
		(void)trouble_look(&rec->trouble, rec->log, true);
		ended = lm_log_close(rec->log, &counts, &ending);
	}
	witnessed = sealing_end(&rec->sealing, !rec->began, &witness);
	hasher_free(rec->hasher);
	lm_identify_free(rec->identify);
	lm_names_close(rec->names);
	lm_sensor_close(rec->sensor);
	rec->summary->events = counts.events;
	rec->summary->folded = counts.folded;
	rec->summary->lost = counts.lost;
	rec->summary->bytes = counts.bytes;
	if (r == 0 && ended != -LM_E_UNSIGNED)
		r = lm_diag_set(diag, ended, "%s", ending.text);
	if (r == 0)
		r = trouble_sum_up(&rec->trouble, diag);
	if (r == 0 && ended == 0 && witnessed < 0)
		r = lm_diag_set(
			diag, witnessed, "the TPM knows less than the log: %s", witness.text);
	return r < 0 ? r : lm_diag_set(diag, ended, "%s", ending.text);
}

/*
 * Ahead of what it watches: a recorder that waits for the CPU is late, and then loses events. Nice
 * values count only inside a session where the kernel groups by session (autogroup), so it takes
 * the lowest real-time priority; threads and the command do not inherit it.
 */
static void go_ahead_of_others(void)
{
	const struct sched_param lowest = { .sched_priority = 1 };

	if (sched_getscheduler(0) != SCHED_OTHER)
		return; /* whoever started it has chosen */
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) < 0)
		(void)setpriority(PRIO_PROCESS, 0, -20);
}

/* The log says so too: no word is lost if nobody reads this one. */
static void tell_unsigned(const struct lm_diag *why, const struct lm_record_options *options)
{
	char sentence[LM_DIAG_MAX_BYTES + 64];

	snprintf(sentence, sizeof(sentence), "the host does not sign this log: %s", why->text);
	options->on_trouble(options->on_trouble_data, sentence);
}

int lm_record_run(const struct lm_record_options *options, struct lm_record_summary *ret_summary,
	struct lm_diag *diag)
{
	struct lm_record_summary summary = { 0 };
	struct recorder rec = {
		.summary = &summary, .self = getpid(),
		.priority = getpriority(PRIO_PROCESS, 0),
		.trouble = { .say = options->on_trouble, .data = options->on_trouble_data },
	};
	uint64_t start_ns = lm_time_boot_ns();
	int r;

	set_handlers(&rec.handlers);
	go_ahead_of_others();
	r = open_all(&rec, options, diag);
	if (r == 0 && options->on_start)
		options->on_start(options->on_start_data, summary.key);
	if (r == 0 && options->on_trouble && rec.sealing.host.text[0])
		tell_unsigned(&rec.sealing.host, options);
	if (r == 0 && options->command) {
		r = start_command(&rec, options->command, diag);
		if (r < 0)
			rec.log = lm_log_discard(rec.log, options->log_path);
	}
	if (r == 0) {
		rec.began = true;
		r = record(&rec);
		if (r < 0)
			lm_diag_errno(diag, r, "recording stopped");
	}
	r = close_all(&rec, r, diag);
	summary.elapsed_ns = lm_time_boot_ns() - start_ns;
	restore_handlers(&rec.handlers);
	*ret_summary = summary;
	return r;
}

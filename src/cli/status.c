/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "lemona/log/notes.h"

static const char help[] =
	"Usage: lemona status LOG [OPTION]...\n"
	"\n"
	"Say what state LOG is in, how much it holds, and what is missing. The log may be\n"
	"one that is being written.\n"
	"\n"
	"Options:\n"
	"      --format FORMAT  text (default) or json\n"
	"  -h, --help           print this text\n";

enum { OPTION_FORMAT = 256 };

static const struct option options[] = {
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Events of the last second: a ring of slots, wide enough for frames that overlap in time. */
#define SLOTS 64u
#define SLOT_NS (LM_NS_PER_SEC / 32)
#define SLOTS_PER_SEC 32u

struct rate {
	uint64_t counts[SLOTS];
	uint64_t newest; /* absolute number of the newest slot */
};

struct status {
	const struct lm_log_meta *meta;
	struct lm_log_counts counts;
	enum lm_log_state state;
	struct rate rate;
	bool sealed;                     /* has a checkpoint */
	struct lm_checkpoint checkpoint; /* the newest one */
	uint64_t end_ns; /* boot time of the last event; start without one */
	uint64_t gaps;
	uint64_t wall_start_ns, wall_end_ns;
};

static void count_event(struct rate *rate, uint64_t time_ns, uint64_t events)
{
	uint64_t slot = time_ns / SLOT_NS;

	if (slot > rate->newest) {
		uint64_t stale = slot - rate->newest < SLOTS ? slot - rate->newest : SLOTS;

		for (uint64_t i = 0; i < stale; i++)
			rate->counts[(slot - i) % SLOTS] = 0;
		rate->newest = slot;
	}
	if (rate->newest - slot < SLOTS)
		rate->counts[slot % SLOTS] += events;
}

/* The newest slot is not over yet: the second before it is. */
static uint64_t events_last_second(const struct rate *rate)
{
	uint64_t sum = 0;

	for (uint64_t i = 1; i <= SLOTS_PER_SEC && i <= rate->newest; i++)
		sum += rate->counts[(rate->newest - i) % SLOTS];
	return sum;
}

static int read_status(struct lm_log *log, struct status *status)
{
	struct lm_item item;
	int r = 0;

	status->meta = lm_log_meta(log);
	status->end_ns = status->meta->start_ns;
	while ((r = lm_log_next(log, &item)) > 0) {
		if (item.kind == LM_ITEM_GAP)
			status->gaps++;
		if (item.kind != LM_ITEM_EVENT)
			continue;
		count_event(&status->rate, item.event.end_ns, lm_event_count(&item.event));
		if (item.event.end_ns > status->end_ns)
			status->end_ns = item.event.end_ns;
	}
	if (r < 0)
		return r;
	status->state = lm_log_state(log);
	lm_log_read_counts(log, &status->counts);
	status->wall_start_ns = status->meta->start_wall_ns;
	status->wall_end_ns = lm_cli_wall_ns(log, status->end_ns);
	return 0;
}

/* A segment by itself is no log: what seals it is beside it. */
static int read_checkpoint(const char *path, struct status *status, struct lm_diag *diag)
{
	LM_BUFFER struct lm_buffer note = LM_BUFFER_INIT;
	int r = lm_log_newest_checkpoint(path, &note, &status->checkpoint, diag);

	status->sealed = r == 0;
	return r == -ENODATA || r == -ENOTDIR ? 0 : r;
}

static double status_seconds(const struct status *status)
{
	return (double)(status->end_ns - status->meta->start_ns) / (double)LM_NS_PER_SEC;
}

/* What happened: some of it shares an event with what it repeats. */
static uint64_t status_events(const struct status *status)
{
	return status->counts.events + status->counts.folded;
}

static double status_rate(const struct status *status)
{
	double seconds = status_seconds(status);

	if (status->state == LM_LOG_LIVE && seconds >= 1.0)
		return (double)events_last_second(&status->rate);
	return seconds > 0 ? (double)status_events(status) / seconds : 0.0;
}

static double bytes_an_event(const struct status *status)
{
	uint64_t events = status_events(status);

	return events ? (double)status->counts.bytes / (double)events : 0.0;
}

static const char *state_name(enum lm_log_state state)
{
	switch (state) {
	case LM_LOG_ENDED:
		return "ended";
	case LM_LOG_LIVE:
		return "live";
	case LM_LOG_CUT:
		return "cut";
	}
	return "unknown";
}

static const char *state_meaning(enum lm_log_state state)
{
	switch (state) {
	case LM_LOG_ENDED:
		return "ended in order";
	case LM_LOG_LIVE:
		return "live: it is being written";
	case LM_LOG_CUT:
		return "cut: the recorder was stopped before it could end it";
	}
	return "unknown";
}

static void print_row(struct lm_buffer *out, const char *name, const char *value)
{
	lm_buffer_printf(out, "%-16s ", name);
	lm_buffer_append_escaped(out, lm_str_from(value));
	lm_buffer_append_byte(out, '\n');
}

static void print_text(const struct status *status, struct lm_buffer *out)
{
	const struct lm_log_meta *meta = status->meta;
	char time[LM_CLI_TIME_BYTES];

	print_row(out, "state", state_meaning(status->state));
	print_row(out, "host", meta->host);
	print_row(out, "kernel", meta->kernel);
	print_row(out, "recorder", meta->recorder);
	print_row(out, "level", meta->level);
	print_row(out, "attached by", meta->attach);
	lm_cli_format_time_us(status->wall_start_ns, time);
	print_row(out, "start", time);
	lm_cli_format_time_us(status->wall_end_ns, time);
	print_row(out, "last event", time);
	lm_buffer_printf(out, "%-16s %.1f s\n", "duration", status_seconds(status));
	lm_buffer_printf(out, "%-16s %" PRIu64 "\n", "events", status_events(status));
	lm_buffer_printf(out, "%-16s %" PRIu64 "\n", "folded", status->counts.folded);
	lm_buffer_printf(out, "%-16s %.0f%s\n", "events a second", status_rate(status),
		status->state == LM_LOG_LIVE ? " in the last second" : " on average");
	lm_buffer_printf(out, "%-16s %" PRIu64 "\n", "objects", status->counts.objects);
	lm_buffer_printf(out, "%-16s %" PRIu64 " events in %" PRIu64 " gaps\n", "lost",
		status->counts.lost, status->gaps);
	lm_buffer_printf(out, "%-16s %" PRIu64 " bytes, %.2f an event\n", "size",
		status->counts.bytes, bytes_an_event(status));
	if (!status->sealed) {
		print_row(out, "sealed", "no checkpoint");
		return;
	}
	lm_cli_format_time_us(status->checkpoint.wall_ns, time);
	lm_buffer_printf(out, "%-16s %s, %" PRIu64 " leaves%s\n", "sealed", time,
		status->checkpoint.size,
		status->checkpoint.state == LM_CHECKPOINT_END ? ", all there are" : "");
}

static void print_json_string(struct lm_buffer *out, const char *key, const char *value)
{
	lm_buffer_printf(out, ",\"%s\":", key);
	lm_buffer_append_json(out, lm_str_from(value));
}

static void print_json_time(struct lm_buffer *out, const char *key, uint64_t wall_ns)
{
	char time[LM_TIME_TEXT_BYTES];

	lm_time_format(wall_ns, time);
	print_json_string(out, key, time);
}

static void print_json_checkpoint(const struct status *status, struct lm_buffer *out)
{
	const struct lm_checkpoint *checkpoint = &status->checkpoint;

	if (!status->sealed) {
		lm_buffer_append_text(out, ",\"checkpoint\":null");
		return;
	}
	lm_buffer_printf(out, ",\"checkpoint\":{\"leaves\":%" PRIu64, checkpoint->size);
	print_json_time(out, "time", checkpoint->wall_ns);
	lm_buffer_printf(out, ",\"end\":%s}",
		checkpoint->state == LM_CHECKPOINT_END ? "true" : "false");
}

static void print_json(const struct status *status, struct lm_buffer *out)
{
	const struct lm_log_meta *meta = status->meta;

	lm_buffer_append_text(out, "{\"version\":1");
	print_json_string(out, "state", state_name(status->state));
	print_json_string(out, "host", meta->host);
	print_json_string(out, "boot_id", meta->boot_id);
	print_json_string(out, "machine_id", meta->machine_id);
	print_json_string(out, "kernel", meta->kernel);
	print_json_string(out, "recorder", meta->recorder);
	print_json_string(out, "level", meta->level);
	print_json_string(out, "attach", meta->attach);
	print_json_time(out, "start", status->wall_start_ns);
	print_json_time(out, "end", status->wall_end_ns);
	lm_buffer_printf(out, ",\"duration_seconds\":%.3f", status_seconds(status));
	lm_buffer_printf(out, ",\"events\":%" PRIu64 ",\"folded\":%" PRIu64, status_events(status),
		status->counts.folded);
	lm_buffer_printf(out, ",\"events_per_second\":%.1f", status_rate(status));
	lm_buffer_printf(out, ",\"objects\":%" PRIu64, status->counts.objects);
	lm_buffer_printf(out, ",\"lost\":%" PRIu64 ",\"gaps\":%" PRIu64, status->counts.lost,
		status->gaps);
	lm_buffer_printf(out, ",\"frames\":%" PRIu64, status->counts.frames);
	lm_buffer_printf(out, ",\"bytes\":%" PRIu64 ",\"bytes_per_event\":%.3f",
		status->counts.bytes, bytes_an_event(status));
	print_json_checkpoint(status, out);
	lm_buffer_append_text(out, "}\n");
}

/* @return 1 when --help was asked for; 0; -EINVAL after having said why */
static int parse_arguments(int argc, char **argv, const char **ret_path, bool *ret_json)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		if (c == 'h')
			return 1;
		if (c != OPTION_FORMAT)
			return -EINVAL;
		*ret_json = strcmp(optarg, "json") == 0;
		if (!*ret_json && strcmp(optarg, "text") != 0) {
			lm_cli_usage("status", "there is no format %s: text or json", optarg);
			return -EINVAL;
		}
	}
	*ret_path = lm_cli_operand_log(argc, argv);
	return *ret_path ? 0 : -EINVAL;
}

static inline void free_log(struct lm_log **log)
{
	lm_log_free(*log);
}

int lm_cli_status(int argc, char **argv)
{
	struct lm_log *log LM_CLEANUP(free_log) = NULL;
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;
	struct status status = { .gaps = 0 };
	struct lm_diag diag = LM_DIAG_INIT;
	const char *path = NULL;
	bool json = false;
	int r = parse_arguments(argc, argv, &path, &json);

	if (r < 0)
		return LM_EXIT_USAGE;
	if (r > 0) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	r = lm_log_open(path, &log, &diag);
	if (r == 0)
		r = read_status(log, &status);
	if (r == 0)
		r = read_checkpoint(path, &status, &diag);
	if (r < 0)
		return lm_cli_fail(r, &diag);
	if (json)
		print_json(&status, &out);
	else
		print_text(&status, &out);
	r = lm_cli_print(&out);
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, NULL);
	int exit_code = lm_cli_finish(LM_EXIT_OK);

	return exit_code ? exit_code : lm_cli_report_damage(lm_log_damage(log), exit_code);
}

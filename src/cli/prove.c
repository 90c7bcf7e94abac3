/* SPDX-License-Identifier: MIT */
#include "lemona/log/prove.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "events.h"
#include "lemona/base/base64.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "lemona/event/codec.h"

static const char help[] =
	"Usage: lemona prove LOG EVENT [OPTION]...\n"
	"\n"
	"Print a proof that event number EVENT stood in LOG when a checkpoint was made. It can\n"
	"be checked without the log, and without this program.\n"
	"\n"
	"Options:\n"
	"      --checkpoint FILE  prove it for this checkpoint (default: the newest there is)\n"
	"      --payload          put the bytes of the whole frame into the proof\n"
	"  -h, --help             print this text\n";

enum { OPTION_CHECKPOINT = 256, OPTION_PAYLOAD };

static const struct option options[] = {
	{ "checkpoint", required_argument, NULL, OPTION_CHECKPOINT },
	{ "payload", no_argument, NULL, OPTION_PAYLOAD },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct arguments {
	const char *path, *checkpoint;
	uint64_t event;
	bool payload;
};

static void free_batch(struct lm_batch_reader **batch)
{
	lm_batch_reader_free(*batch);
}

static void free_labels(struct lm_labels **labels)
{
	lm_labels_free(*labels);
}

static uint64_t wall_of(const struct lm_proof *proof, uint64_t boot_ns)
{
	return boot_ns + (uint64_t)proof->wall_minus_boot_ns;
}

/*
 * What the event is, as far as its own frame says it: objects that were defined before have their
 * numbers only.
 */
static int describe(const struct lm_proof *proof, uint64_t event, struct lm_buffer *out)
{
	LM_CLEANUP(free_batch) struct lm_batch_reader *batch = NULL;
	LM_CLEANUP(free_labels) struct lm_labels *labels = NULL;
	struct lm_item item;
	int r = lm_batch_reader_new(proof->raw.data, proof->raw.len, proof->base_ns,
		proof->first_event, &batch);

	if (r == 0)
		r = lm_labels_new(&labels);
	while (r == 0) {
		r = lm_batch_reader_next(batch, &item);
		if (r <= 0)
			return r < 0 ? r : -ENOENT;
		r = lm_labels_add(labels, &item);
		if (r == 0 && item.kind == LM_ITEM_EVENT && item.event.id == event)
			break;
	}
	if (r < 0)
		return r;
	if (!(item.event.flags & LM_EVENT_TIMED))
		item.event.begin_ns = item.event.end_ns;
	r = lm_labels_advance(labels, item.event.end_ns);
	lm_event_print_text(&(struct lm_event_view){ &item.event, labels,
		wall_of(proof, item.event.begin_ns), wall_of(proof, item.event.end_ns) }, out);
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->len--;
	return r < 0 ? r : lm_buffer_status(out);
}

static void print_bytes(struct lm_buffer *out, const char *key, const uint8_t *data, size_t len)
{
	lm_buffer_printf(out, "\"%s\":\"", key);
	lm_buffer_append_hex(out, data, len);
	lm_buffer_append_byte(out, '"');
}

static void print_text(struct lm_buffer *out, const char *key, const struct lm_buffer *text)
{
	lm_buffer_printf(out, ",\n\"%s\":", key);
	lm_buffer_append_json(out,
		(struct lm_str){ (const char *)text->data, (uint32_t)text->len });
}

static void print_time(struct lm_buffer *out, const char *key, uint64_t wall_ns)
{
	char time[LM_TIME_TEXT_BYTES];

	lm_time_format(wall_ns, time);
	lm_buffer_printf(out, ",\"%s\":\"%s\"", key, time);
}

static void print_proof(struct lm_buffer *out, const struct lm_proof *proof,
	const struct arguments *arguments, const struct lm_buffer *description)
{
	lm_buffer_printf(out, "{\"version\":1,\n\"event\":%" PRIu64, arguments->event);
	print_text(out, "description", description);
	lm_buffer_printf(out, ",\n\"frame\":{\"segment\":%" PRIu32 ",\"sequence\":%" PRIu64
		",\"first_event\":%" PRIu64 ",\"events\":%" PRIu64, proof->segment,
		proof->sequence, proof->first_event, proof->event_count);
	print_time(out, "begin", wall_of(proof, proof->min_ns));
	print_time(out, "end", wall_of(proof, proof->max_ns));
	lm_buffer_append_text(out, ",\n");
	print_bytes(out, "header", proof->header, sizeof(proof->header));
	lm_buffer_append_text(out, ",\n");
	print_bytes(out, "payload_sha256", proof->payload_hash.bytes, LM_SHA256_BYTES);
	lm_buffer_printf(out, "},\n\"leaf\":%" PRIu64 ",\n\"size\":%" PRIu64 ",\n\"path\":[",
		proof->leaf, proof->size);
	for (uint32_t i = 0; i < proof->path.count; i++) {
		lm_buffer_append_text(out, i ? ",\n\"" : "\"");
		lm_buffer_append_hex(out, proof->path.hashes[i].bytes, LM_SHA256_BYTES);
		lm_buffer_append_byte(out, '"');
	}
	lm_buffer_append_byte(out, ']');
	print_text(out, "checkpoint", &proof->note);
	lm_buffer_append_text(out, ",\n");
	print_bytes(out, "key", proof->key.bytes, sizeof(proof->key.bytes));
	print_text(out, "log_key", &proof->anchor);
	if (arguments->payload) {
		lm_buffer_append_text(out, ",\n\"payload\":\"");
		lm_buffer_append_base64(out, proof->payload.data, proof->payload.len);
		lm_buffer_append_byte(out, '"');
	}
	lm_buffer_append_text(out, "}\n");
}

/* @return 1 when --help was asked for; 0; -EINVAL after having said why */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		if (c == 'h')
			return 1;
		if (c == OPTION_CHECKPOINT)
			arguments->checkpoint = optarg;
		else if (c == OPTION_PAYLOAD)
			arguments->payload = true;
		else
			return -EINVAL;
	}
	if (argc - optind != 2) {
		lm_cli_usage("prove", "give the log and the number of one event");
		return -EINVAL;
	}
	arguments->path = argv[optind];
	if (lm_cli_parse_u64(argv[optind + 1], &arguments->event) < 0 || arguments->event == 0) {
		lm_cli_usage("prove", "%s is no number of an event", argv[optind + 1]);
		return -EINVAL;
	}
	return 0;
}

static int prove(const struct arguments *arguments)
{
	LM_CLEANUP(lm_proof_release) struct lm_proof proof = { 0 };
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT, description = LM_BUFFER_INIT;
	struct lm_diag diag = LM_DIAG_INIT;
	int r = lm_prove(arguments->path, arguments->event, arguments->checkpoint, &proof, &diag);

	if (r == 0)
		r = describe(&proof, arguments->event, &description);
	if (r < 0)
		return lm_cli_fail(r, &diag);
	print_proof(&out, &proof, arguments, &description);
	r = lm_cli_print(&out);
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, NULL);
	return lm_cli_finish(LM_EXIT_OK);
}

int lm_cli_prove(int argc, char **argv)
{
	struct arguments arguments = { .event = 0 };
	int r = parse_arguments(argc, argv, &arguments);

	if (r < 0)
		return LM_EXIT_USAGE;
	if (r > 0) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	return prove(&arguments);
}

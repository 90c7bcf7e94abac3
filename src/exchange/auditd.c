/* SPDX-License-Identifier: MIT */
#include "auditd.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "text.h"

/*
 * auditd's log, and what `ausearch --raw` prints of it. libauparse puts the records of one event
 * together; serial numbers say in which order calls ended. They are nearly in order: a window
 * of WINDOW events sorts them. It grows where the library hands out more at once.
 *
 * The library holds back events that do not end with a record of type EOE or PROCTITLE, for two
 * seconds of their time, and looks at all that it holds for each record. So it is told to hand out
 * what it holds when that is HELD events, and when time or serial numbers go back: it would wait
 * for a time that is over, and take a log that is repeated for more records of the same events.
 */
#define WINDOW      256u
#define HELD        256u
#define HELD_NS     (2 * LM_NS_PER_SEC)
#define LINE_MAX_BYTES (64u << 10)
/* Calls that end within one tick of audit's clock are told so far apart, in their order. */
#define STEP_NS     UINT64_C(1000)
/* A serial number that is so much lower is one of another boot. */
#define BOOT_SERIALS 100000u

struct auditd {
	struct source *source;
	auparse_state_t *parser;
	int failure;
	bool ended;
	struct audit_event **window; /* a heap, the first in order on top */
	size_t count, capacity;
	uint64_t boots, last_serial;
	uint64_t last_order; /* of the event that was taken last */
	/* Of the records that the library was given since it last was told to hand out all: */
	uint64_t newest_ns, newest_serial;
	uint64_t stamp;      /* serial number of the last one */
	uint32_t held;       /* how often another event began, less what was handed out */
	struct lm_buffer line;
};

static bool is_before(const struct audit_event *a, const struct audit_event *b)
{
	return a->order < b->order;
}

static void push_event(struct auditd *auditd, struct audit_event *event)
{
	size_t i = auditd->count++;

	for (; i > 0 && is_before(event, auditd->window[(i - 1) / 2]); i = (i - 1) / 2)
		auditd->window[i] = auditd->window[(i - 1) / 2];
	auditd->window[i] = event;
}

static struct audit_event *pop_event(struct auditd *auditd)
{
	struct audit_event *first = auditd->window[0];
	struct audit_event *moved = auditd->window[--auditd->count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < auditd->count) {
		if (child + 1 < auditd->count &&
			is_before(auditd->window[child + 1], auditd->window[child]))
			child++;
		if (!is_before(auditd->window[child], moved))
			break;
		auditd->window[i] = auditd->window[child];
		i = child;
	}
	auditd->window[i] = moved;
	return first;
}

static int reserve_window(struct auditd *auditd)
{
	size_t capacity = auditd->capacity ? auditd->capacity * 2 : 2 * WINDOW;
	struct audit_event **moved;

	if (auditd->count < auditd->capacity)
		return 0;
	moved = reallocarray(auditd->window, capacity, sizeof(struct audit_event *));
	if (!moved)
		return -ENOMEM;
	auditd->window = moved;
	auditd->capacity = capacity;
	return 0;
}

/* One event is complete. */
static void take_event(auparse_state_t *parser, auparse_cb_event_t type, void *data)
{
	struct auditd *auditd = data;
	struct audit_event *event = NULL;
	int r;

	if (type != AUPARSE_CB_EVENT_READY || auditd->failure < 0)
		return;
	if (auditd->held > 0)
		auditd->held--;
	r = reserve_window(auditd);
	if (r == 0)
		r = audit_event_read(parser, &event);
	if (r < 0) {
		auditd->failure = r;
		return;
	}
	if (!event->is_call) {
		auditd->source->import->count.unknown++;
		audit_event_free(event);
		return;
	}
	if (event->serial + BOOT_SERIALS < auditd->last_serial)
		auditd->boots++;
	auditd->last_serial = event->serial;
	event->order = auditd->boots << 40 | (event->serial & ((UINT64_C(1) << 40) - 1));
	push_event(auditd, event);
}

/* What every record begins with: [node=NAME ]type=TYPE msg=audit(SECONDS.MS:SERIAL): */
struct frame {
	uint64_t time_ns, serial;
};

static bool is_record(struct lm_str line, struct frame *ret_frame)
{
	struct lm_str word;
	uint64_t number, seconds, time_ns;

	if (text_skip(&line, "node=") && !text_take_until(&line, ' ', &word))
		return false;
	if (!text_skip(&line, "type=") || !text_take_until(&line, ' ', &word) || !word.len)
		return false;
	if (!text_skip(&line, "msg=audit(") || !text_take_u64(&line, 10, &seconds) ||
		seconds >= INT32_MAX || !text_skip(&line, ".") ||
		!text_take_u64(&line, 10, &number) || number >= 1000)
		return false;
	time_ns = seconds * LM_NS_PER_SEC + number * LM_NS_PER_MS;
	if (!text_skip(&line, ":") || !text_take_u64(&line, 10, &number) ||
		!text_skip(&line, "):"))
		return false;
	*ret_frame = (struct frame){ .time_ns = time_ns, .serial = number };
	return true;
}

static const char *why_not(struct lm_str line, struct frame *ret_frame)
{
	if (line.len > LINE_MAX_BYTES)
		return "longer than any record";
	if (memchr(line.data, '\0', line.len))
		return "a zero byte in a record of text";
	if (is_record(line, ret_frame))
		return NULL;
	return "no record: type=... msg=audit(TIME:SERIAL): is missing";
}

/* The kernel tells the title last, and auditd does not keep the mark that follows it. */
static void append_end(struct lm_buffer *to, struct lm_str line)
{
	struct lm_str node, rest = line, stamp;

	if (text_skip(&rest, "node=") && !text_take_until(&rest, ' ', &node))
		return;
	if (!text_skip(&rest, "type=PROCTITLE msg=") || !text_take_until(&rest, ')', &stamp))
		return;
	lm_buffer_append(to, line.data, line.len - rest.len - stamp.len - 1 -
		strlen("type=PROCTITLE msg="));
	lm_buffer_append_text(to, "type=EOE msg=");
	lm_buffer_append_str(to, stamp);
	lm_buffer_append_text(to, "): \n");
}

/* Before a record is given to the library: let it hand out what it need not hold any longer. */
static void bound_held(struct auditd *auditd, const struct frame *frame)
{
	bool back = frame->time_ns + HELD_NS < auditd->newest_ns ||
		frame->serial + WINDOW < auditd->newest_serial;

	if (frame->serial != auditd->stamp && (back || auditd->held >= HELD)) {
		auparse_flush_feed(auditd->parser);
		auditd->newest_ns = auditd->newest_serial = 0;
		auditd->held = 0;
	}
	auditd->held += frame->serial != auditd->stamp;
	auditd->stamp = frame->serial;
	if (frame->time_ns > auditd->newest_ns)
		auditd->newest_ns = frame->time_ns;
	if (frame->serial > auditd->newest_serial)
		auditd->newest_serial = frame->serial;
}

/* Give one line to the parser. @return 1; 0 at the end; a negative code */
static int feed_line(struct auditd *auditd)
{
	struct lm_str line;
	struct frame frame = { .time_ns = 0 };
	const char *why;
	int r = import_line(auditd->source, &line);

	if (r <= 0)
		return r;
	/* What ausearch puts between events, where it is not told --raw. */
	if (!line.len || lm_str_equal(line, LM_STR("----")))
		return 1;
	why = why_not(line, &frame);
	if (why) {
		import_skip(auditd->source, auditd->source->lines.number, why, line);
		return 1;
	}
	auditd->source->read_ns = frame.time_ns;
	bound_held(auditd, &frame);
	lm_buffer_reset(&auditd->line);
	lm_buffer_append_str(&auditd->line, line);
	lm_buffer_append_byte(&auditd->line, '\n');
	append_end(&auditd->line, line);
	if (lm_buffer_status(&auditd->line) < 0)
		return -ENOMEM;
	if (auparse_feed(auditd->parser, (const char *)auditd->line.data, auditd->line.len) != 0)
		return -ENOMEM;
	return auditd->failure < 0 ? auditd->failure : 1;
}

static int auditd_next(struct source *source)
{
	struct auditd *auditd = source->state;
	int r = 1;

	while (auditd->count < WINDOW && !auditd->ended && r > 0) {
		r = feed_line(auditd);
		if (r == 0) {
			auditd->ended = true;
			auparse_flush_feed(auditd->parser);
			r = auditd->failure;
			break;
		}
	}
	if (r < 0)
		return r;
	if (auditd->count == 0)
		return 0;
	source->time_ns = auditd->window[0]->time_ns;
	source->serial = auditd->window[0]->serial;
	return 1;
}

static int auditd_apply(struct source *source)
{
	struct auditd *auditd = source->state;
	struct audit_event *event = pop_event(auditd);
	uint64_t end_ns = event->time_ns;
	int r;

	/* It began then; it ended after all that ended before it. */
	if (end_ns < world_now(source->import->world) + STEP_NS)
		end_ns = world_now(source->import->world) + STEP_NS;
	if (event->order < auditd->last_order)
		source->import->count.late++;
	else
		auditd->last_order = event->order;
	import_set_name(source->import->host, sizeof(source->import->host),
		audit_str(event, event->node));
	r = audit_event_apply(source->import->world, event, end_ns);
	if (r == 0)
		source->import->count.unknown++;
	audit_event_free(event);
	return r < 0 ? r : 0;
}

static int auditd_open(struct source *source)
{
	struct auditd *auditd = calloc(1, sizeof(*auditd));

	if (!auditd)
		return -ENOMEM;
	source->state = auditd;
	auditd->source = source;
	auditd->parser = auparse_init(AUSOURCE_FEED, NULL);
	if (!auditd->parser)
		return -ENOMEM;
	auparse_add_callback(auditd->parser, take_event, auditd, NULL);
	return 0;
}

static void auditd_close(struct source *source)
{
	struct auditd *auditd = source->state;

	if (!auditd)
		return;
	if (auditd->parser) {
		/* What it still holds is of no use any more. */
		auditd->failure = -ECANCELED;
		auparse_destroy(auditd->parser);
	}
	while (auditd->count > 0)
		audit_event_free(pop_event(auditd));
	free(auditd->window);
	lm_buffer_release(&auditd->line);
	free(auditd);
}

static bool auditd_guess(struct lm_str begin)
{
	return text_has(begin, "msg=audit(") && text_has(begin, "type=");
}

const struct source_kind auditd_kind = {
	.format = LM_IMPORT_AUDITD, .tool = "auditd", .guess = auditd_guess, .open = auditd_open,
	.next = auditd_next, .apply = auditd_apply, .close = auditd_close,
};

/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "export_internal.h"

/*
 * Trace events as JSON, which ui.perfetto.dev opens: a track for each thread, a slice for each
 * event, and an arrow (bind_id) from who made a process, or wrote into a channel, to what it did
 * next. An event holds one end of one arrow: one that ends here goes before one that begins.
 *
 * Times are microseconds since the start of the recording, with three decimals: as numbers they
 * stay exact for a hundred days.
 */
static void put_us(struct lm_buffer *out, const char *key, int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	lm_buffer_printf(out, ",\"%s\":%s%" PRIu64 ".%03" PRIu64, key, ns < 0 ? "-" : "",
		size / 1000, size % 1000);
}

static int64_t since_start_ns(const struct lm_export *export, uint64_t wall_ns)
{
	return (int64_t)(wall_ns - export->meta.start_wall_ns);
}

/* One element of the array, on a line of its own. */
static void begin_element(struct lm_export *export, struct lm_buffer *out)
{
	lm_buffer_append_text(out, export->began ? ",\n" : "\n");
	export->began = true;
	lm_buffer_append_byte(out, '{');
}

static void put_metadata(struct lm_export *export, const char *what, uint32_t pid, uint32_t tid,
	struct lm_str name, struct lm_buffer *out)
{
	begin_element(export, out);
	put_text(out, "ph", "M");
	put_text(out, "name", what);
	put_u64(out, "pid", pid);
	put_u64(out, "tid", tid);
	put_open(out, "args");
	put_str(out, "name", name);
	put_close(out);
	put_close(out);
}

/* The name of a process is that of the program that it runs last. */
static void name_process(struct lm_export *export, const struct lm_event_view *view,
	const struct lm_process *process, struct lm_buffer *out)
{
	if (lm_map_get(&export->named, view->event->actor))
		return;
	if (lm_map_put(&export->named, view->event->actor, 1) < 0)
		out->failed = true;
	put_metadata(export, "process_name", process->tgid, process->tgid, process->comm, out);
}

static bool is_channel(const struct lm_event_view *view)
{
	uint8_t kind = lm_labels_get(view->labels, view->event->object)->kind;

	return kind == LM_OBJECT_KIND_PIPE || kind == LM_OBJECT_KIND_MEMORY;
}

/* Take out what waits under a key. @return the arrow's number; 0: none waits */
static uint64_t take_arrow(struct lm_map *map, lm_object_id id)
{
	const uint64_t *waiting = lm_map_get(map, id);
	uint64_t arrow = waiting ? *waiting : 0;

	if (arrow)
		lm_map_remove(map, id);
	return arrow;
}

static uint64_t arrow_in(struct lm_export *export, const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	uint64_t arrow = take_arrow(&export->awaited, event->actor);

	if (!arrow && is_channel(view) && (event->op == LM_OP_READ || event->op == LM_OP_RECV))
		arrow = take_arrow(&export->written, event->object);
	return arrow;
}

/* Who acts next because of this event, and where that is remembered. @return 0: nobody */
static lm_object_id next_of(struct lm_export *export, const struct lm_event_view *view,
	struct lm_map **ret_map)
{
	const struct lm_event *event = view->event;

	*ret_map = &export->awaited;
	switch ((enum lm_op)event->op) {
	case LM_OP_FORK:
	case LM_OP_SIGNAL:
		return export_process(view->labels, event->object) ? event->object : 0;
	case LM_OP_EXEC:
		return export_process(view->labels, event->object2) ? event->object2 : 0;
	case LM_OP_WRITE:
	case LM_OP_SEND:
		*ret_map = &export->written;
		return is_channel(view) ? event->object : 0;
	default:
		return 0;
	}
}

static void put_arrow(struct lm_export *export, const struct lm_event_view *view,
	struct lm_buffer *out)
{
	uint64_t arrow = arrow_in(export, view);
	struct lm_map *map = NULL;
	lm_object_id next = lm_event_failed(view->event) ? 0 : next_of(export, view, &map);

	if (arrow) {
		put_u64(out, "bind_id", arrow);
		put_bool(out, "flow_in", true);
	} else if (next && next != view->event->actor) {
		if (lm_map_put(map, next, view->event->id) < 0)
			out->failed = true;
		put_u64(out, "bind_id", view->event->id);
		put_bool(out, "flow_out", true);
	}
}

static void write_event(struct lm_export *export, const struct lm_event_view *view,
	struct lm_buffer *out)
{
	const struct lm_event *event = view->event;
	const struct lm_process *process = export_process(view->labels, event->actor);
	const bool timed = event->flags & LM_EVENT_TIMED;
	int64_t end_ns = since_start_ns(export, view->wall_end_ns);
	int64_t begin_ns = timed ? since_start_ns(export, view->wall_begin_ns) : end_ns;

	if (process)
		name_process(export, view, process, out);
	begin_element(export, out);
	put_text(out, "ph", "X");
	put_text(out, "name", lm_op_name(event->op));
	put_text(out, "cat", lm_object_kind_name(
		lm_labels_get(view->labels, event->object)->kind));
	put_us(out, "ts", begin_ns);
	put_us(out, "dur", end_ns - begin_ns);
	put_u64(out, "pid", process ? process->tgid : event->tid);
	put_u64(out, "tid", event->tid);
	put_arrow(export, view, out);
	put_open(out, "args");
	put_message(out, "event", view);
	put_u64(out, "id", event->id);
	put_path(out, "path", view->labels, export_named(view, false));
	put_path(out, "path2", view->labels, export_named(view, true));
	put_message_text(out, view);
	put_i64(out, "result", event->result);
	put_error(out, "error", event);
	if (process && process->argv.len)
		put_command_line(out, "command_line", process->argv);
	put_close(out);
	put_close(out);
}

/* A mark across all tracks. */
static void write_gap(struct lm_export *export, const struct lm_gap_view *view,
	struct lm_buffer *out)
{
	begin_element(export, out);
	put_text(out, "ph", "i");
	put_text(out, "s", "g");
	put_gap_message(out, "name", view->gap);
	put_us(out, "ts", since_start_ns(export, view->wall_begin_ns));
	put_u64(out, "pid", view->gap->tgid);
	put_u64(out, "tid", view->gap->tgid);
	put_open(out, "args");
	put_u64(out, "events", view->gap->count);
	put_time(out, "end", view->wall_end_ns);
	put_close(out);
	put_close(out);
}

static void begin_trace(struct lm_export *export, struct lm_buffer *out)
{
	put_open(out, NULL);
	put_text(out, "displayTimeUnit", "ns");
	put_open(out, "otherData");
	put_text(out, "host", export->meta.host);
	put_text(out, "boot_id", export->meta.boot_id);
	put_text(out, "recorder", export->meta.recorder);
	put_time(out, "start", export->meta.start_wall_ns);
	put_close(out);
	put_open_array(out, "traceEvents");
}

static void end_trace(struct lm_export *export, struct lm_buffer *out)
{
	lm_buffer_append_text(out, "\n]}\n");
}

const struct export_writer export_perfetto = {
	.event = write_event, .gap = write_gap, .begin = begin_trace, .end = end_trace,
};

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export_internal.h"

static const struct {
	const char *name;
	const struct export_writer *writer;
} formats[LM_EXPORT_FORMATS] = {
	[LM_EXPORT_TIMESKETCH] = { "timesketch", &export_timesketch },
	[LM_EXPORT_ECS] = { "ecs", &export_ecs },
	[LM_EXPORT_OCSF] = { "ocsf", &export_ocsf },
	[LM_EXPORT_PERFETTO] = { "perfetto", &export_perfetto },
};

const char *lm_export_format_name(enum lm_export_format format)
{
	return (unsigned int)format < LM_EXPORT_FORMATS ? formats[format].name : NULL;
}

int lm_export_format_from_name(const char *name, enum lm_export_format *ret_format)
{
	for (unsigned int i = 0; i < LM_EXPORT_FORMATS; i++) {
		if (strcmp(formats[i].name, name) == 0) {
			*ret_format = (enum lm_export_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

int lm_export_new(enum lm_export_format format, const struct lm_log_meta *meta,
	struct lm_export **ret_export)
{
	struct lm_export *export = NULL;

	if ((unsigned int)format >= LM_EXPORT_FORMATS)
		return -EINVAL;
	export = calloc(1, sizeof(*export));
	if (!export)
		return -ENOMEM;
	export->format = format;
	export->meta = *meta;
	*ret_export = export;
	return 0;
}

struct lm_export *lm_export_free(struct lm_export *export)
{
	if (!export)
		return NULL;
	lm_map_release(&export->named);
	lm_map_release(&export->written);
	lm_map_release(&export->awaited);
	free(export);
	return NULL;
}

void lm_export_begin(struct lm_export *export, struct lm_buffer *out)
{
	if (formats[export->format].writer->begin)
		formats[export->format].writer->begin(export, out);
}

void lm_export_end(struct lm_export *export, struct lm_buffer *out)
{
	if (formats[export->format].writer->end)
		formats[export->format].writer->end(export, out);
}

void lm_export_event(struct lm_export *export, const struct lm_event_view *view,
	struct lm_buffer *out)
{
	formats[export->format].writer->event(export, view, out);
}

void lm_export_gap(struct lm_export *export, const struct lm_gap_view *view, struct lm_buffer *out)
{
	formats[export->format].writer->gap(export, view, out);
}

void lm_export_content(struct lm_export *export, const struct lm_content_view *view,
	struct lm_buffer *out)
{
	if (formats[export->format].writer->content)
		formats[export->format].writer->content(export, view, out);
}

void put_entity(struct lm_buffer *out, const char *key, const struct lm_export *export,
	const struct lm_process *process)
{
	char text[128];

	snprintf(text, sizeof(text), "%s-%u-%" PRIu64 "-%u", export->meta.boot_id, process->tgid,
		process->start_ns, process->version);
	put_text(out, key, text);
}

uint64_t export_start_wall_ns(const struct lm_export *export, const struct lm_process *process)
{
	return process->start_ns + (export->meta.start_wall_ns - export->meta.start_ns);
}

/* SPDX-License-Identifier: MIT */
#include "cdm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "text.h"

#define NAMESPACE "com.bbn.tc.schema.avro.cdm"

struct cdm {
	struct cdm_run *run;
	json_t *record; /* that `event` borrows from */
	struct cdm_event event;
};

/* "com.bbn.tc.schema.avro.cdm18.Event" @return "Event"; NULL: another namespace or version */
static const char *record_type(const char *key)
{
	static const char *const versions[] = { "18.", "19.", "20." };
	const size_t len = strlen(NAMESPACE);

	if (strncmp(key, NAMESPACE, len) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (strncmp(key + len, versions[i], strlen(versions[i])) == 0)
			return key + len + strlen(versions[i]);
	return NULL;
}

/* One log is of one host: the one that the first record with a host's UUID names. */
static bool is_foreign(struct cdm_run *run, const json_t *datum, const json_t *record)
{
	const json_t *base = cdm_get(record, "baseObject");
	struct cdm_uuid host;

	if (cdm_uuid(datum, "hostId", &host) <= 0 && cdm_uuid(record, "hostId", &host) <= 0 &&
		cdm_uuid(base, "hostId", &host) <= 0)
		return false;
	if (!run->has_host) {
		run->host = host;
		run->has_host = true;
	}
	return host.high != run->host.high || host.low != run->host.low;
}

static int take_event(struct source *source, json_t *datum, const json_t *record)
{
	struct cdm *cdm = source->state;
	int r = cdm_event_read(cdm->run, record, &cdm->event);

	if (r < 0)
		return r;
	cdm->record = json_incref(datum);
	source->time_ns = source->read_ns = cdm->event.time_ns;
	source->serial = cdm->event.sequence;
	return 1;
}

static void take_host(struct source *source, const json_t *record)
{
	import_set_name(source->import->host, sizeof(source->import->host),
		cdm_text(record, "hostName"));
}

/* @return 1: an event is ready; 0: it was something else; -EBADMSG; -ENOMEM */
static int take_record(struct source *source, json_t *datum)
{
	struct cdm *cdm = source->state;
	json_t *wrapper = json_object_get(datum, "datum");
	void *only = json_object_iter(wrapper);
	const char *type = only ? record_type(json_object_iter_key(only)) : NULL;
	const json_t *record = only ? json_object_iter_value(only) : NULL;
	int r;

	if (!type || json_object_size(wrapper) != 1 || !json_is_object(record))
		return -EBADMSG;
	if (is_foreign(cdm->run, datum, record)) {
		import_unknown(source->import, LM_STR("records of another host"));
		return 0;
	}
	if (strcmp(type, "Event") == 0)
		return take_event(source, datum, record);
	if (strcmp(type, "Host") == 0) {
		take_host(source, record);
		return 0;
	}
	r = cdm_entity_read(cdm->run, type, record);
	if (r == 0)
		import_unknown(source->import, lm_str_from(type));
	return r < 0 ? r : 0;
}

static int take_line(struct source *source, struct lm_str line)
{
	json_error_t error;
	json_t *datum = json_loadb(line.data, line.len, 0, &error);
	int r;

	if (!datum) {
		import_skip(source, source->lines.number, "no JSON", line);
		return 0;
	}
	r = take_record(source, datum);
	json_decref(datum);
	if (r != -EBADMSG)
		return r;
	import_skip(source, source->lines.number, "no record of CDM 18, 19 or 20", line);
	return 0;
}

static int cdm_next(struct source *source)
{
	struct lm_str line;
	int r;

	while ((r = import_line(source, &line)) > 0) {
		if (!line.len)
			continue;
		r = take_line(source, line);
		if (r != 0)
			return r;
	}
	return r;
}

static int cdm_apply(struct source *source)
{
	struct cdm *cdm = source->state;
	struct world *world = source->import->world;
	int r;

	if (source->time_ns < world_now(world))
		source->import->count.late++;
	r = cdm_event_apply(cdm->run, world, &cdm->event);
	if (r == 0)
		import_unknown(source->import, cdm->event.type);
	json_decref(cdm->record);
	cdm->record = NULL;
	return r < 0 ? r : 0;
}

static int cdm_open(struct source *source)
{
	struct cdm *cdm = calloc(1, sizeof(*cdm));
	struct cdm_run *run = source->import->shared[LM_IMPORT_CDM];

	source->state = cdm;
	if (!cdm)
		return -ENOMEM;
	if (!run) {
		run = calloc(1, sizeof(*run));
		if (!run)
			return -ENOMEM;
		run->path = (struct lm_buffer)LM_BUFFER_INIT;
		source->import->shared[LM_IMPORT_CDM] = run;
	}
	cdm->run = run;
	run->users++;
	return cdm_entity_number(run, (struct cdm_uuid){ .high = 0 }) ? 0 : -ENOMEM;
}

static void cdm_close(struct source *source)
{
	struct cdm *cdm = source->state;

	if (!cdm)
		return;
	json_decref(cdm->record);
	if (cdm->run && --cdm->run->users == 0) {
		source->import->shared[LM_IMPORT_CDM] = NULL;
		cdm_release(cdm->run);
		free(cdm->run);
	}
	free(cdm);
}

static bool cdm_guess(struct lm_str begin)
{
	return text_has(begin, "\"" NAMESPACE) && text_has(begin, "\"datum\"");
}

const struct source_kind cdm_kind = {
	.format = LM_IMPORT_CDM, .tool = "cdm", .guess = cdm_guess, .open = cdm_open,
	.next = cdm_next, .apply = cdm_apply, .close = cdm_close,
};

/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdio.h>

#include "lemona/base/error.h"
#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "match.h"

#define PATH_MAX_BYTES 4096

void lm_detections_release(struct lm_detections *detections)
{
	free(detections->at);
	*detections = (struct lm_detections)LM_DETECTIONS_INIT;
}

int lm_detections_add(struct lm_detections *detections, struct lm_detection detection)
{
	for (size_t i = 0; i < detections->count; i++) {
		struct lm_detection *same = &detections->at[i];

		if (same->object != detection.object)
			continue;
		if (detection.begin_ns < same->begin_ns)
			same->begin_ns = detection.begin_ns;
		if (detection.end_ns > same->end_ns)
			same->end_ns = detection.end_ns;
		return 0;
	}
	if (lm_array_reserve(detections->at, detections->capacity, detections->count + 1) < 0)
		return -ENOMEM;
	detections->at[detections->count++] = detection;
	return 0;
}

/* What a resolver works with. */
struct spec {
	const struct lm_index *index;
	const char *text;  /* the whole SPEC */
	const char *value; /* after "kind:" */
	uint64_t now_wall_ns;
	struct lm_detections *out;
	struct lm_diag *diag;
};

static int no_match(const struct spec *spec, const char *what, struct lm_buffer *nearest)
{
	struct lm_buffer shown LM_BUFFER = LM_BUFFER_INIT;

	if (lm_buffer_status(nearest) < 0)
		return -ENOMEM;
	lm_buffer_append_escaped(&shown, lm_str_from(spec->text));
	if (nearest->len > 0) {
		lm_buffer_append_text(&shown, " matches nothing in the log; the nearest are ");
		lm_buffer_append_escaped(&shown, (struct lm_str){ (const char *)nearest->data,
								  (uint32_t)nearest->len });
	} else {
		lm_buffer_printf(&shown, " matches nothing: the log holds no %s like it", what);
	}
	lm_buffer_append_byte(&shown, '\0');
	if (lm_buffer_status(&shown) < 0)
		return -ENOMEM;
	return lm_diag_set(spec->diag, -LM_E_NOMATCH, "%s", (const char *)shown.data);
}

/*
 * Split "VALUE@TIME". A path may hold an "@" of its own: what follows the last
 * one is a time only if it reads like the start of one.
 */
static int split_time(const struct spec *spec, struct lm_str *ret_value, struct when *ret_when)
{
	const char *at = strrchr(spec->value, '@');
	uint64_t wall_ns;
	int r;

	*ret_value = lm_str_from(spec->value);
	*ret_when = (struct when){ 0, UINT64_MAX };
	if (!at || !((at[1] >= '0' && at[1] <= '9') || at[1] == '-'))
		return 0;
	r = lm_time_parse(at + 1, spec->now_wall_ns, &wall_ns, NULL);
	/* "name@2" is a name; "name@2026-13-45" was meant as a time. */
	if (r < 0 && !(strlen(at + 1) >= 8 && strchr(at + 1, '-')) && at[1] != '-')
		return 0;
	if (r < 0)
		return lm_diag_set(spec->diag, -EINVAL,
			"\"%s\" is not a time: write 2026-01-02T03:04:05Z or -5m", at + 1);
	ret_value->len = (uint32_t)(at - spec->value);
	ret_when->begin_ns = ret_when->end_ns = lm_index_boot_ns(spec->index, wall_ns);
	return 0;
}

/* Collapse "//", "/./" and a slash at the end; ".." is the reader's to resolve. */
static struct lm_str tidy_path(struct lm_str path, char out[PATH_MAX_BYTES])
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < path.len && len < PATH_MAX_BYTES; i++) {
		bool slash = path.data[i] == '/';

		if (slash && len > 0 && out[len - 1] == '/')
			continue;
		if (path.data[i] == '.' && len > 0 && out[len - 1] == '/' &&
		    (i + 1 == path.len || path.data[i + 1] == '/'))
			continue;
		out[len++] = path.data[i];
	}
	if (len > 1 && out[len - 1] == '/')
		len--;
	return (struct lm_str){ out, len };
}

static int read_path(const struct spec *spec, struct lm_str value, char buf[PATH_MAX_BYTES],
		     struct lm_str *ret_path)
{
	if (value.len == 0 || value.data[0] != '/')
		return lm_diag_set(spec->diag, -EINVAL,
			"%s: the path must be absolute, as in file:/etc/passwd", spec->text);
	if (value.len > PATH_MAX_BYTES)
		return lm_diag_set(spec->diag, -EINVAL, "The path is longer than %d bytes",
				   PATH_MAX_BYTES);
	*ret_path = tidy_path(value, buf);
	return 0;
}

static int resolve_file(const struct spec *spec)
{
	struct lm_buffer nearest LM_BUFFER = LM_BUFFER_INIT;
	char buf[PATH_MAX_BYTES];
	struct lm_str value, path;
	struct when when;
	int r = split_time(spec, &value, &when);

	if (r == 0)
		r = read_path(spec, value, buf, &path);
	if (r == 0)
		r = match_path(spec->index, path, when, spec->out);
	if (r != 0)
		return r < 0 ? r : 0;
	near_paths(spec->index, path, false, &nearest);
	return no_match(spec, "path", &nearest);
}

static int resolve_exe(const struct spec *spec)
{
	struct lm_buffer nearest LM_BUFFER = LM_BUFFER_INIT;
	char buf[PATH_MAX_BYTES];
	struct lm_str path;
	int r = read_path(spec, lm_str_from(spec->value), buf, &path);

	if (r == 0)
		r = match_program(spec->index, path, spec->out);
	if (r != 0)
		return r < 0 ? r : 0;
	near_paths(spec->index, path, true, &nearest);
	return no_match(spec, "program", &nearest);
}

static int read_number(const struct spec *spec, struct lm_str value, uint64_t max,
		       uint64_t *ret_number)
{
	uint64_t number = 0;

	for (uint32_t i = 0; i < value.len; i++) {
		char c = value.data[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(number, (uint64_t)10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(c - '0'), &number) || number > max)
			value.len = 0;
	}
	if (value.len == 0)
		return lm_diag_set(spec->diag, -EINVAL, "%s: a number must follow the colon",
				   spec->text);
	*ret_number = number;
	return 0;
}

static int resolve_proc(const struct spec *spec)
{
	struct lm_buffer nearest LM_BUFFER = LM_BUFFER_INIT;
	struct lm_str value;
	struct when when;
	uint64_t tgid = 0;
	int r = split_time(spec, &value, &when);

	if (r == 0)
		r = read_number(spec, value, UINT32_MAX, &tgid);
	if (r == 0)
		r = match_process(spec->index, (uint32_t)tgid, when, spec->out);
	if (r != 0)
		return r < 0 ? r : 0;
	near_processes(spec->index, (uint32_t)tgid, &nearest);
	return no_match(spec, "process", &nearest);
}

static int bad_address(const struct spec *spec)
{
	return lm_diag_set(spec->diag, -EINVAL,
			   "%s: write sock:192.0.2.1, sock:192.0.2.1:80, sock:[2001:db8::1]:80, "
			   "sock:/run/x.sock or sock:@name",
			   spec->text);
}

static int read_address(const struct spec *spec, struct lm_address *ret_address, bool *ret_any_port)
{
	const char *value = spec->value, *end, *port = NULL;
	struct lm_address address = { .family = LM_AF_INET };
	char host[INET6_ADDRSTRLEN];
	uint64_t number = 0;

	if (value[0] == '/' || value[0] == '@') {
		*ret_address =
			(struct lm_address){ .family = LM_AF_UNIX, .path = lm_str_from(value) };
		*ret_any_port = true;
		return 0;
	}
	if (value[0] == '[') {
		address.family = LM_AF_INET6;
		value++;
		end = strchr(value, ']');
		if (!end || (end[1] && end[1] != ':'))
			return bad_address(spec);
		port = end[1] ? end + 2 : NULL;
	} else if (strchr(value, ':') != strrchr(value, ':')) {
		address.family = LM_AF_INET6;
		end = value + strlen(value);
	} else {
		end = strchr(value, ':');
		port = end ? end + 1 : NULL;
		end = end ? end : value + strlen(value);
	}
	if ((size_t)(end - value) >= sizeof(host))
		return bad_address(spec);
	snprintf(host, sizeof(host), "%.*s", (int)(end - value), value);
	if (inet_pton(address.family, host, address.ip) != 1)
		return bad_address(spec);
	if (port && read_number(spec, lm_str_from(port), UINT16_MAX, &number) < 0)
		return -EINVAL;
	address.port = (uint16_t)number;
	*ret_address = address;
	*ret_any_port = !port;
	return 0;
}

static int resolve_sock(const struct spec *spec)
{
	struct lm_buffer nearest LM_BUFFER = LM_BUFFER_INIT;
	struct lm_address address;
	bool any_port = true;
	int r = read_address(spec, &address, &any_port);

	if (r == 0)
		r = match_address(spec->index, &address, any_port, spec->out);
	if (r != 0)
		return r < 0 ? r : 0;
	near_addresses(spec->index, &address, &nearest);
	return no_match(spec, "connection", &nearest);
}

/* What an event influenced; its actor when it influenced nothing. */
static int resolve_event(const struct spec *spec)
{
	struct lm_buffer none LM_BUFFER = LM_BUFFER_INIT;
	struct lm_dependency dependencies[LM_DEPENDENCIES_MAX];
	struct lm_event event;
	uint64_t id = 0;
	int count, r = read_number(spec, lm_str_from(spec->value), UINT64_MAX, &id);

	if (r < 0)
		return r;
	r = lm_index_event(spec->index, id, &event);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0) {
		lm_buffer_printf(&none, "event:1 to event:%llu",
				 (unsigned long long)lm_index_event_count(spec->index));
		return no_match(spec, "event", &none);
	}
	count = lm_event_dependencies(&event, dependencies);
	for (int i = 0; i < count && r == 0; i++)
		r = lm_detections_add(spec->out, (struct lm_detection){ dependencies[i].sink,
									 event.begin_ns,
									 event.end_ns });
	if (count == 0)
		r = lm_detections_add(spec->out,
			(struct lm_detection){ event.actor, event.begin_ns, event.end_ns });
	return r;
}

static int resolve_object(const struct spec *spec)
{
	struct lm_buffer range LM_BUFFER = LM_BUFFER_INIT;
	uint64_t id = 0;
	int r = read_number(spec, lm_str_from(spec->value), UINT64_MAX, &id);

	if (r < 0)
		return r;
	if (id == 0 || id > lm_index_object_count(spec->index)) {
		lm_buffer_printf(
			&range, "object:1 to object:%u", lm_index_object_count(spec->index));
		return no_match(spec, "object", &range);
	}
	return lm_detections_add(
		spec->out, (struct lm_detection){ (lm_object_id)id, 0, UINT64_MAX });
}

static int resolve_alert(const struct spec *spec)
{
	return lm_diag_set(spec->diag, -LM_E_NOMATCH,
			   "%s matches nothing: the log holds no alerts", spec->text);
}

static int dispatch(struct spec *spec)
{
	static const struct {
		const char *prefix;
		int (*resolve)(const struct spec *spec);
	} kinds[] = {
		{ "file:", resolve_file },     { "proc:", resolve_proc }, { "exe:", resolve_exe },
		{ "sock:", resolve_sock },     { "event:", resolve_event },
		{ "object:", resolve_object }, { "alert:", resolve_alert },
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strncmp(spec->text, kinds[i].prefix, len) != 0)
			continue;
		spec->value = spec->text + len;
		return kinds[i].resolve(spec);
	}
	return lm_diag_set(spec->diag, -EINVAL,
			   "\"%s\" names nothing: begin with file:, proc:, exe:, sock:, event:, "
			   "object: or alert:",
			   spec->text);
}

int lm_spec_resolve(const struct lm_index *index, const char *text, uint64_t now_wall_ns,
		    struct lm_detections *detections, struct lm_diag *diag)
{
	struct lm_detections found LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct spec spec = {
		.index = index,
		.text = text,
		.now_wall_ns = now_wall_ns,
		.out = &found,
		.diag = diag,
	};
	int r = dispatch(&spec);

	if (r < 0)
		return r;
	/* Room first, so that nothing can fail half way. */
	if (lm_array_reserve(detections->at, detections->capacity,
			     detections->count + found.count) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < found.count; i++)
		lm_detections_add(detections, found.at[i]);
	return 0;
}

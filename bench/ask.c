/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "lemona/base/error.h"
#include "lemona/event/dependency.h"
#include "lemona/graph/trace.h"
#include "lemona/log/reader.h"

/*
 * Opens a log's index once and asks it questions, which come from standard input, one a line; each
 * answer is a line of JSON with the milliseconds that lm_trace() took. For bench/analysis.py.
 *
 *	ask LOG
 *
 *	random N SEED                            backtrack and forward from N random objects
 *	trace backward|forward HOW SPEC ...      HOW: none (no filter), all (filters), or screen
 *	holds EVENT ...                          which of these the last answer does not have
 */
#define LINE_MAX_BYTES (1u << 20)
#define SLOWEST        40u
#define WORDS          " \t\n"

struct ask {
	struct lm_index *index;
	struct lm_answer *answer; /* the last */
};

struct sample {
	lm_object_id object;
	double backward_ms, forward_ms;
	uint32_t backward_nodes, forward_nodes, backward_edges, forward_edges;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double resident_bytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss * 1024;
}

static int must(int r, const struct lm_diag *diag)
{
	if (r < 0) {
		fprintf(stderr, "ask: %s %s\n", diag->text, lm_strerror(r));
		exit(lm_exit_code(r));
	}
	return r;
}

static double trace_timed(struct ask *ask, const struct lm_trace_options *options)
{
	struct lm_diag diag = LM_DIAG_INIT;
	double begin;

	ask->answer = lm_answer_free(ask->answer);
	begin = now_ms();
	must(lm_trace(ask->index, options, &ask->answer, &diag), &diag);
	return now_ms() - begin;
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t n = *state += UINT64_C(0x9e3779b97f4a7c15);

	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

static void measure_object(struct ask *ask, struct sample *sample)
{
	struct lm_detection whole = { .object = sample->object, .end_ns = UINT64_MAX };
	const struct lm_detections from = { .at = &whole, .count = 1 };
	struct lm_trace_options options = { .from = &from, .filters = LM_FILTERS_ALL };
	struct lm_answer_view view;

	sample->backward_ms = trace_timed(ask, &options);
	view = lm_answer_view(ask->answer);
	sample->backward_nodes = view.node_count;
	sample->backward_edges = view.edge_count;
	options.direction = LM_FORWARD;
	sample->forward_ms = trace_timed(ask, &options);
	view = lm_answer_view(ask->answer);
	sample->forward_nodes = view.node_count;
	sample->forward_edges = view.edge_count;
}

static int compare_samples(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	double left = x->backward_ms + x->forward_ms, right = y->backward_ms + y->forward_ms;

	return left < right ? -1 : left > right;
}

static double sum_ms(const struct sample *sample)
{
	return sample->backward_ms + sample->forward_ms;
}

static void print_sample(const struct ask *ask, const struct sample *sample)
{
	printf("{\"object\":%u,\"kind\":\"%s\",\"backward_ms\":%.3f,\"forward_ms\":%.3f,"
	       "\"backward_nodes\":%u,\"backward_edges\":%u,\"forward_nodes\":%u,"
	       "\"forward_edges\":%u}",
		sample->object, lm_object_kind_name(lm_index_kind(ask->index, sample->object)),
		sample->backward_ms, sample->forward_ms, sample->backward_nodes,
		sample->backward_edges, sample->forward_nodes, sample->forward_edges);
}

static void print_samples(const struct ask *ask, const struct sample *samples, uint32_t count)
{
	double sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += sum_ms(&samples[i]);
	printf("{\"count\":%u,\"mean\":%.4f,\"p50\":%.4f,\"p90\":%.4f,\"p99\":%.4f,\"max\":%.4f,"
	       "\"rss_bytes\":%.0f,\"slowest\":[",
		count, sum / count, sum_ms(&samples[count / 2]),
		sum_ms(&samples[(size_t)count * 9 / 10]),
		sum_ms(&samples[(size_t)count * 99 / 100]), sum_ms(&samples[count - 1]),
		resident_bytes());
	for (uint32_t i = 0; i < SLOWEST && i < count; i++) {
		printf("%s", i ? "," : "");
		print_sample(ask, &samples[count - 1 - i]);
	}
	printf("]}\n");
}

static void answer_random(struct ask *ask, char *words)
{
	const char *first = strtok(words, WORDS), *second = strtok(NULL, WORDS);
	uint32_t count = first ? (uint32_t)strtoul(first, NULL, 10) : 0;
	uint64_t state = second ? strtoull(second, NULL, 10) : 1;
	uint32_t objects = lm_index_object_count(ask->index);
	struct sample *samples = count ? calloc(count, sizeof(*samples)) : NULL;

	if (!samples) {
		printf("{\"error\":\"random N SEED\"}\n");
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		samples[i].object = 1 + (lm_object_id)(next_random(&state) % objects);
		measure_object(ask, &samples[i]);
	}
	qsort(samples, count, sizeof(*samples), compare_samples);
	print_samples(ask, samples, count);
	free(samples);
}

static void print_members(const struct lm_answer_node *node)
{
	if (node->member_count == 0)
		printf("%u", node->object);
	for (uint32_t i = 0; i < node->member_count; i++)
		printf("%s%u", i ? "," : "", node->members[i]);
}

static void print_answer(const struct lm_answer *answer, double ms)
{
	struct lm_answer_view view = lm_answer_view(answer);
	uint64_t events = 0;

	for (uint32_t i = 0; i < view.edge_count; i++)
		events += view.edges[i].count;
	printf("{\"ms\":%.3f,\"rss_bytes\":%.0f,\"edges\":%u,\"events\":%" PRIu64 ",\"nodes\":[",
		ms, resident_bytes(), view.edge_count, events);
	for (uint32_t i = 0; i < view.node_count; i++) {
		printf("%s", i ? "," : "");
		print_members(&view.nodes[i]);
	}
	printf("],\"shown\":[");
	for (uint32_t i = 0; i < view.node_count; i++) {
		printf("%s[", i ? "," : "");
		print_members(&view.nodes[i]);
		printf("]");
	}
	printf("]}\n");
}

static void answer_trace(struct ask *ask, char *words)
{
	struct lm_detections from LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_diag diag = LM_DIAG_INIT;
	const char *direction = strtok(words, WORDS), *filters = strtok(NULL, WORDS), *spec;
	struct lm_trace_options options = { .from = &from };

	if (!direction || !filters) {
		printf("{\"error\":\"trace backward|forward none|all|screen SPEC ...\"}\n");
		return;
	}
	options.direction = strcmp(direction, "forward") == 0 ? LM_FORWARD : LM_BACKWARD;
	options.filters = strcmp(filters, "none") == 0 ? LM_FILTERS_NONE : LM_FILTERS_ALL;
	if (strcmp(filters, "screen") == 0)
		options.top = LM_TOP_SCREEN;
	while ((spec = strtok(NULL, WORDS)))
		must(lm_spec_resolve(ask->index, spec, 0, &from, &diag), &diag);
	print_answer(ask->answer, trace_timed(ask, &options));
}

/* A process by what it is in all of its versions; anything else by its number. */
static uint64_t identity(const struct ask *ask, lm_object_id id)
{
	struct lm_object object;

	if (lm_index_object(ask->index, id, &object) < 0 || object.kind != LM_OBJECT_KIND_PROCESS)
		return id;
	return (uint64_t)object.process.tgid << 32 | (object.process.start_ns & UINT32_MAX) |
	       UINT64_C(1) << 63;
}

/* Whether an edge stands for one of an event's influences. */
static bool edge_holds(const struct ask *ask, const struct lm_answer_view *view,
	const struct lm_answer_edge *edge, const struct lm_event *event)
{
	struct lm_dependency influences[LM_DEPENDENCIES_MAX];
	int count = lm_event_dependencies(event, influences);
	uint64_t from = identity(ask, view->nodes[edge->from].object);
	uint64_t to = identity(ask, view->nodes[edge->to].object);

	if (event->end_ns < edge->begin_ns || event->begin_ns > edge->end_ns)
		return false;
	for (int i = 0; i < count; i++) {
		if (identity(ask, influences[i].source) == from &&
			identity(ask, influences[i].sink) == to)
			return true;
	}
	return false;
}

static bool answer_holds(const struct ask *ask, const struct lm_event *event)
{
	struct lm_answer_view view = lm_answer_view(ask->answer);

	for (uint32_t i = 0; i < view.edge_count; i++) {
		if (edge_holds(ask, &view, &view.edges[i], event))
			return true;
	}
	return false;
}

static void answer_missing(struct ask *ask, char *words)
{
	const char *separator = "";

	printf("{\"missing\":[");
	for (char *word = strtok(words, WORDS); word && ask->answer; word = strtok(NULL, WORDS)) {
		uint64_t id = strtoull(word, NULL, 10);
		struct lm_event event;

		if (lm_index_event(ask->index, id, &event) == 0 && answer_holds(ask, &event))
			continue;
		printf("%s%" PRIu64, separator, id);
		separator = ",";
	}
	printf("]}\n");
}

static void answer_line(struct ask *ask, char *line)
{
	char *rest = line + strcspn(line, WORDS);

	if (*rest)
		*rest++ = '\0';
	if (strcmp(line, "random") == 0)
		answer_random(ask, rest);
	else if (strcmp(line, "trace") == 0)
		answer_trace(ask, rest);
	else if (strcmp(line, "holds") == 0)
		answer_missing(ask, rest);
	else
		printf("{\"error\":\"random, trace, or holds\"}\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_log *log = NULL;
	struct ask ask = { .index = NULL };
	char *line = malloc(LINE_MAX_BYTES);
	double begin = now_ms();

	if (argc != 2 || !line) {
		fprintf(stderr, "usage: ask LOG\n");
		return LM_EXIT_USAGE;
	}
	must(lm_log_open(argv[1], &log, &diag), &diag);
	must(lm_index_load(log, &ask.index, &diag), &diag);
	printf("{\"open_ms\":%.1f,\"open_cpu_ms\":%.1f,\"rss_bytes\":%.0f,\"events\":%" PRIu64
	       ",\"objects\":%u}\n",
		now_ms() - begin, cpu_ms(), resident_bytes(), lm_index_event_count(ask.index),
		lm_index_object_count(ask.index));
	fflush(stdout);
	while (fgets(line, LINE_MAX_BYTES, stdin))
		answer_line(&ask, line);
	lm_answer_free(ask.answer);
	lm_index_free(ask.index);
	lm_log_free(log);
	free(line);
	return 0;
}

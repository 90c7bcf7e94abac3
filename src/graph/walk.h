/* SPDX-License-Identifier: MIT */
#pragma once

#include "index-private.h"
#include "lemona/graph/trace.h"

/*
 * The walk: a worklist ordered by time, so that every vertex is expanded once,
 * at its final threshold. Backward, a vertex matters up to its threshold;
 * forward, it is tainted from its threshold on.
 */

/*
 * What is written into a socket or a terminal does not come back out of the same
 * end. Such an object is two vertices: what is read from it, and what went into it.
 */
enum role { ROLE_WHOLE = 0, ROLE_IN = 1, ROLE_OUT = 2 };

#define VERTEX_GROUP LM_OBJECT_NONE /* a group has no object of its own */

struct vertex {
	lm_object_id object;
	uint32_t group_of;    /* group: the vertex whose inputs were folded; else 0 */
	uint64_t group_count; /* group: how many */
	uint64_t threshold_ns;
	uint8_t role;      /* enum role */
	bool reached;      /* has a threshold: it is in the worklist, or was */
	bool expanded;
	bool detection;
	bool wanted;       /* an object that --to names */
	bool starter;      /* shown for what it started only */
	bool entry;
	bool exit;         /* forward: something left the host through it */
	bool hidden;
	bool low_counts; /* detection that has no influence but low ones */
	uint8_t channels;  /* enum channels, found out when first needed */
	uint64_t window_ns; /* forward, server: when its first tainted input came; 0: none did */
};

enum edge_kind { EDGE_EVENT = 0, EDGE_DIRECTORY = 1, EDGE_CONNECTION = 2, EDGE_GROUP = 3 };

struct edge {
	uint32_t from, to; /* vertices */
	uint32_t next;     /* another edge between the same two, position + 1 */
	uint16_t op;
	uint8_t kind;      /* enum edge_kind */
	uint8_t control;
	bool hidden;
	uint8_t hidden_by; /* enum lm_filter + 1: which one counted its events; 0: none did */
	bool claimed; /* of all its events: an end is known from user memory only */
	bool folded; /* one end was a name, and is now the file that it led to */
	uint64_t begin_ns, end_ns, count, bytes, event;
};

struct heap_item {
	uint64_t key;
	uint32_t vertex;
};

struct refusal {
	struct lm_map known;
	TABLE(lm_object_id, objects); /* each once */
	uint64_t events;
};

struct walk {
	const struct lm_index *index;
	struct lm_trace_options options;
	uint64_t until_ns; /* options.until_ns, or the end of time */
	bool limited;
	TABLE(struct vertex, vertices); /* [0] is nobody */
	TABLE(struct edge, edges);
	TABLE(struct heap_item, heap);
	struct lm_map vertex_of; /* object | role << 32 */
	struct lm_map edge_of;   /* from << 32 | to: first edge, position + 1 */
	struct lm_map common;    /* object: 1 + whether it is a common file */
	struct lm_map heard_of;  /* server -> place in `heard` */
	TABLE(struct heard *, heard);
	struct lm_map taken;     /* links of servers that were followed, by key */
	struct refusal refused[LM_FILTER_COUNT];
};

void walk_release(struct walk *walk);

/** Walk from the detection points. @return 0; -EINVAL; -ENOMEM */
int walk_run(struct walk *walk, const struct lm_index *index,
	     const struct lm_trace_options *options);

static inline bool walk_filters(const struct walk *walk, enum lm_filter filter)
{
	return walk->options.filters & (1u << filter);
}

/** Find or make a vertex. *ret_vertex is 0 when the limit of nodes is reached. */
int walk_vertex(struct walk *walk, lm_object_id object, enum role role, uint32_t *ret_vertex);
/** The vertex if it exists, else 0. */
uint32_t walk_find(const struct walk *walk, lm_object_id object, enum role role);
/** A vertex matters up to (backward) or from (forward) this time: the widest wins. */
int walk_reach(struct walk *walk, uint32_t vertex, uint64_t threshold_ns);
/** Add to the edge of the same ends and op. */
int walk_edge(struct walk *walk, const struct edge *edge);
int walk_refuse(struct walk *walk, enum lm_filter filter, lm_object_id object, uint64_t events);

/** An influence of the index between two vertices, as an edge. */
struct edge walk_edge_of_link(const struct walk *walk, const struct lm_link *link, uint32_t from,
			      uint32_t to);
bool walk_in_window(const struct walk *walk, const struct lm_link *link);
enum role walk_source_role(const struct walk *walk, const struct lm_link *link);
enum role walk_sink_role(const struct walk *walk, const struct lm_link *link);
/**
 * Whether low control or a common file is reason to leave an influence alone.
 * @param end  the end that is being expanded
 */
int walk_judge(struct walk *walk, const struct lm_link *link, const struct vertex *end,
	       uint64_t t_ns, bool *ret_refused);
/** Follow one influence backward, from its sink (matters up to before_ns) to its source. */
int walk_follow_back(struct walk *walk, const struct lm_link *link, uint32_t sink,
		     uint64_t before_ns);
/** Follow one influence forward, from its source (tainted from after_ns) to its sink. */
int walk_follow_on(struct walk *walk, const struct lm_link *link, uint32_t source,
		   uint64_t after_ns);

/* Objects (kinds.c) */
bool object_is_terminal(const struct lm_index *index, lm_object_id id);
bool object_is_two_way(const struct lm_index *index, lm_object_id id);
bool object_is_entry(const struct lm_index *index, lm_object_id id);
/** First version of the same process. */
lm_object_id object_process_root(const struct lm_index *index, lm_object_id id);

/* Well-known files (common.c) */
int walk_is_common(struct walk *walk, lm_object_id id, uint64_t t_ns, bool *ret_common);

/* Servers (inputs.c) */
#define INPUTS_KEPT 3
bool inputs_is_channel(const struct walk *walk, lm_object_id id);
bool inputs_is_server(struct walk *walk, uint32_t vertex);
/** Note that a link of a server was followed. @return 1 for the first time; 0; -ENOMEM */
int inputs_take(struct walk *walk, const struct lm_link *link);
/** Whether the walk took a link from this vertex, as far as servers are choosy about it. */
bool inputs_were_taken(struct walk *walk, const struct lm_link *link, uint32_t vertex);
/**
 * Backward: the inputs of a server that an influence of it depends on, as far as anybody can use.
 * @param influence  NULL: the server itself is asked about
 */
int inputs_take_recent(struct walk *walk, uint32_t server, uint64_t before_ns,
		       const struct lm_link *influence);
/** Forward: what a server did with one input, up to its next one. */
int inputs_follow(struct walk *walk, const struct lm_link *input, uint32_t server,
		  uint64_t after_ns);
/** After the walk: groups and counts for what was not followed. */
int inputs_fold(struct walk *walk);

/** After helpers are folded: inputs that only these called for go as well. */
int inputs_prune(struct walk *walk);

/** Backward: hide what leads to no detection point any more. */
int filter_dangling(struct walk *walk, enum lm_filter filter);

/* After the walk (between.c, filters.c, helpers.c, starters.c, fold.c). 0 or -ENOMEM. */
int filter_between(struct walk *walk);
/** Keep what the walks of all of options.common reached, and the ways from there. */
int filter_intersect(struct walk *walk, bool *ret_nothing_common);
int filter_read_only(struct walk *walk);
int filter_helpers(struct walk *walk);
int filter_no_entry(struct walk *walk, bool *ret_no_entry_found);
/** Forward: mark exits, and hide what leads to nothing of interest. */
int filter_no_exit(struct walk *walk, bool *ret_no_exit_found);
/** Bring back the process that started each one in sight, as far as no-entry hid it. */
int filter_keep_starters(struct walk *walk);
int fold_names(struct walk *walk);
int fold_versions(struct walk *walk);

/** A vertex that ways begin at, and the time from which on they do (mirrored when forward). */
struct between_start {
	uint32_t vertex;
	uint64_t t_ns;
};
/**
 * Keep what lies on a way in time between these and the detection points.
 * @param ret_joined  by start: whether it counts at all; may be NULL
 */
int walk_keep_between(struct walk *walk, const struct between_start *starts, size_t count,
		      bool *ret_joined);

/* Names that were looked for in vain (absence.c) */
/**
 * Whether a look-up that failed tells of somebody else's doing: the name had been there, and
 * was taken away. Then it counts although its control is low.
 */
bool absence_counts(const struct walk *walk, const struct lm_link *link);
/** Whether an influence is that of a name that was not there. */
bool absence_is(const struct lm_index *index, const struct lm_link *link);

/** Edges by vertex: at[start[v]..start[v + 1]). Hidden ones are left out. */
struct adjacency {
	uint32_t *start, *at;
};
int adjacency_build(struct adjacency *adjacency, const struct walk *walk, bool incoming);
int adjacency_build_both(struct adjacency *in, struct adjacency *out, const struct walk *walk);
void adjacency_release(struct adjacency *adjacency);
/** Mark what can be reached from the marked vertices along one direction. @return 0; -ENOMEM */
int adjacency_spread(const struct walk *walk, const struct adjacency *adjacency, bool incoming,
		     bool *marked);
/** Hide a vertex and its edges, counting the events of those. */
int walk_hide(struct walk *walk, uint32_t vertex, const struct adjacency *in,
	       const struct adjacency *out, enum lm_filter filter);

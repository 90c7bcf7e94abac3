/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/graph/spec.h"

/*
 * Tracing: what may have influenced the detection points (backward), or what
 * they may have influenced (forward), and nothing else.
 */
enum lm_direction { LM_BACKWARD = 0, LM_FORWARD = 1 };

/* Filters: each can be switched off, each says how much it hid (docs/formats/graph.md). */
enum lm_filter {
	LM_FILTER_READ_ONLY = 0,
	LM_FILTER_LOW_CONTROL = 1,
	LM_FILTER_NO_ENTRY = 2,
	LM_FILTER_HELPERS = 3,
	LM_FILTER_COMMON = 4,
	LM_FILTER_OLDER_INPUTS = 5,
	LM_FILTER_PEER_NAMESPACE = 6,
	LM_FILTER_NAMES = 7,
	LM_FILTER_CLUSTERS = 8,
	LM_FILTER_NO_EXIT = 9,
	LM_FILTER_COUNT = 10,
};
#define LM_FILTERS_NONE 0u
#define LM_FILTERS_ALL ((1u << LM_FILTER_COUNT) - 1u)

/** "read-only", ...; NULL outside the enum. Static. */
const char *lm_filter_name(enum lm_filter filter);
/** One line about what it hides, for --help. Static. */
const char *lm_filter_purpose(enum lm_filter filter);
/** Bits for a name: one filter, or all of them for "all"; 0 when no filter has that name. */
uint32_t lm_filter_bits(const char *name);

struct lm_trace_options {
	enum lm_direction direction;
	uint32_t filters;                /* bits 1 << enum lm_filter that are on */
	const struct lm_detections *from;
	const struct lm_detections *to;  /* keep what lies between; NULL or empty: no limit */
	/* The parts of `from` whose walks must all have reached an object for it to be kept, with
	 * the ways from there; fewer than two: union, which is what `from` says. */
	const struct lm_detections *common;
	size_t common_count;
	uint64_t since_ns, until_ns;     /* boot time; until 0: the end of the log */
	uint32_t max_nodes;              /* stop walking there and say so; 0: no limit */
	bool scores;                     /* say of each edge how telling it is */
	uint32_t top;                    /* LM_TOP_*, or so many paths */
};

#define LM_TOP_ALL 0u             /* whatever the filters left */
#define LM_TOP_SCREEN UINT32_MAX  /* as many paths as LM_SCREEN_NODES can show */
#define LM_SCREEN_NODES 60u

struct lm_answer;

/**
 * Walk and filter.
 *
 * @param index  finished; borrowed by the answer, which must go first
 * @return 0; -EINVAL (no detection points, or an empty part in `common`); -ENOMEM; what
 *         lm_index_status() returns
 */
int lm_trace(const struct lm_index *index, const struct lm_trace_options *options,
	     struct lm_answer **ret_answer, struct lm_diag *diag);
struct lm_answer *lm_answer_free(struct lm_answer *answer);

enum lm_node_flag {
	LM_NODE_DETECTION = 1u << 0,
	LM_NODE_ENTRY = 1u << 1,
	LM_NODE_REMOVED = 1u << 2, /* name: bound to no file at the end */
	LM_NODE_STARTER = 1u << 3, /* process: shown for having started another one only */
	LM_NODE_EXIT = 1u << 4,    /* forward, socket: what left the host through it */
	LM_NODE_ABSENT = 1u << 5,  /* name: a look-up in the answer found nothing there */
	LM_NODE_TO = 1u << 6,      /* what lm_trace_options.to names */
};

/* No group tells of more of its members. */
#define LM_MEMBERS_MAX 100u

struct lm_answer_node {
	char id[16];          /* "p17", "f42": kind and object number; stable for one log */
	lm_object_id object;  /* 0 for a group */
	uint8_t kind;         /* enum lm_object_kind; NONE for a group */
	uint8_t of;           /* the same; of a group: what its members are */
	uint8_t flags;        /* enum lm_node_flag; of a group: what all of its members have */
	uint64_t count;       /* objects that it stands for: 1, but for a group */
	lm_object_id *members; /* of a group: the first ones, owned by the answer; else NULL */
	uint32_t member_count; /* 0..LM_MEMBERS_MAX; 0: which ones was not kept */
	uint32_t depth;       /* process: generations below the first one in the answer */
	uint64_t first_ns, last_ns; /* of its edges in the answer */
	const char *label;    /* NUL-terminated, foreign bytes as they are; owned by the answer */
	const char *path;     /* file, name: derived path; process: path of its program; or NULL */
};

/*
 * How telling an edge is, in thousandths: parts of 0 (usual) to 1000, and their
 * weighted mean. docs/formats/graph.md says how each comes to be.
 */
struct lm_score {
	uint16_t total;
	uint16_t rarity, fan, data, nearness, control;
};

struct lm_answer_edge {
	uint32_t from, to;    /* node positions */
	uint16_t op; /* enum lm_op; LM_OP_NONE: a directory's name above a name (op_name) */
	uint8_t control;      /* enum lm_control, the highest of what was merged */
	bool claimed;         /* of all that was merged: an end is known from user memory only */
	const char *op_name;  /* lm_op_name(), "directory" or "connection"; static */
	uint64_t begin_ns, end_ns;
	uint64_t count;       /* events merged */
	uint64_t bytes;       /* sum of results of reads and writes */
	uint64_t event;       /* number of the first; 0 when no event stands for it */
	struct lm_score score; /* zero unless lm_trace_options.scores or .top asked for it */
};

struct lm_answer_hidden {
	enum lm_filter filter;
	uint64_t objects, events;
};

/** What `top` kept of what the filters left. */
struct lm_answer_shown {
	uint32_t paths; /* 0: everything is shown, without choosing */
	uint32_t of_nodes, of_edges;
};

struct lm_answer_view {
	const struct lm_index *index;
	enum lm_direction direction;
	bool complete;        /* no gap, no cut, no limit reached */
	bool limited;         /* max_nodes was reached */
	bool cut;             /* the log has no end mark */
	bool no_entry_found;  /* backward: no entry point exists, so "no-entry" was not applied */
	bool no_exit_found;   /* forward: nothing of interest exists: "no-exit" was not applied */
	bool intersected;     /* only what is common to several detection points */
	bool nothing_common;  /* and there is no such thing */
	bool between;         /* only what lies on a way from or to LM_NODE_TO */
	bool scored;          /* edges have scores */
	struct lm_answer_shown shown;
	uint64_t first_ns, last_ns;
	const struct lm_answer_node *nodes;
	uint32_t node_count;
	const struct lm_answer_edge *edges; /* in order of begin */
	uint32_t edge_count;
	const struct lm_answer_hidden *hidden;
	uint32_t hidden_count;
	const struct lm_gap *const *gaps;
	uint32_t gap_count;
};

/** Borrowed look into an answer. */
struct lm_answer_view lm_answer_view(const struct lm_answer *answer);

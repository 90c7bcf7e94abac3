/* SPDX-License-Identifier: MIT */
#pragma once

#include <zstd.h>

#include "format.h"
#include "lemona/crypto/note.h"
#include "lemona/event/codec.h"
#include "lemona/log/verify.h"
#include "seal.h"

/*
 * Verifying goes segment by segment: verify_files.c says which file is which segment,
 * verify_walk.c finds the frames in one, verify_order.c what their numbers say, verify_notes.c
 * what is signed. verify_tell.c keeps what was found.
 */

/* A frame whose checksums fit and that bears the log's mark. */
struct lm_found {
	struct lm_digest leaf;
	uint64_t sequence, offset, first_event, base_ns, min_ns, max_ns;
	uint32_t bytes, events;
	uint16_t type;
	bool unread; /* a batch whose payload was not decoded */
	bool placed; /* where its number says; set by lm_verify_order() */
};

enum lm_region_kind {
	LM_REGION_NOISE,   /* bytes that no frame begins with */
	LM_REGION_BROKEN,  /* a frame whose header is right, and whose payload is not */
	LM_REGION_FOREIGN, /* a whole frame of another log */
	LM_REGION_TORN,    /* the file ends in the middle of a frame */
};

/* Bytes of a segment that are no frame of this log. */
struct lm_region {
	enum lm_region_kind kind;
	uint64_t begin, end;
	uint64_t sequence, declared_end; /* of a frame with a whole header */
};

/* A file of the log directory that is a segment by its name. */
struct lm_segment_file {
	uint32_t named;  /* by the file name */
	uint32_t number; /* that it was found to be */
	bool deleted;    /* an .lmt file stands for it */
	bool skipped;    /* foreign, a duplicate, or half made: not walked */
	int status;      /* of its header: 0 or a negative code */
	uint32_t header_bytes;
	uint64_t size;
	struct lm_digest leaf; /* of the header */
	struct lm_segment_header header; /* without its meta */
};

/* The segment that is being checked. */
struct lm_verify_segment {
	const struct lm_segment_file *file;
	char name[LM_SEGMENT_NAME_BYTES];
	int fd;
	bool last;
	uint64_t size;             /* bytes that were there to walk */
	uint64_t first_sequence;   /* of its first frame */
	uint64_t limit;            /* no frame of it has a number above this */
	struct lm_found *found;    /* in the order of the file */
	size_t found_count, found_capacity;
	struct lm_found **placed;  /* those that stand where they should, by number */
	size_t placed_count;
	struct lm_region *regions;
	size_t region_count, region_capacity;
	struct lm_digest *rows;    /* leaf hashes that its index frames say, from its header on */
	uint64_t *row_offsets;     /* 0: no index frame has that row, but of the header */
	size_t row_count, row_capacity;
	uint64_t tail_bytes;       /* what the end frame takes, by the file's last bytes; 0: none */
	uint64_t tail_index;       /* where the last index frame is, by the same */
	bool ended;                /* its last frame ends it */
};

/* Frames that stand nowhere, and frames that stand where they do not belong. */
struct lm_missing {
	uint64_t first, last; /* sequence numbers */
	uint32_t segment;
	uint64_t begin, end;  /* bytes between which they belong */
	uint64_t begin_ns, end_ns;
	size_t finding;       /* that told them already, or SIZE_MAX */
	bool at_end;          /* of the log */
};

struct lm_stray {
	struct lm_found frame;
	uint32_t segment;
	uint64_t after;       /* sequence number of the frame in place before it */
};

/* A note that is a file: `checkpoint` of the log itself, or one from outside. */
struct lm_outside {
	char name[LM_FINDING_FILE_BYTES];
	struct lm_buffer bytes;
	struct lm_note note;
	struct lm_checkpoint checkpoint;
	bool usable, own;
	bool key_known, key_checked; /* key: the one that must have signed it */
	struct lm_public_key key;
	bool reached, fits, covered; /* the tree had that size; that root; a later one says so */
};

/* A segment of which an .lmt file is left. */
struct lm_deleted {
	uint32_t segment;
	bool told;               /* that something is wrong with it */
	bool vouched;            /* lm_verify_judge_deleted() */
	bool named;              /* by a tombstone frame, with that leaf */
	uint64_t leaf;
	struct lm_digest rest;   /* SHA-256 of the file */
	struct lm_digest before; /* what it says of the file before it */
};

struct lm_window {
	uint8_t *data;
	size_t len, capacity;
	uint64_t offset;
};

struct lm_verify {
	const struct lm_verify_options *options;
	struct lm_verify_report report;
	size_t finding_capacity;
	struct lm_diag *diag;
	int dir_fd;
	uint8_t log_id[LM_LOG_ID_BYTES];
	uint64_t mark;
	bool has_key_file, has_checkpoint_file;
	struct lm_segment_file *files;
	size_t file_count;
	struct lm_outside *outside;
	size_t outside_count;

	struct lm_sha256 *hash;
	struct lm_merkle_tree tree; /* of leaves that a checkpoint covers, or that follow those */
	bool tree_known;
	bool host_seen;             /* lm_verify_host() */
	bool has_anchor, key_known; /* key: of the next segment */
	struct lm_public_key anchor, key;
	uint8_t anchor_id[LM_LOG_ID_BYTES];
	uint64_t next_sequence, next_event;
	uint64_t leaves;            /* of the log, as far as it goes */
	bool whole;                 /* the segment before has its segment end frame */
	bool log_ended;
	bool unfit;                 /* a root did not fit, for which there must be a reason */
	uint64_t sure_leaves;       /* behind these a power cut may have left anything */
	uint64_t sure_signed;       /* of these, as many as a checkpoint has to cover */
	uint64_t checkpoint_frames, key_frames;
	uint64_t signed_frame;      /* sequence number of the last frame that is covered */
	uint64_t last_ns;           /* latest time met so far */

	struct lm_missing *missing;
	size_t missing_count, missing_capacity;
	uint32_t look_ups; /* of frames that strays may be copies of */
	struct lm_stray *strays;
	size_t stray_count, stray_capacity;

	struct lm_deleted *deleted;
	size_t deleted_count;

	struct lm_window window;
	struct lm_buffer raw, note;
	ZSTD_DCtx *decompressor;
	struct lm_batch_reader *batch;
	uint64_t done_bytes, total_bytes, told_bytes;
};

/* verify_tell.c */

/** Where a finding is. */
struct lm_place {
	const char *file;
	uint32_t segment;
	uint64_t first_frame, last_frame, begin, end, begin_ns, end_ns;
};

/**
 * Keep a finding. What stands behind the last checkpoint that is known to be on the disk is no
 * damage of an unfinished log, but told as a note.
 *
 * @return its number; SIZE_MAX when it was counted only
 */
size_t lm_verify_tell(struct lm_verify *v, enum lm_verdict verdict, const struct lm_place *place,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** As above, for places in a segment: the leaf of `first_frame` decides what it is. */
size_t lm_verify_tell_frames(struct lm_verify *v, enum lm_verdict verdict,
	const struct lm_place *place, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* verify_files.c */

/** List the segments, choose the log's identity, tell which files are no segments of it. */
int lm_verify_list(struct lm_verify *v, const char *path);
/** Keep the root at a segment's end for the report. @return 0; -ENOMEM */
int lm_verify_keep_root(struct lm_verify *v, const struct lm_digest *root);

/* verify_anchor.c */

/** Read the notes of `checkpoint` and of outside, and the anchor. @return 0; -EINVAL; -EIO; ... */
int lm_verify_read_anchors(struct lm_verify *v);
/** What the notes in files are of, and how far the log must be on the disk. */
void lm_verify_names(struct lm_verify *v);
/** At the end: hold the notes in files against what was seen. */
void lm_verify_judge_outside(struct lm_verify *v, uint64_t leaves);

/* verify_walk.c */

/** Find all frames of the segment. @return 0; -EIO; -ENOMEM */
int lm_verify_walk(struct lm_verify *v, struct lm_verify_segment *segment);
/**
 * Once it is known what is signed: decode the frames that nothing covers and that were not.
 *
 * @return 0; -EIO; -ENOMEM
 */
int lm_verify_unread(struct lm_verify *v, const struct lm_verify_segment *segment);
/** The leaf of another frame with a stray's number. @return 1; 0: there is none; -EIO; -ENOMEM */
int lm_verify_leaf_of(struct lm_verify *v, const struct lm_stray *stray,
	struct lm_digest *ret_leaf);
/** Read a frame's payload (at most 1 MiB) into v->raw. @return 0; -EIO; -ENOMEM */
int lm_verify_payload(struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct lm_found *frame);

/* verify_order.c */

/** Which frames are in place; tell what is between them. @return 0; -ENOMEM */
int lm_verify_order(struct lm_verify *v, struct lm_verify_segment *segment);
/** At the end of the log: what is missing, what stands elsewhere, what is there twice. */
int lm_verify_settle(struct lm_verify *v);

/* verify_rows.c */

/** Read the index frames' rows into the segment. @return 0; -EIO; -ENOMEM */
int lm_verify_rows(struct lm_verify *v, struct lm_verify_segment *segment);
/* verify_notes.c */

/** Keys, checkpoints, roots of the segment. @return 0; -EIO; -ENOMEM */
int lm_verify_notes(struct lm_verify *v, struct lm_verify_segment *segment);

/* verify_host.c */

/**
 * What the key note of segment 1 says of the host, and whether that holds. Of a note of another
 * segment nothing.
 *
 * @return 0; -EIO; -ENOMEM
 */
int lm_verify_host(struct lm_verify *v, const struct lm_segment_key *key,
	const struct lm_note *note, const struct lm_place *place);
/** At the end: a log of which no such note is left is signed by no host. */
void lm_verify_judge_host(struct lm_verify *v);

/* verify_deleted.c */

/** Go on behind a segment that was deleted, by what stands for it. @return 0; -EIO; -ENOMEM */
int lm_verify_deleted(struct lm_verify *v, const struct lm_segment_file *file);
/** A tombstone frame, whose payload is in v->raw. */
void lm_verify_tombstone(struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct lm_found *frame);
/** At the end: was each of them deleted on purpose? */
void lm_verify_judge_deleted(struct lm_verify *v);

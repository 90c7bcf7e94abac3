/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/event.h"
#include "lemona/index/part.h"

/*
 * Catalogs: what a log says of its objects, their names over time, and by what they can be found,
 * in parts that cover the log one after the other (docs/formats/index.md, "Catalogs").
 *
 * A question looks into each part, and decodes a block or two of up to 64 rows where it finds
 * something: some microseconds with the ten parts that a long log has. Blocks and answers are kept
 * for the next question, up to some tens of MiB. Strings point into the mapped files and stay as
 * long as the catalog has its parts.
 *
 * Not for several threads at a time: questions change what is kept.
 */
struct lm_catalog;

int lm_catalog_new(struct lm_catalog **ret_catalog);
/** NULL allowed; returns NULL. */
struct lm_catalog *lm_catalog_free(struct lm_catalog *catalog);

/**
 * Add a part, behind those that are there: the oldest comes first.
 *
 * @param part  of kind LM_PART_CATALOG; owned by the catalog on success
 * @return 0; -ENOMEM; -LM_E_DAMAGED; -LM_E_FORMAT (another kind, or not behind the others)
 */
int lm_catalog_add(struct lm_catalog *catalog, struct lm_part *part);
/** The same from a file, which is borrowed for the call. Sentences in diag. */
int lm_catalog_add_file(struct lm_catalog *catalog, int fd, struct lm_diag *diag);

size_t lm_catalog_part_count(const struct lm_catalog *catalog);
/** NULL past the last one. */
const struct lm_part_info *lm_catalog_part(const struct lm_catalog *catalog, size_t i);

/**
 * 0, or why some answer since the parts were added may be incomplete: -LM_E_DAMAGED (bytes that
 * make no sense), -ENOMEM. Questions that have no other way to say it answer "nothing".
 */
int lm_catalog_status(const struct lm_catalog *catalog);

/** Whether the newest part was written at the end of what there is: no name still waits. */
bool lm_catalog_is_final(const struct lm_catalog *catalog);

/*
 * Objects. One question each: a block in every part that speaks of the object; some hundred
 * nanoseconds when it was asked for lately.
 */

/** Numbers run from 1 to this: the greatest one that was defined or referred to. */
uint32_t lm_catalog_object_count(const struct lm_catalog *catalog);
/** LM_OBJECT_KIND_NONE where nothing is known but that the number was used. */
enum lm_object_kind lm_catalog_kind(struct lm_catalog *catalog, lm_object_id id);
/**
 * The last definition; time_ns is when it was first defined. An object that was used and never
 * defined is LM_OBJECT_PARTIAL, first at 0.
 *
 * @return 0; -ENOENT (no such number)
 */
int lm_catalog_object(struct lm_catalog *catalog, lm_object_id id, struct lm_object *ret_object);
/* The same for one kind. NULL where it is another. Valid until the next question. */
const struct lm_process *lm_catalog_process(struct lm_catalog *catalog, lm_object_id id);
const struct lm_file *lm_catalog_file(struct lm_catalog *catalog, lm_object_id id);
const struct lm_name *lm_catalog_name(struct lm_catalog *catalog, lm_object_id id);
const struct lm_socket *lm_catalog_socket(struct lm_catalog *catalog, lm_object_id id);
/** "/" of some process or mount namespace. */
bool lm_catalog_is_root(struct lm_catalog *catalog, lm_object_id file);
/** When it was used last, by event.object or object2; 0: never. Of sockets only. */
uint64_t lm_catalog_last_use(struct lm_catalog *catalog, lm_object_id socket);

/*
 * Finding objects. What is found is appended, in rising order, each once. A look into each part,
 * and then a question for each candidate: it is held against its last definition.
 */
struct lm_catalog_ids {
	lm_object_id *at;
	size_t count, capacity;
};

#define LM_CATALOG_IDS_INIT { .at = NULL }
void lm_catalog_ids_release(struct lm_catalog_ids *ids);
#define LM_CATALOG_IDS LM_CLEANUP(lm_catalog_ids_release)

/* Each: @return 0; -ENOMEM */
int lm_catalog_roots(struct lm_catalog *catalog, struct lm_catalog_ids *out);
int lm_catalog_processes(struct lm_catalog *catalog, uint32_t tgid, struct lm_catalog_ids *out);
/** Versions that name `id` as the one before: one, but for hostile logs. */
int lm_catalog_next_versions(struct lm_catalog *catalog, lm_object_id id,
			     struct lm_catalog_ids *out);
int lm_catalog_children(struct lm_catalog *catalog, lm_object_id parent,
			struct lm_catalog_ids *out);
int lm_catalog_processes_of_exe(struct lm_catalog *catalog, lm_object_id file,
				struct lm_catalog_ids *out);
int lm_catalog_processes_of_exe_name(struct lm_catalog *catalog, lm_object_id name,
				     struct lm_catalog_ids *out);
/** All names in a directory; 0: those whose directory is not known. */
int lm_catalog_names_in(struct lm_catalog *catalog, lm_object_id dir, struct lm_catalog_ids *out);
/** The names of one component in a directory; dir 0: where the directory is not known. */
int lm_catalog_names(struct lm_catalog *catalog, lm_object_id dir, struct lm_str component,
		     struct lm_catalog_ids *out);
/** Claimed names that are whole paths, "/a/b", whatever their directory. */
int lm_catalog_absolute_names(struct lm_catalog *catalog, struct lm_str path,
			      struct lm_catalog_ids *out);
int lm_catalog_files(struct lm_catalog *catalog, uint32_t dev, uint64_t inode,
		     struct lm_catalog_ids *out);
/**
 * Sockets with that far end, or near end. An IPv4 address inside IPv6 is the IPv4 address. Of unix
 * sockets the path counts.
 */
int lm_catalog_sockets(struct lm_catalog *catalog, const struct lm_address *address, bool any_port,
		       bool remote, struct lm_catalog_ids *out);
int lm_catalog_sockets_of_inode(struct lm_catalog *catalog, uint64_t inode,
				struct lm_catalog_ids *out);
/** Contents of a file, in the order in which they were defined. */
int lm_catalog_contents(struct lm_catalog *catalog, lm_object_id file, struct lm_catalog_ids *out);

/*
 * The other end of a connection on this host: sockets with mirrored addresses, which existed when
 * this one was made or were made while it was used; unix sockets that name their peer; the two of a
 * socketpair. Costs the candidates: sockets of the same two addresses.
 */
struct lm_catalog_peer {
	lm_object_id socket;
	uint64_t since_ns; /* when both existed */
	bool same_namespace;
};

struct lm_catalog_peers {
	struct lm_catalog_peer *at;
	size_t count, capacity;
};

#define LM_CATALOG_PEERS_INIT { .at = NULL }
void lm_catalog_peers_release(struct lm_catalog_peers *peers);
#define LM_CATALOG_PEERS LM_CLEANUP(lm_catalog_peers_release)

/** Appended in rising order of sockets. @return 0; -ENOMEM */
int lm_catalog_peers(struct lm_catalog *catalog, lm_object_id socket,
		     struct lm_catalog_peers *out);

/*
 * Names over time. A look into each part, and a row for each bound. The answers to the last
 * questions are kept.
 */
struct lm_catalog_bound {
	lm_object_id name, file;
	uint64_t begin_ns, end_ns; /* end UINT64_MAX: to the end of the log */
	uint64_t event;            /* number of the event that bound it; 0: none */
	bool claimed;              /* the name comes from user memory, unconfirmed */
};

struct lm_catalog_bounds {
	struct lm_catalog_bound *at;
	size_t count, capacity;
};

#define LM_CATALOG_BOUNDS_INIT { .at = NULL }
void lm_catalog_bounds_release(struct lm_catalog_bounds *bounds);
#define LM_CATALOG_BOUNDS LM_CLEANUP(lm_catalog_bounds_release)

/** What a name was bound to, or which names a file had, appended in order of begin.
 *  @return 0; -ENOMEM */
int lm_catalog_bounds_of_name(struct lm_catalog *catalog, lm_object_id name,
			      struct lm_catalog_bounds *out);
int lm_catalog_bounds_of_file(struct lm_catalog *catalog, lm_object_id file,
			      struct lm_catalog_bounds *out);
/**
 * The binding at a time, or the last one before it, or the first after it. Covering beats not
 * covering, the kernel's word beats a claim, later beats earlier.
 *
 * @return 0; -ENOENT (none at any time); -ENOMEM
 */
int lm_catalog_bound_of_name_at(struct lm_catalog *catalog, lm_object_id name, uint64_t t_ns,
				struct lm_catalog_bound *ret_bound);
int lm_catalog_bound_of_file_at(struct lm_catalog *catalog, lm_object_id file, uint64_t t_ns,
				struct lm_catalog_bound *ret_bound);

/*
 * Merging: parts of one level, next to each other, become one of the next. A reader then looks into
 * few parts, and each row is written again once for each level.
 */
#define LM_CATALOG_FAN_OUT 8u

/** Whether parts should be merged: the oldest ones of the newest level that has enough of them. */
bool lm_catalog_merge_due(const struct lm_catalog *catalog, size_t *ret_first, size_t *ret_count);
/**
 * Merge parts `first` to `first + count - 1` into a new file, and put that in their place here.
 * Memory stays that of a block of each. Answers are the same as before.
 *
 * @param fd  new, empty file, borrowed
 * @return 0; -EINVAL (no such parts); -LM_E_DAMAGED; -ENOMEM; -ENOSPC, -EIO, ...: the catalog is as
 *         it was
 */
int lm_catalog_merge(struct lm_catalog *catalog, size_t first, size_t count, int fd);

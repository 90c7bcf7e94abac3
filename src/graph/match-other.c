/* SPDX-License-Identifier: MIT */
#include "answer.h"
#include "match.h"

#include "lemona/event/address.h"

/* Processes by number, and sockets by address. */

/* The version of a process that ran at a time is the last one that had begun by then. */
static bool ran_at(const struct lm_index *index, lm_object_id id, struct when when)
{
	const struct lm_process *process = index_process(index, id);
	struct lm_catalog_ids next LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;

	if (when.begin_ns != when.end_ns)
		return true;
	if (process->start_ns > when.end_ns ||
	    (process->version > 0 && index_first_ns(index, id) > when.end_ns))
		return false;
	if (lm_catalog_next_versions(index->parts.catalog, id, &next) < 0)
		index_fail(index, -ENOMEM);
	return next.count == 0 || index_first_ns(index, next.at[0]) > when.end_ns;
}

/* A number is used again: only the latest process that had it by then. */
static uint64_t latest_start_ns(const struct lm_index *index, const struct lm_catalog_ids *ids,
				struct when when)
{
	uint64_t latest_ns = 0;

	for (size_t i = 0; i < ids->count; i++) {
		const struct lm_process *process = index_process(index, ids->at[i]);

		if (process && process->start_ns <= when.end_ns && process->start_ns > latest_ns)
			latest_ns = process->start_ns;
	}
	return latest_ns;
}

int match_process(const struct lm_index *index, uint32_t tgid, struct when when,
		  struct lm_detections *out)
{
	struct lm_catalog_ids ids LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	bool moment = when.begin_ns == when.end_ns;
	uint64_t start_ns;
	int found = 0;

	if (lm_catalog_processes(index->parts.catalog, tgid, &ids) < 0)
		return -ENOMEM;
	start_ns = moment ? latest_start_ns(index, &ids, when) : 0;
	for (size_t i = 0; i < ids.count; i++) {
		const struct lm_process *process = index_process(index, ids.at[i]);
		struct lm_detection detection = { ids.at[i], when.begin_ns, when.end_ns };

		if (!process || (moment && process->start_ns != start_ns) ||
		    !ran_at(index, ids.at[i], when))
			continue;
		if (lm_detections_add(out, detection) < 0)
			return -ENOMEM;
		found++;
	}
	return found;
}

bool match_same_address(const struct lm_address *have, const struct lm_address *want, bool any_port)
{
	struct lm_address a = lm_address_plain(have), b = lm_address_plain(want);

	if (want->family == LM_AF_UNIX)
		return have->family == LM_AF_UNIX && lm_str_equal(have->path, want->path);
	if (!lm_address_is_inet(have))
		return false;
	return a.family == b.family && memcmp(a.ip, b.ip, sizeof(a.ip)) == 0 &&
	       (any_port || a.port == b.port);
}

static int match_end(const struct lm_index *index, const struct lm_address *address, bool any_port,
		     bool remote, struct lm_detections *out)
{
	struct lm_catalog_ids ids LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;

	if (lm_catalog_sockets(index->parts.catalog, address, any_port, remote, &ids) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < ids.count; i++) {
		struct lm_detection detection = { ids.at[i], 0, UINT64_MAX };

		if (lm_detections_add(out, detection) < 0)
			return -ENOMEM;
	}
	return (int)ids.count;
}

int match_address(const struct lm_index *index, const struct lm_address *address, bool any_port,
		  struct lm_detections *out)
{
	int found = match_end(index, address, any_port, true, out);

	/* A unix path names both ends; an inet address is the far end where there is one. */
	if (found < 0 || (found > 0 && address->family != LM_AF_UNIX))
		return found;
	int near_end = match_end(index, address, any_port, false, out);

	return near_end < 0 ? near_end : found + near_end;
}

void near_processes(const struct lm_index *index, uint32_t tgid, struct lm_buffer *out)
{
	uint32_t best[NEAR_MAX] = { 0 };
	int count = 0;

	for (lm_object_id id = 1; id <= near_end(index); id++) {
		const struct lm_process *process = lm_catalog_process(index->parts.catalog, id);
		uint32_t candidate = process ? process->tgid : 0;

		for (int i = 0; i < count && candidate; i++) {
			uint32_t have = best[i] > tgid ? best[i] - tgid : tgid - best[i];
			uint32_t want = candidate > tgid ? candidate - tgid : tgid - candidate;
			uint32_t swap = best[i];

			if (best[i] == candidate) {
				candidate = 0;
			} else if (want < have) {
				best[i] = candidate;
				candidate = swap;
			}
		}
		if (candidate && count < NEAR_MAX)
			best[count++] = candidate;
	}
	for (int i = 0; i < count; i++)
		lm_buffer_printf(out, "%s%u", i > 0 ? ", " : "", best[i]);
}

/* Leading bits that two addresses share. */
static uint32_t shared_bits(const struct lm_address *a, const struct lm_address *b)
{
	struct lm_address x = lm_address_plain(a), y = lm_address_plain(b);
	uint32_t bits = 0;

	if (x.family != y.family)
		return 0;
	while (bits < 128 && ((x.ip[bits / 8] ^ y.ip[bits / 8]) & (0x80 >> bits % 8)) == 0)
		bits++;
	return bits;
}

void near_addresses(const struct lm_index *index, const struct lm_address *address,
		    struct lm_buffer *out)
{
	const struct lm_address *best[NEAR_MAX] = { NULL };

	for (lm_object_id id = 1; id <= near_end(index); id++) {
		const struct lm_socket *socket = lm_index_kind(index, id) == LM_OBJECT_KIND_SOCKET ?
			index_socket(index, id) : NULL;
		const struct lm_address *candidate = socket ? &socket->remote : NULL;
		bool fits = candidate &&
			    (address->family == LM_AF_UNIX
					    ? candidate->family == LM_AF_UNIX && candidate->path.len
					    : lm_address_is_inet(candidate));

		for (int i = 0; i < NEAR_MAX && fits; i++) {
			const struct lm_address *swap = best[i];

			if (swap && match_same_address(swap, candidate, false))
				break;
			if (!swap ||
			    (lm_address_is_inet(address) &&
			     shared_bits(candidate, address) > shared_bits(swap, address))) {
				best[i] = candidate;
				candidate = swap;
				fits = candidate != NULL;
			}
		}
	}
	for (int i = 0; i < NEAR_MAX && best[i]; i++) {
		if (i > 0)
			lm_buffer_append_text(out, ", ");
		label_address(best[i], out);
	}
}

/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Requests of io_uring, from submission to end.
 *
 * A submission is kept until the request's end comes by: it holds the paths,
 * which the kernel has let go of by then, and the time when the event began. The
 * end holds the result, and the objects where the kernel shows them only then.
 *
 * IOSQE_CQE_SKIP_SUCCESS: a request that succeeds has no end that could be seen.
 * It is told when it is submitted, marked partial, and one that can have waited
 * once more when it must be over: its memory is used again, or its process ends.
 */
#define SLOTS 4096
#define REQUESTS_MAX 65536
#define BYTES_MAX (UINT64_C(32) << 20)
#define SAME_DATA_MAX 16 /* requests that one result may be of */
#define CQE_SKIP 0x40 /* IOSQE_CQE_SKIP_SUCCESS */

struct request {
	struct request *next;              /* of the same address's slot */
	struct request *before_data, *next_data; /* of the same ring's and user_data's slot */
	struct request *older, *younger;
	struct lm_event told;              /* at submission: of one that has no end */
	struct lm_raw_uring head;
	uint64_t inner[];
};

/* In the order of submission. A program that has no use for user_data has all in one of them. */
struct data_queue {
	struct request *first, *last;
};

struct uring_requests {
	struct request *by_address[SLOTS];
	struct data_queue by_data[SLOTS];
	struct request *oldest, *youngest;
	uint64_t count, bytes;
	uint64_t scratch[LM_RAW_RECORD_MAX_BYTES / sizeof(uint64_t)];
};

static struct request **address_slot(struct uring_requests *all, uint64_t address)
{
	return &all->by_address[hash_inode(0, address) % SLOTS];
}

static struct data_queue *data_queue_of(struct uring_requests *all, const struct lm_raw_uring *head)
{
	return &all->by_data[hash_bytes(&head->user_data, sizeof(head->user_data), head->ring) %
		SLOTS];
}

static bool same_data(const struct lm_raw_uring *a, const struct lm_raw_uring *b)
{
	return a->ring == b->ring && a->user_data == b->user_data;
}

static bool is_skipping(const struct lm_raw_uring *head)
{
	return head->sqe_flags & CQE_SKIP;
}

/* Take a request out of every list. The caller frees it. */
static void detach(struct uring_requests *all, struct request *request)
{
	struct request **at = address_slot(all, request->head.request);
	struct data_queue *queue = data_queue_of(all, &request->head);

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
	*(request->before_data ? &request->before_data->next_data : &queue->first) =
		request->next_data;
	*(request->next_data ? &request->next_data->before_data : &queue->last) =
		request->before_data;
	*(request->older ? &request->older->younger : &all->oldest) = request->younger;
	*(request->younger ? &request->younger->older : &all->youngest) = request->older;
	all->count--;
	all->bytes -= request->head.inner_len;
}

static void drop(struct uring_requests *all, struct request *request)
{
	detach(all, request);
	free(request);
}

void free_requests(struct lm_identify *id)
{
	while (id->uring && id->uring->oldest)
		drop(id->uring, id->uring->oldest);
	free(id->uring);
}

/* Requests of the same ring and user_data end in the order of their submission: newest last. */
static struct request *keep(struct uring_requests *all, const struct lm_raw_uring *raw)
{
	struct request *request = malloc(sizeof(*request) + raw->inner_len);
	struct request **at = address_slot(all, raw->request);
	struct data_queue *queue = data_queue_of(all, raw);

	if (!request)
		return NULL;
	request->told = (struct lm_event){ .op = LM_OP_NONE };
	request->head = *raw;
	memcpy(request->inner, raw + 1, raw->inner_len);
	request->next = *at;
	*at = request;
	request->next_data = NULL;
	request->before_data = queue->last;
	*(queue->last ? &queue->last->next_data : &queue->first) = request;
	queue->last = request;
	request->younger = NULL;
	request->older = all->youngest;
	*(all->youngest ? &all->youngest->younger : &all->oldest) = request;
	all->youngest = request;
	all->count++;
	all->bytes += raw->inner_len;
	return request;
}

static struct request *find_by_address(struct uring_requests *all, const struct lm_raw_uring *raw)
{
	struct request *request = *address_slot(all, raw->request);

	while (request && request->head.request != raw->request)
		request = request->next;
	return request;
}

static struct request *find_by_data(struct uring_requests *all, const struct lm_raw_uring *raw,
	struct request *after)
{
	struct request *request = after ? after->next_data : data_queue_of(all, raw)->first;

	while (request && !same_data(&request->head, raw))
		request = request->next_data;
	return request;
}

static const struct lm_uring_mapping *mapping_of(uint16_t call)
{
	unsigned int opcode = call & ~LM_CALL_URING;

	if (call == LM_CALL_NONE || !(call & LM_CALL_URING) || opcode >= LM_URING_COUNT)
		return NULL;
	return &lm_uring_mappings()[opcode];
}

uint16_t op_of(uint16_t call)
{
	const struct lm_uring_mapping *mapping = mapping_of(call);

	if (mapping)
		return mapping->op;
	call = lm_call_native(call);
	return call < LM_CALL_COUNT ? lm_call_mappings()[call].op : LM_OP_NONE;
}

/* What may stand inside: records of what calls do. */
static bool may_be_inside(const struct lm_raw *inner, uint32_t len)
{
	switch (inner->kind) {
	case LM_RAW_IO:
	case LM_RAW_FD:
	case LM_RAW_OPEN:
	case LM_RAW_PATH:
	case LM_RAW_SOCKET:
	case LM_RAW_COPY:
		return inner->len == len;
	}
	return false;
}

static int check(const struct lm_raw_uring *raw)
{
	uint32_t room = raw->raw.len - (uint32_t)sizeof(*raw);

	if (raw->inner_len > room || raw->inner_len % 8 ||
		raw->inner_len > LM_RAW_RECORD_MAX_BYTES - sizeof(*raw))
		return -LM_E_FORMAT;
	if (raw->inner_len && (raw->inner_len < sizeof(struct lm_raw) ||
			!may_be_inside((const struct lm_raw *)(raw + 1), raw->inner_len)))
		return -LM_E_FORMAT;
	return 0;
}

/* Where the record of a kind has its result. */
static void set_result(struct lm_raw *inner, int64_t result)
{
	switch (inner->kind) {
	case LM_RAW_IO:
		((struct lm_raw_io *)inner)->result = (int32_t)result;
		break;
	case LM_RAW_FD:
		((struct lm_raw_fd *)inner)->result = result;
		break;
	case LM_RAW_PATH:
		((struct lm_raw_path *)inner)->result = result;
		break;
	case LM_RAW_SOCKET:
		((struct lm_raw_socket *)inner)->result = result;
		break;
	case LM_RAW_COPY:
		((struct lm_raw_copy *)inner)->result = result;
		break;
	}
}

/* What only the submission knew of what the end tells. */
static void complete(struct lm_raw *inner, const struct lm_raw *submitted)
{
	if (inner->kind == LM_RAW_OPEN && submitted->kind == LM_RAW_PATH)
		((struct lm_raw_open *)inner)->arg = ((const struct lm_raw_path *)submitted)->arg;
	if (inner->kind != submitted->kind)
		return;
	if (inner->kind == LM_RAW_COPY) {
		struct lm_raw_copy *copy = (struct lm_raw_copy *)inner;
		const struct lm_raw_copy *before = (const struct lm_raw_copy *)submitted;

		if (!copy->from.inode)
			copy->from = before->from;
	} else if (inner->kind == LM_RAW_SOCKET) {
		struct lm_raw_socket *socket = (struct lm_raw_socket *)inner;
		const struct lm_raw_socket *before = (const struct lm_raw_socket *)submitted;

		if (!socket->inode2)
			socket->inode2 = before->inode2;
	}
}

/* A number or a file, sent to the process behind another ring. */
static int take_to_ring(struct lm_identify *id, const struct lm_raw_fd *raw)
{
	struct process *target = process_by_tid(id, (uint32_t)raw->arg), *process;
	struct lm_event event;
	int r = begin_event(id, &raw->raw, LM_OP_SEND, &process, &event);

	if (r < 0 || target == process)
		return r; /* its own: it knows already */
	event.result = raw->result;
	event.object = target ? target->object : LM_OBJECT_NONE;
	if (raw->file.inode) {
		event.op = LM_OP_FDSEND;
		r = describe_inode(id, raw->raw.time_ns, &raw->file, 0, &event.object2);
		if (r < 0)
			return r;
	}
	return emit_event(id, &event);
}

static int take_bare(struct lm_identify *id, const struct lm_raw *raw, int64_t result)
{
	struct process *process;
	struct lm_event event;
	int r = begin_event(id, raw, op_of(raw->call), &process, &event);

	if (r < 0 || event.op == LM_OP_NONE)
		return r;
	event.result = result;
	event.flags |= LM_EVENT_PARTIAL;
	return emit_event(id, &event);
}

static int take_inner(struct lm_identify *id, struct lm_raw *inner)
{
	const struct lm_uring_mapping *mapping = mapping_of(inner->call);

	if (mapping && inner->kind == LM_RAW_FD) {
		const struct lm_raw_fd *fd = (const struct lm_raw_fd *)inner;

		if (mapping->class == LM_URING_RING)
			return take_to_ring(id, fd);
		/* Of a socket these are options and counters. */
		if (mapping->class == LM_URING_COMMAND && S_ISSOCK(fd->file.mode))
			return 0;
	}
	return lm_identify_record(id, inner);
}

/*
 * The event of a request.
 *
 * @param end     its end; its submission where there will be no end
 * @param before  its submission; NULL: not seen
 * @param told    gets a copy of the event, or NULL
 */
static int tell(struct lm_identify *id, const struct lm_raw_uring *end,
	const struct request *before, uint8_t flags, struct lm_event *told)
{
	const struct lm_raw_uring *head = before ? &before->head : end;
	const struct lm_raw *submitted =
		before && before->head.inner_len ? (const struct lm_raw *)before->inner : NULL;
	struct lm_raw *inner = (struct lm_raw *)id->uring->scratch;
	struct under_way now = {
		.begin_ns = before ? before->head.raw.time_ns : 0, .worker = end->worker,
		.told = told,
	};
	int r;

	id->under_way = &now;
	if (end->inner_len) {
		memcpy(inner, end + 1, end->inner_len);
		if (submitted)
			complete(inner, submitted);
	} else if (submitted) {
		memcpy(inner, submitted, before->head.inner_len);
		set_result(inner, end->result);
	} else {
		*inner = head->raw;
		inner->flags = 0;
	}
	inner->time_ns = end->raw.time_ns;
	inner->cpu = end->raw.cpu;
	inner->tid = head->raw.tid;
	inner->tgid = head->raw.tgid;
	inner->call = head->raw.call;
	inner->flags |= flags;
	if (end->inner_len || submitted)
		r = take_inner(id, inner);
	else
		r = take_bare(id, inner, end->result);
	id->under_way = NULL;
	return r;
}

/* A request of this kind can stay under way for as long as its peer likes. */
static bool can_wait(uint16_t call)
{
	const struct lm_uring_mapping *mapping = mapping_of(call);

	if (!mapping)
		return false;
	switch (mapping->class) {
	case LM_URING_IO:
	case LM_URING_SOCKIO:
	case LM_URING_MESSAGE:
	case LM_URING_COPY:
		return true;
	}
	return false;
}

/* A request without a result that must be over by now: until then it may have been acting. */
static int tell_over(struct lm_identify *id, const struct lm_raw *now,
	const struct request *request)
{
	struct lm_event event = request->told;

	if (event.op == LM_OP_NONE || !can_wait(event.call))
		return 0;
	event.end_ns = now->time_ns;
	return emit_event(id, &event);
}

/* Room for one more: the oldest goes, and that its event will be incomplete is told. */
static int make_room(struct lm_identify *id)
{
	struct uring_requests *all = id->uring;

	while (all->count >= REQUESTS_MAX || all->bytes >= BYTES_MAX) {
		int r = tell_unseen(id, &all->oldest->head.raw, 1);

		if (r < 0)
			return r;
		drop(all, all->oldest);
	}
	return 0;
}

static int take_submitted(struct lm_identify *id, const struct lm_raw_uring *raw)
{
	struct request *request = find_by_address(id->uring, raw);
	struct process *process;
	int r = process_of(id, &raw->raw, &process);

	if (r < 0)
		return r;
	process->has_rings = true;
	if (request) { /* its memory is used again */
		r = tell_over(id, &raw->raw, request);
		drop(id->uring, request);
		if (r < 0)
			return r;
	}
	r = make_room(id);
	if (r < 0)
		return r;
	request = keep(id->uring, raw);
	if (!request)
		return -ENOMEM;
	return is_skipping(raw) ? tell(id, raw, request, LM_RAW_PARTIAL, &request->told) : 0;
}

/* One of several results, without its request: each request that it can be of is told. */
static int take_one_of_several(struct lm_identify *id, const struct lm_raw_uring *raw,
	struct request *request)
{
	int count = 0, r = 0;

	for (; request && r == 0 && count < SAME_DATA_MAX; count++) {
		r = tell(id, raw, request, 0, NULL);
		request = find_by_data(id->uring, raw, request);
	}
	return r == 0 && request ? tell_unseen(id, &raw->raw, 1) : r;
}

/* Nobody remembers its submission: it was lost, failed early, or is older than the recording. */
static int take_unknown(struct lm_identify *id, const struct lm_raw_uring *raw)
{
	const struct process *process = process_by_tid(id, raw->raw.tgid);

	/* What was under way when its process ended has been cancelled. */
	if (raw->result < 0 && (!process || process->tgid != raw->raw.tgid))
		return 0;
	if (raw->raw.call == LM_CALL_NONE)
		return raw->result < 0 ? 0 : tell_unseen(id, &raw->raw, 1);
	return tell(id, raw, NULL, raw->inner_len ? 0 : LM_RAW_PARTIAL, NULL);
}

static int take_end(struct lm_identify *id, const struct lm_raw_uring *raw)
{
	struct request *request;
	int r;

	if (raw->request) {
		request = find_by_address(id->uring, raw);
		if (request && !same_data(&request->head, raw))
			request = NULL;
	} else {
		request = find_by_data(id->uring, raw, NULL);
		if (request && raw->end_flags & LM_URING_MORE)
			return take_one_of_several(id, raw, request);
	}
	if (!request)
		return take_unknown(id, raw);
	r = tell(id, raw, request, 0, NULL);
	drop(id->uring, request);
	return r;
}

int take_uring(struct lm_identify *id, const struct lm_raw_uring *raw)
{
	int r = check(raw);

	if (r < 0)
		return r;
	if (!id->uring) {
		id->uring = calloc(1, sizeof(*id->uring));
		if (!id->uring)
			return -ENOMEM;
	}
	return raw->raw.kind == LM_RAW_URING_SUBMIT ? take_submitted(id, raw) : take_end(id, raw);
}

int end_requests(struct lm_identify *id, const struct lm_raw *exit)
{
	struct request *request = id->uring ? id->uring->oldest : NULL;
	int r = 0;

	while (request && r == 0) {
		struct request *younger = request->younger;

		if (request->head.raw.tgid == exit->tgid) {
			r = tell_over(id, exit, request);
			drop(id->uring, request);
		}
		request = younger;
	}
	return r;
}

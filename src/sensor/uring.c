/* SPDX-License-Identifier: MIT */
#include "uring.h"

#include <stdio.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "lemona/base/cleanup.h"
#include "lemona/sensor/sensor.h"
#include "sensor.skel.h"

/* How many arguments the programs of a tracepoint get; 0: there is no such tracepoint. */
static unsigned int count_arguments(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *type;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) : -1;
	type = id < 0 ? NULL : btf__type_by_id(btf, (unsigned int)id);
	if (type)
		type = btf__type_by_id(btf, type->type);
	if (type && btf_is_ptr(type))
		type = btf__type_by_id(btf, type->type);
	if (!type || !btf_is_func_proto(type) || btf_vlen(type) == 0)
		return 0;
	return btf_vlen(type) - 1u; /* the first is the tracepoint's own */
}

/* include/trace/events/io_uring.h of 5.15 to 6.18. */
static struct bpf_program *choose_submit(const struct sensor_bpf *bpf, const struct btf *btf)
{
	if (count_arguments(btf, "io_uring_submit_req") == 1)
		return bpf->progs.on_uring_submit_req;
	switch (count_arguments(btf, "io_uring_submit_sqe")) {
	case 2:
		return bpf->progs.on_uring_submit_sqe;
	case 7:
		return bpf->progs.on_uring_submit_in;
	}
	return NULL;
}

static struct bpf_program *choose_complete(const struct sensor_bpf *bpf, const struct btf *btf)
{
	switch (count_arguments(btf, "io_uring_complete")) {
	case 3:
		return bpf->progs.on_uring_complete_cqe;
	case 5:
	case 7:
		return bpf->progs.on_uring_complete_req;
	case 4:
		return bpf->progs.on_uring_complete_data;
	}
	return NULL;
}

bool lm_uring_choose(struct sensor_bpf *bpf, const struct btf *btf)
{
	struct bpf_program *submit = choose_submit(bpf, btf);
	struct bpf_program *complete = choose_complete(bpf, btf);
	struct bpf_program *all[] = {
		bpf->progs.on_uring_submit_req, bpf->progs.on_uring_submit_sqe,
		bpf->progs.on_uring_submit_in, bpf->progs.on_uring_complete_cqe,
		bpf->progs.on_uring_complete_req, bpf->progs.on_uring_complete_data,
	};
	bool fits = submit && complete, nameless = complete == bpf->progs.on_uring_complete_data;

	for (size_t i = 0; i < LM_ARRAY_SIZE(all); i++)
		bpf_program__set_autoload(
			all[i], fits && (all[i] == submit || all[i] == complete));
	/* Where results come without their request, a full ring's are among them. */
	bpf_program__set_autoload(bpf->progs.on_uring_overflow,
		fits && !nameless && count_arguments(btf, "io_uring_cqe_overflow") == 5);
	bpf->rodata->uring_ends_nameless = nameless;
	return fits;
}

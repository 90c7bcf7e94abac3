/* SPDX-License-Identifier: MIT */
#include "trampoline.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/sensor/sensor.h"

/* A function of the kernel, and the argument of it that the program reads. */
struct hook {
	const char *function;
	uint8_t argument;
	const char *type;
	bool optional; /* younger than 5.15, or its loss costs the identity of what is new only */
};

static const struct hook hooks[] = {
	{ "security_path_mkdir", 1, "dentry", false },
	{ "security_path_mknod", 1, "dentry", false },
	{ "security_path_symlink", 1, "dentry", false },
	{ "security_path_unlink", 1, "dentry", false },
	{ "security_path_rmdir", 1, "dentry", false },
	{ "security_path_link", 2, "dentry", false },
	{ "security_path_rename", 3, "dentry", false },
	{ "security_path_truncate", 0, "path", false },
	{ "security_path_chmod", 0, "path", false },
	{ "security_path_chown", 0, "path", false },
	{ "notify_change", 1, "dentry", false },
	{ "vfs_setxattr", 1, "dentry", false },
	{ "vfs_removexattr", 1, "dentry", false },
	{ "vfs_set_acl", 1, "dentry", true },
	{ "vfs_remove_acl", 1, "dentry", true },
	{ "vfs_mkdir", 2, "dentry", true },
	{ "vfs_mknod", 2, "dentry", true },
	{ "vfs_create", 2, "dentry", true },
	{ "vfs_symlink", 2, "dentry", true },
};

int try_trampoline(const struct btf *kernel, enum bpf_prog_type type, enum bpf_attach_type attach,
	const char *target)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach);
	int program LM_CLOSE = -1, link LM_CLOSE = -1;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "%s%s", attach == BPF_LSM_MAC ? "bpf_lsm_" : "", target);
	id = btf__find_by_name_kind(kernel, name, BTF_KIND_FUNC);
	if (id < 0)
		return -ENOENT;
	options.attach_btf_id = (uint32_t)id;
	program = bpf_prog_load(type, "lm_try", "GPL", insns, LM_ARRAY_SIZE(insns), &options);
	if (program < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, program);
	return link < 0 ? -errno : 0;
}

static const struct btf_type *behind_pointer(const struct btf *kernel, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(kernel, id);

	if (!type || !btf_is_ptr(type))
		return NULL;
	do
		type = btf__type_by_id(kernel, type->type);
	while (type && btf_is_mod(type));
	return type;
}

static bool is_there(const struct btf *kernel, const struct hook *hook)
{
	int id = btf__find_by_name_kind(kernel, hook->function, BTF_KIND_FUNC);
	const struct btf_type *type;

	if (id < 0)
		return false;
	type = btf__type_by_id(kernel, btf__type_by_id(kernel, (uint32_t)id)->type);
	if (!type || !btf_is_func_proto(type) || btf_vlen(type) <= hook->argument)
		return false;
	type = behind_pointer(kernel, btf_params(type)[hook->argument].type);
	return type && btf_is_struct(type) &&
		strcmp(btf__name_by_offset(kernel, type->name_off), hook->type) == 0;
}

/* Functions are static strings. */
static const char *find_missing_hook(const struct btf *kernel)
{
	for (size_t i = 0; i < LM_ARRAY_SIZE(hooks); i++)
		if (!hooks[i].optional && !is_there(kernel, &hooks[i]))
			return hooks[i].function;
	return NULL;
}

int check_trampolines(const struct btf *kernel, struct lm_diag *diag)
{
	const char *missing = find_missing_hook(kernel);
	int r;

	if (missing)
		return lm_diag_set(diag, -ENOSYS, "this kernel has no %s to hook into: use "
			"--attach tracepoint", missing);
	r = try_trampoline(kernel, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "vfs_unlink");
	if (r < 0)
		return lm_diag_set(diag, r, "the kernel lets no program hook into its functions "
			"(fentry: %s): use --attach tracepoint", lm_strerror(r));
	return 0;
}

static const struct hook *hook_of(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);
	const char *function = strchr(section, '/');

	if (!function || (strncmp(section, "fentry/", 7) != 0 &&
		strncmp(section, "fexit/", 6) != 0))
		return NULL;
	for (size_t i = 0; i < LM_ARRAY_SIZE(hooks); i++)
		if (strcmp(hooks[i].function, function + 1) == 0)
			return &hooks[i];
	return NULL;
}

int choose_hooks(struct bpf_object *object, const struct btf *kernel, bool wanted)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		const struct hook *hook = hook_of(program);
		int r;

		if (!hook)
			continue;
		r = bpf_program__set_autoload(program,
			wanted && (!hook->optional || is_there(kernel, hook)));
		if (r < 0)
			return r;
	}
	return 0;
}

bool has_function(const struct btf *kernel, const char *name)
{
	return btf__find_by_name_kind(kernel, name, BTF_KIND_FUNC) > 0;
}

const char *lm_attach_name(enum lm_attach attach)
{
	static const char *const names[] = {
		[LM_ATTACH_AUTO] = "auto",
		[LM_ATTACH_TRACEPOINT] = "tracepoint",
		[LM_ATTACH_TRAMPOLINE] = "trampoline",
	};

	return (size_t)attach < LM_ARRAY_SIZE(names) ? names[attach] : "unknown";
}

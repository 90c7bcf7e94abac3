/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lemona/base/diag.h"

struct btf;

/**
 * Load and attach a program that does nothing, and take it away again.
 *
 * @param type    BPF_PROG_TYPE_TRACING or BPF_PROG_TYPE_LSM
 * @param attach  how; decides how `target` is looked up
 * @param target  a function of the kernel; without "bpf_lsm_" for LSM
 * @return 0; -ENOENT (no such function); -EPERM (lockdown, or no rights); -errno
 */
int try_trampoline(const struct btf *kernel, enum bpf_prog_type type, enum bpf_attach_type attach,
		   const char *target);

/**
 * What keeps the trampoline way from being used.
 *
 * @return 0: nothing; -ENOSYS (a function is missing without which that way would tell less than
 * the other, or has other arguments than those read); -EPERM (lockdown, or no rights); -errno. A
 * sentence is in diag
 */
int check_trampolines(const struct btf *kernel, struct lm_diag *diag);

/**
 * Decide which programs of hooks are loaded with the object: none, or all that fit this kernel,
 * after check_trampolines() has found those that must. Before loading.
 */
int choose_hooks(struct bpf_object *object, const struct btf *kernel, bool wanted);

/** Functions that programs may call (kfuncs) stand in the kernel's BTF by name. */
bool has_function(const struct btf *kernel, const char *name);

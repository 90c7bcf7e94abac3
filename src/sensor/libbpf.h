/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdlib.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* What the files that use libbpf need of it beside its own calls. */

static inline int drop_libbpf_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

/* What libbpf says is for who develops the programs, and for who is sent there by a diagnosis. */
static inline void silence_libbpf(void)
{
	if (!getenv("LEMONA_DEBUG_BPF"))
		libbpf_set_print(drop_libbpf_message);
}

static inline void free_btf(struct btf **btf)
{
	btf__free(*btf);
}

/* SPDX-License-Identifier: MIT */
#include "content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"

#define MAJOR_BITS 64u

static void add_major(struct sensor_bpf *bpf, unsigned int major)
{
	uint64_t *majors = (uint64_t *)bpf->rodata->terminal_majors;

	if (major < LM_MAJORS)
		majors[major / MAJOR_BITS] |= UINT64_C(1) << major % MAJOR_BITS;
}

/* One line: driver, device, major number, range of minor numbers, kind; with any spaces between. */
static bool read_major(const char *line, unsigned int *ret_major)
{
	const char *at = line;
	char *end;

	for (int word = 0; word < 2; word++) {
		at += strspn(at, " ");
		at += strcspn(at, " ");
	}
	*ret_major = (unsigned int)strtoul(at, &end, 10);
	return end != at;
}

/*
 * Drivers of terminals as the kernel lists them now, and those that each kernel has
 * (Documentation/admin-guide/devices.txt), should it not say: pairs of the old kind, consoles
 * and serial lines, /dev/tty and /dev/ptmx, pairs.
 */
static void add_drivers(struct sensor_bpf *bpf)
{
	FILE *file LM_FCLOSE = fopen("/proc/tty/drivers", "re");
	char line[256];
	unsigned int major;

	for (major = 2; major <= 5; major++)
		add_major(bpf, major);
	for (major = 128; major < 144; major++)
		add_major(bpf, major);
	while (file && fgets(line, sizeof(line), file))
		if (read_major(line, &major))
			add_major(bpf, major);
}

void lm_content_choose(struct sensor_bpf *bpf, const struct lm_sensor_options *options)
{
	bpf->rodata->content_bytes = options->content_bytes;
	bpf->rodata->keeps_terminals = options->terminals;
	memcpy((void *)bpf->rodata->content_shapes, options->content_shapes, LM_CALL_COUNT);
	add_drivers(bpf);
}

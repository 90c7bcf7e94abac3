/* SPDX-License-Identifier: MIT */
/*
 * `verified-insns PID FILE`: writes, as JSON, how many instructions the kernel's verifier went
 * through for each program that a recorder has loaded.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int die(const char *what)
{
	fprintf(stderr, "verified-insns: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

/* The program behind a descriptor of the recorder. @return its number; 0: none */
static uint32_t program_of(int directory, const char *name)
{
	char path[64], line[128];
	uint32_t id = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%.16s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "prog_id:\t%" SCNu32, &id) == 1)
			break;
	fclose(file);
	return id;
}

static int get_info(uint32_t id, struct bpf_prog_info *info)
{
	union bpf_attr attr = { .prog_id = id };
	int fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
	int r;

	if (fd < 0)
		return -1;
	attr = (union bpf_attr){ .info = {
		.bpf_fd = (uint32_t)fd, .info_len = sizeof(*info), .info = (uintptr_t)info,
	} };
	memset(info, 0, sizeof(*info));
	r = (int)syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
	close(fd);
	return r;
}

int main(int argc, char **argv)
{
	struct bpf_prog_info info;
	struct dirent *entry;
	const char *separator = "";
	char path[64];
	DIR *directory;
	FILE *out;

	if (argc != 3)
		return EXIT_FAILURE;
	snprintf(path, sizeof(path), "/proc/%.16s/fdinfo", argv[1]);
	directory = opendir(path);
	if (!directory)
		return die(path);
	out = fopen(argv[2], "we");
	if (!out)
		return die(argv[2]);
	fputc('{', out);
	while ((entry = readdir(directory))) {
		uint32_t id = program_of(dirfd(directory), entry->d_name);

		if (!id)
			continue;
		if (get_info(id, &info) < 0)
			return die("bpf");
		fprintf(out, "%s\"%s\": %" PRIu32, separator, info.name, info.verified_insns);
		separator = ", ";
	}
	fputs("}\n", out);
	closedir(directory);
	return fclose(out) ? die(argv[2]) : EXIT_SUCCESS;
}

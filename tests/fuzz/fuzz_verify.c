/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Inlined: the state of the streaming form is only public this way. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "format.h"
#include "lemona/log/prove.h"
#include "lemona/log/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/*
 * A whole log directory: verify and prove read all of it. The input is a run of files, each u8
 * name, u8 flags, u16 length and bytes; with flag 1 the checksums in a segment are made right, so
 * that what stands behind them is reached.
 */
static const char *const names[] = { "00000001.lms", "00000002.lms", "00000003.lms",
	"00000001.lmt", "00000002.lmt", LM_LOG_KEY_NAME, LM_LOG_CHECKPOINT_NAME, "outside" };
#define NAMES  (sizeof(names) / sizeof(names[0]))
#define MEND   1u

static char folder[64];

static void put_sum(uint8_t *out, const void *first, size_t first_len, const void *second,
	size_t second_len)
{
	XXH3_state_t state;
	uint64_t sum;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, first, first_len);
	XXH3_64bits_update(&state, second, second_len);
	sum = XXH3_64bits_digest(&state);
	for (unsigned int i = 0; i < sizeof(sum); i++)
		out[i] = (uint8_t)(sum >> 8 * i);
}

static uint32_t size_at(const uint8_t *data)
{
	struct lm_bytes in = lm_bytes_from(data, sizeof(uint32_t));

	return lm_bytes_u32(&in);
}

static void mend(uint8_t *data, size_t len)
{
	size_t at = LM_SEGMENT_HEADER_BYTES;

	if (len < at || size_at(data + 20) > len - at)
		return;
	put_sum(data + 88, data, 88, data + at, size_at(data + 20));
	at += size_at(data + 20);
	while (len - at >= LM_FRAME_HEADER_BYTES) {
		uint8_t *frame = data + at, *payload = frame + LM_FRAME_HEADER_BYTES;
		uint32_t bytes = size_at(frame + 12);

		if (bytes > len - at - LM_FRAME_HEADER_BYTES)
			return;
		put_sum(frame + 80, frame, 80, payload, bytes);
		put_sum(frame + 88, frame, 88, payload, 0);
		at += LM_FRAME_HEADER_BYTES + bytes;
	}
}

static void remove_folder(void)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY);

	for (size_t i = 0; i < NAMES; i++)
		unlinkat(dir, names[i], 0);
	close(dir);
	rmdir(folder);
}

static void open_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/lemona-fuzz-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		abort();
	atexit(remove_folder);
}

static void write_files(struct lm_bytes in)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY);

	for (size_t i = 0; i < NAMES; i++)
		unlinkat(dir, names[i], 0);
	while (lm_bytes_left(&in) > 0 && !in.bad) {
		const char *name = names[lm_bytes_u8(&in) % NAMES];
		unsigned int flags = lm_bytes_u8(&in);
		size_t want = lm_bytes_u16(&in);
		struct lm_str bytes =
			lm_bytes_str(&in, want < lm_bytes_left(&in) ? want : lm_bytes_left(&in));
		uint8_t *copy = malloc(bytes.len + 1);
		int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (!copy || fd < 0)
			abort();
		if (bytes.len > 0)
			memcpy(copy, bytes.data, bytes.len);
		if (flags & MEND)
			mend(copy, bytes.len);
		if (write(fd, copy, bytes.len) != (ssize_t)bytes.len)
			abort();
		close(fd);
		free(copy);
	}
	close(dir);
}

static void prove_one(uint64_t event)
{
	struct lm_proof proof = { 0 };

	if (lm_prove(folder, event, NULL, &proof, NULL) < 0)
		return;
	/* What is proved is what was asked for. */
	if (event < proof.first_event || event - proof.first_event >= proof.event_count ||
		proof.leaf >= proof.size)
		abort();
	lm_proof_release(&proof);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lm_verify_report report = { 0 };
	struct lm_verify_options options = { 0 };
	const char *outside[1];
	char path[96];

	if (folder[0] == '\0')
		open_folder();
	write_files(lm_bytes_from(data, len));
	snprintf(path, sizeof(path), "%s/outside", folder);
	outside[0] = path;
	options.checkpoints = outside;
	options.checkpoint_count = access(path, F_OK) == 0;
	if (lm_verify(folder, &options, &report, NULL) == 0) {
		bool sound = report.dropped == 0;

		for (size_t i = 0; i < report.count; i++)
			sound &= report.findings[i].verdict == LM_VERDICT_NOTE;
		if (report.sound != sound)
			abort();
		lm_verify_report_release(&report);
	}
	prove_one(1);
	prove_one(20);
	return 0;
}

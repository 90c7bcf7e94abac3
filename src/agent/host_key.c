/* SPDX-License-Identifier: MIT */
#include "lemona/agent/host_key.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_blob.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/io.h"
#include "tpm_seal.h"

#define DEFAULT_DIR "/var/lib/lemona"

static void cleanup_tpm(struct lm_tpm **tpm)
{
	lm_tpm_close(*tpm);
}

/* The file as it is, in memory of the caller's. */
static int read_blob(const char *path, uint8_t bytes[HOST_BLOB_MAX_BYTES + 1],
	struct host_blob *ret_blob, struct lm_diag *diag)
{
	int fd LM_CLOSE = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, HOST_BLOB_MAX_BYTES + 1);
	int r;

	if (n < 0)
		return lm_diag_errno(diag, -errno, "cannot read the host's key %s", path);
	r = host_blob_decode((struct lm_str){ (char *)bytes, (uint32_t)n }, ret_blob);
	switch (r) {
	case -LM_E_FORMAT:
		return lm_diag_set(diag, r, "%s is no host's key", path);
	case -LM_E_DAMAGED:
		return lm_diag_set(diag, r, "the host's key %s is damaged", path);
	}
	return r < 0 ? lm_diag_errno(diag, r, "cannot use the host's key %s", path) : 0;
}

int lm_host_key_read(const char *path, struct lm_public_key *ret_key, struct lm_diag *diag)
{
	uint8_t bytes[HOST_BLOB_MAX_BYTES + 1];
	struct host_blob blob;
	int r = read_blob(path, bytes, &blob, diag);

	if (r == 0)
		*ret_key = blob.key;
	return r;
}

int lm_host_key_unseal(const struct lm_tpm_access *access, const char *path,
	struct lm_seed *ret_seed, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_tpm) struct lm_tpm *tpm = NULL;
	LM_CLEANUP(lm_seed_wipe) struct lm_seed seed = { { 0 } };
	uint8_t bytes[HOST_BLOB_MAX_BYTES + 1];
	struct lm_public_key key;
	struct host_blob blob;
	int r = read_blob(path, bytes, &blob, diag);

	if (r == 0)
		r = tpm_open(access, &tpm, diag);
	if (r == 0)
		r = tpm_unseal(tpm, &blob, &seed, diag);
	if (r < 0)
		return r;
	r = lm_sign_public(&seed, &key);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot use the host's key %s", path);
	if (memcmp(&key, &blob.key, sizeof(key)) != 0)
		return lm_diag_set(diag, -LM_E_DAMAGED,
			"the host's key %s is not the one that it says it is", path);
	*ret_seed = seed;
	return 0;
}

/* A fresh key, sealed, as the file holds it. */
static int make_blob(const struct lm_tpm_access *access, uint32_t pcrs, struct lm_buffer *out,
	struct lm_public_key *ret_key, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_tpm) struct lm_tpm *tpm = NULL;
	LM_CLEANUP(lm_seed_wipe) struct lm_seed seed = { { 0 } };
	LM_BUFFER struct lm_buffer parts = LM_BUFFER_INIT;
	struct host_blob blob;
	int r = tpm_open(access, &tpm, diag);

	if (r < 0)
		return r;
	r = lm_seed_new(&seed);
	if (r == 0)
		r = lm_sign_public(&seed, &blob.key);
	if (r == 0)
		r = tpm_seal(tpm, pcrs, &seed, &parts, &blob, diag);
	if (r == 0)
		r = host_blob_encode(&blob, out);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot make a key for this host");
	*ret_key = blob.key;
	return 0;
}

/* Have the name of a file on the disk as well. Some file systems cannot be asked for that. */
static int sync_name(const char *path)
{
	LM_FREE char *copy = strdup(path);
	int fd LM_CLOSE = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 || (fsync(fd) < 0 && errno != EINVAL) ? -errno : 0;
}

static int make_folder(const char *path)
{
	if (strcmp(path, LM_HOST_KEY_DEFAULT) != 0)
		return 0;
	if (mkdir(DEFAULT_DIR, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	return sync_name(DEFAULT_DIR);
}

/* It must be on the disk before anybody relies on it. */
static int write_file(int fd, const char *path, const struct lm_buffer *bytes)
{
	int r = lm_write_at(fd, bytes->data, bytes->len, 0);

	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r == 0 ? sync_name(path) : r;
}

static int make_file(const char *path, const struct lm_buffer *bytes, struct lm_diag *diag)
{
	int r = make_folder(path);
	int fd LM_CLOSE = -1;

	if (r < 0)
		return lm_diag_errno(diag, r, "cannot make %s", DEFAULT_DIR);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return lm_diag_set(diag, -EEXIST,
			"%s is there already, and is not replaced: what it signed would be "
			"another host's",
			path);
	if (fd < 0)
		return lm_diag_errno(diag, -errno, "cannot make %s", path);
	r = write_file(fd, path, bytes);
	if (r < 0) {
		(void)unlink(path);
		return lm_diag_errno(diag, r, "cannot write %s", path);
	}
	return 0;
}

int lm_host_key_make(const struct lm_tpm_access *access, const char *path, uint32_t pcrs,
	struct lm_public_key *ret_key, struct lm_diag *diag)
{
	LM_BUFFER struct lm_buffer bytes = LM_BUFFER_INIT;
	struct lm_public_key key;
	int r = make_blob(access, pcrs, &bytes, &key, diag);

	/* Last of all: who ends this while the TPM is at work leaves no file behind. */
	if (r == 0)
		r = make_file(path, &bytes, diag);
	if (r < 0)
		return r;
	*ret_key = key;
	return 0;
}

enum lm_host_state lm_host_state_of(int code)
{
	switch (-code) {
	case ENOENT:
		return LM_HOST_MISSING;
	case LM_E_DAMAGED:
	case LM_E_FORMAT:
	case LM_E_VERSION:
		return LM_HOST_DAMAGED;
	case LM_E_WRONG_KEY:
		return LM_HOST_OTHER_TPM;
	case EKEYREJECTED:
		return LM_HOST_PCRS;
	case EACCES:
		return LM_HOST_PASSWORD;
	case EBUSY:
		return LM_HOST_LOCKED;
	}
	return LM_HOST_FAILED;
}

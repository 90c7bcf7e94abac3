/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "lemona/base/escape.h"
#include "lemona/event/attributes.h"

/* Documentation/admin-guide/devices.txt of the kernel; its own encoding of device numbers. */
#define MINOR_BITS 20
#define MAJOR_TTY 4
#define MAJOR_PTS_FIRST 136
#define MAJOR_PTS_LAST 143
#define SERIAL_FIRST 64 /* minor of ttyS0 */

#define UNSET UINT32_MAX

void lm_tty_append(uint32_t tty, struct lm_buffer *out)
{
	uint32_t major = tty >> MINOR_BITS, minor = tty & ((1u << MINOR_BITS) - 1);

	if (!tty)
		return;
	if (major >= MAJOR_PTS_FIRST && major <= MAJOR_PTS_LAST)
		lm_buffer_printf(out, "pts/%u", (major - MAJOR_PTS_FIRST) * 256 + minor);
	else if (major == MAJOR_TTY && minor < SERIAL_FIRST)
		lm_buffer_printf(out, "tty%u", minor);
	else if (major == MAJOR_TTY)
		lm_buffer_printf(out, "ttyS%u", minor - SERIAL_FIRST);
	else
		lm_buffer_printf(out, "%u:%u", major, minor);
}

const char *lm_seccomp_name(uint8_t seccomp)
{
	static const char *const names[] = {
		[LM_SECCOMP_NONE] = "none", [LM_SECCOMP_STRICT] = "strict",
		[LM_SECCOMP_FILTER] = "filter",
	};

	return seccomp < sizeof(names) / sizeof(names[0]) ? names[seccomp] : "unknown";
}

static void append_string(struct lm_buffer *out, const char *key, struct lm_str value)
{
	lm_buffer_printf(out, "\"%s\":", key);
	lm_buffer_append_json(out, value);
}

static void append_container(struct lm_str path, struct lm_buffer *out)
{
	struct lm_container container;

	if (!lm_container_of(path, &container))
		return;
	lm_buffer_append_text(out, ",\"container\":{");
	append_string(out, "runtime", container.runtime);
	lm_buffer_append_byte(out, ',');
	append_string(out, "id", container.id);
	if (container.pod.len) {
		lm_buffer_append_byte(out, ',');
		append_string(out, "pod", container.pod);
	}
	lm_buffer_append_byte(out, '}');
}

void lm_attributes_append_short_json(const struct lm_process *process, struct lm_str path,
	struct lm_buffer *out)
{
	if (process->loginuid != UNSET)
		lm_buffer_printf(out, ",\"loginuid\":%u", process->loginuid);
	if (process->session != UNSET)
		lm_buffer_printf(out, ",\"session\":%u", process->session);
	if (process->tty) {
		lm_buffer_append_text(out, ",\"tty\":\"");
		lm_tty_append(process->tty, out);
		lm_buffer_append_byte(out, '"');
	}
	append_container(path, out);
}

static void append_capabilities(const struct lm_process *process, struct lm_buffer *out)
{
	lm_buffer_printf(out, ",\"capabilities\":{\"effective\":\"%016" PRIx64
		"\",\"permitted\":\"%016" PRIx64 "\",\"inheritable\":\"%016" PRIx64
		"\",\"bounding\":\"%016" PRIx64 "\",\"ambient\":\"%016" PRIx64 "\"}",
		process->cap_effective, process->cap_permitted, process->cap_inheritable,
		process->cap_bounding, process->cap_ambient);
}

static void append_namespaces(const struct lm_process *process, struct lm_buffer *out)
{
	lm_buffer_printf(out, ",\"namespaces\":{\"pid\":%u,\"mnt\":%u,\"net\":%u,\"user\":%u,"
		"\"uts\":%u,\"ipc\":%u,\"cgroup\":%u,\"time\":%u}", process->ns_pid,
		process->ns_mnt, process->ns_net, process->ns_user, process->ns_uts,
		process->ns_ipc, process->ns_cgroup, process->ns_time);
}

void lm_attributes_append_json(const struct lm_process *process, struct lm_str path,
	struct lm_buffer *out)
{
	lm_attributes_append_short_json(process, path, out);
	lm_buffer_printf(out, ",\"sid\":%u", process->sid);
	if (path.len) {
		lm_buffer_append_byte(out, ',');
		append_string(out, "cgroup", path);
	}
	if (process->adopter)
		lm_buffer_printf(out, ",\"adopter\":%u", process->adopter);
	append_capabilities(process, out);
	append_namespaces(process, out);
	lm_buffer_printf(out, ",\"seccomp\":\"%s\",\"no_new_privs\":%s",
		lm_seccomp_name(process->seccomp), process->no_new_privs ? "true" : "false");
}

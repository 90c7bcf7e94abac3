/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/event/object.h"

/* What a process's attributes mean, for every program that shows them. */

/** Which container a control group belongs to; strings point into its path. */
struct lm_container {
	struct lm_str runtime; /* "docker", "podman", "containerd", "cri-o", "kubernetes", "lxc",
				* "systemd-nspawn", "libvirt", or "container": not known which */
	struct lm_str id;      /* 64 hexadecimal digits, or a name */
	struct lm_str pod;     /* kubernetes: the pod's UID as the path has it; else empty */
};

/**
 * Read the path of a control group as container managers write it. The innermost container
 * counts. Says what the path claims: whoever may make control groups can make one like it.
 *
 * @param path  from the hierarchy's root, as in struct lm_cgroup; borrowed
 * @return whether it is in a container
 */
bool lm_container_of(struct lm_str path, struct lm_container *ret_container);

/** Append "pts/3", "tty1", "ttyS0", or "MAJOR:MINOR"; nothing for 0. */
void lm_tty_append(uint32_t tty, struct lm_buffer *out);

/** "none", "strict", "filter"; "unknown" outside the enum. Static. */
const char *lm_seccomp_name(uint8_t seccomp);

/**
 * Append JSON members, each with a comma in front: loginuid and session (where there is a login),
 * sid, tty, cgroup, container, adopter (where there is one), capabilities, namespaces, seccomp,
 * no_new_privs. docs/formats/graph.md says what each holds.
 *
 * @param path  of the process's control group, or LM_STR_NONE
 */
void lm_attributes_append_json(const struct lm_process *process, struct lm_str path,
			       struct lm_buffer *out);

/** The few that a line about an event has room for: loginuid, session, tty, container. */
void lm_attributes_append_short_json(const struct lm_process *process, struct lm_str path,
				     struct lm_buffer *out);

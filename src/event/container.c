/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lemona/event/attributes.h"

/*
 * Names that container managers give to control groups. With systemd as cgroup
 * driver a container is "PREFIX-ID.scope", without it "ID" below a directory of
 * the manager.
 */
#define ID_DIGITS 64

static bool is_id(struct lm_str s)
{
	if (s.len != ID_DIGITS)
		return false;
	for (uint32_t i = 0; i < s.len; i++)
		if (!strchr("0123456789abcdef", s.data[i]) || !s.data[i])
			return false;
	return true;
}

static bool cut_prefix(struct lm_str *s, const char *prefix)
{
	uint32_t len = (uint32_t)strlen(prefix);

	if (s->len < len || memcmp(s->data, prefix, len) != 0)
		return false;
	s->data += len;
	s->len -= len;
	return true;
}

static bool cut_suffix(struct lm_str *s, const char *suffix)
{
	uint32_t len = (uint32_t)strlen(suffix);

	if (s->len < len || memcmp(s->data + s->len - len, suffix, len) != 0)
		return false;
	s->len -= len;
	return true;
}

/* Cut the last component off a path. */
static struct lm_str last_component(struct lm_str *path)
{
	struct lm_str last;
	uint32_t start;

	while (path->len && path->data[path->len - 1] == '/')
		path->len--;
	start = path->len;
	while (start && path->data[start - 1] != '/')
		start--;
	last = (struct lm_str){ path->data + start, path->len - start };
	path->len = start;
	return last;
}

/* "docker-ID.scope" and its like. */
static bool read_scope(struct lm_str component, struct lm_container *ret)
{
	static const struct {
		const char *prefix, *runtime;
	} scopes[] = {
		{ "docker-", "docker" }, { "libpod-", "podman" }, { "nerdctl-", "containerd" },
		{ "cri-containerd-", "containerd" }, { "crio-", "cri-o" },
	};

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		struct lm_str id = component;

		if (!cut_prefix(&id, scopes[i].prefix))
			continue;
		cut_suffix(&id, ".scope");
		if (!is_id(id))
			continue;
		ret->runtime = lm_str_from(scopes[i].runtime);
		ret->id = id;
		return true;
	}
	return false;
}

/* A bare ID: who made it stands one component above. */
static bool read_bare_id(struct lm_str component, struct lm_str above, struct lm_container *ret)
{
	if (!is_id(component))
		return false;
	ret->runtime = lm_str_equal(above, LM_STR("docker")) ? LM_STR("docker") :
						       LM_STR("container");
	ret->id = component;
	return true;
}

/* Containers that have names in the place of numbers. */
static bool read_named(struct lm_str component, struct lm_str above, struct lm_container *ret)
{
	struct lm_str name = component;

	if (cut_prefix(&name, "lxc.payload.") && name.len) {
		ret->runtime = LM_STR("lxc");
	} else if (name.len && (lm_str_equal(above, LM_STR("lxc")) ||
				       lm_str_equal(above, LM_STR("lxc.payload")))) {
		ret->runtime = LM_STR("lxc");
	} else if (cut_prefix(&name, "systemd-nspawn@") && cut_suffix(&name, ".service")) {
		ret->runtime = LM_STR("systemd-nspawn");
	} else if (cut_prefix(&name, "machine-qemu") && cut_suffix(&name, ".scope")) {
		ret->runtime = LM_STR("libvirt");
	} else if (cut_prefix(&name, "machine-") && cut_suffix(&name, ".scope")) {
		ret->runtime = LM_STR("systemd-nspawn");
	} else {
		return false;
	}
	ret->id = name;
	return true;
}

/* "kubepods-besteffort-pod0123_4567.slice", or "pod0123-4567" below "kubepods". */
static void read_pod(struct lm_str path, struct lm_container *ret)
{
	while (path.len) {
		struct lm_str component = last_component(&path), pod = component;

		for (uint32_t i = 0; i + 3 < component.len; i++) {
			pod = (struct lm_str){ component.data + i, component.len - i };
			if ((i == 0 || pod.data[-1] == '-') && cut_prefix(&pod, "pod"))
				break;
			pod.len = 0;
		}
		cut_suffix(&pod, ".slice");
		if (ret->pod.len == 0 && pod.len && pod.data != component.data)
			ret->pod = pod;
		if (cut_prefix(&component, "kubepods"))
			ret->runtime = LM_STR("kubernetes");
	}
	if (!lm_str_equal(ret->runtime, LM_STR("kubernetes")))
		ret->pod = LM_STR_NONE;
}

bool lm_container_of(struct lm_str path, struct lm_container *ret_container)
{
	struct lm_container container = { 0 };

	while (path.len) {
		struct lm_str component = last_component(&path), rest = path;
		struct lm_str above = last_component(&rest);

		if (!component.len)
			continue;
		if (read_scope(component, &container) ||
			read_bare_id(component, above, &container)) {
			read_pod(path, &container);
			*ret_container = container;
			return true;
		}
		if (read_named(component, above, &container)) {
			*ret_container = container;
			return true;
		}
	}
	return false;
}

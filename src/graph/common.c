/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Files that everyone reads and many write. As sources of influence on their
 * readers they tie everything to everything and explain nothing. Being written
 * is another matter: that always counts.
 */
struct common_file {
	/* whole; or with a leading '*': how it ends; or a trailing '/': a folder */
	const char *path;
	const char *reason;
};

static const struct common_file common_files[] = {
	{ "/etc/passwd", "every look-up of a user" },
	{ "/etc/group", "every look-up of a group" },
	{ "/etc/shadow", "every check of a password" },
	{ "/etc/gshadow", "every check of a group's password" },
	{ "/etc/passwd-", "copy kept by each change of users" },
	{ "/etc/group-", "copy kept by each change of groups" },
	{ "/etc/shadow-", "copy kept by each change of passwords" },
	{ "/etc/gshadow-", "copy kept by each change of groups" },
	{ "/etc/.pwd.lock", "taken by whoever changes users" },
	{ "/etc/subuid", "ranges given out at each change of users" },
	{ "/etc/subgid", "ranges given out at each change of groups" },
	{ "/etc/nsswitch.conf", "read before every look-up of a name" },
	{ "/etc/hosts", "every look-up of a host" },
	{ "/etc/resolv.conf", "every look-up of a host" },
	{ "/etc/ld.so.cache", "the start of nearly every program" },
	{ "/etc/localtime", "whoever prints a time" },
	{ "/etc/timezone", "whoever prints a time" },
	{ "/etc/locale.alias", "whoever speaks a language" },
	{ "/usr/lib/locale/", "whoever speaks a language" },
	{ "/etc/mtab", "whoever asks what is mounted" },
	{ "/run/utmp", "each login writes it, each list of logins reads it" },
	{ "/var/run/utmp", "each login writes it, each list of logins reads it" },
	{ "/var/log/wtmp", "each login writes it" },
	{ "/var/log/btmp", "each failed login writes it" },
	{ "/var/log/lastlog", "each login writes it" },
	{ "/var/log/faillog", "each failed login writes it" },
	{ "/var/cache/nscd/", "cache of look-ups" },
	{ "/var/cache/fontconfig/", "cache of fonts" },
	{ "/var/cache/ldconfig/", "cache of libraries" },
	{ "*history", "each interactive shell reads and appends it" },
};

static bool matches(const struct common_file *common, struct lm_str path)
{
	struct lm_str pattern = lm_str_from(common->path);

	if (pattern.data[0] == '*') {
		uint32_t tail = pattern.len - 1;

		return path.len >= tail &&
		       memcmp(path.data + path.len - tail, pattern.data + 1, tail) == 0;
	}
	if (pattern.data[pattern.len - 1] == '/')
		return path.len > pattern.len && memcmp(path.data, pattern.data, pattern.len) == 0;
	return lm_str_equal(pattern, path);
}

static bool path_is_common(struct lm_str path)
{
	/* A path whose top is not known is judged by the part that is. */
	if (path.len > 0 && path.data[0] == '?')
		path = (struct lm_str){ path.data + 1, path.len - 1 };
	for (size_t i = 0; i < LM_ARRAY_SIZE(common_files); i++) {
		if (matches(&common_files[i], path))
			return true;
	}
	return false;
}

int walk_is_common(struct walk *walk, lm_object_id id, uint64_t t_ns, bool *ret_common)
{
	enum lm_object_kind kind = lm_index_kind(walk->index, id);
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	const uint64_t *known;
	bool common = false;

	*ret_common = false;
	if (kind != LM_OBJECT_KIND_FILE && kind != LM_OBJECT_KIND_NAME)
		return 0;
	known = lm_map_get(&walk->common, id);
	if (known) {
		*ret_common = *known == 2;
		return 0;
	}
	if (lm_index_path_at(walk->index, id, t_ns, LM_OBJECT_NONE, &path) == 0)
		common = path_is_common(
			(struct lm_str){ (const char *)path.data, (uint32_t)path.len });
	if (lm_buffer_status(&path) < 0 || lm_map_put(&walk->common, id, common ? 2 : 1) < 0)
		return -ENOMEM;
	*ret_common = common;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "places.h"

#include <stdlib.h>

#define VISITORS    20000u
#define NULL_DEVICE (1u << 20 | 3u)

static const char *const library_names[LIB_COUNT] = {
	"libc.so.6",
	"libm.so.6",
	"libselinux.so.1",
	"libpcre2-8.so.0.11.2",
	"libtinfo.so.6.4",
	"libacl.so.1.1.2301",
	"libattr.so.1.1.2501",
	"libz.so.1.2.13",
	"libzstd.so.1.5.4",
	"liblzma.so.5.4.1",
	"libbz2.so.1.0.4",
	"libcrypto.so.3",
	"libssl.so.3",
	"libcurl.so.4.8.0",
	"libnghttp2.so.14.24.1",
	"libidn2.so.0.3.8",
	"libunistring.so.2.2.0",
	"libssh2.so.1.0.1",
	"libpsl.so.5.3.4",
	"libgssapi_krb5.so.2.2",
	"libkrb5.so.3.3",
	"libk5crypto.so.3.1",
	"libcom_err.so.2.1",
	"libldap-2.5.so.0.1.8",
	"liblber-2.5.so.0.1.8",
	"libsasl2.so.2.0.25",
	"libbrotlidec.so.1.0.9",
	"libgmp.so.10.4.1",
	"libmpfr.so.6.2.0",
	"libmpc.so.3.3.1",
	"libisl.so.23.2.0",
	"libbfd-2.40-system.so",
	"libsframe.so.0.0.0",
	"libctf.so.0.0.0",
	"libstdc++.so.6.0.30",
	"libgcc_s.so.1",
	"libpam.so.0.85.1",
	"libaudit.so.1.0.0",
	"libcap.so.2.66",
	"libcap-ng.so.0.0.0",
	"libsystemd.so.0.35.0",
	"libxml2.so.2.9.14",
	"libicuuc.so.72.1",
	"libexpat.so.1.8.10",
	"libreadline.so.8.2",
	"libpq.so.5.15",
	"libapt-pkg.so.6.0.0",
	"libcrypt.so.1.1.0",
	"libnss_systemd.so.2",
};

static const char *const categories[LOCALE_CATEGORIES] = {
	"LC_IDENTIFICATION",
	"LC_MEASUREMENT",
	"LC_TELEPHONE",
	"LC_ADDRESS",
	"LC_NAME",
	"LC_PAPER",
	"LC_MESSAGES",
	"LC_MONETARY",
	"LC_COLLATE",
	"LC_TIME",
	"LC_NUMERIC",
	"LC_CTYPE",
};

static const char *const user_names[USERS] = {
	"alice",
	"bob",
	"carol",
	"dave",
	"erin",
	"frank",
	"grace",
	"heidi",
	"ivan",
	"judy",
	"mallory",
	"oscar",
};

static const char *const words[] = {
	"account",
	"api",
	"archive",
	"auth",
	"backup",
	"batch",
	"buffer",
	"cache",
	"client",
	"config",
	"core",
	"data",
	"device",
	"draft",
	"error",
	"event",
	"export",
	"filter",
	"format",
	"handler",
	"import",
	"index",
	"invoice",
	"job",
	"layout",
	"list",
	"loader",
	"local",
	"main",
	"matrix",
	"memo",
	"model",
	"module",
	"network",
	"notes",
	"offer",
	"order",
	"parser",
	"plan",
	"pool",
	"proxy",
	"query",
	"queue",
	"reader",
	"record",
	"report",
	"request",
	"router",
	"scan",
	"schema",
	"script",
	"search",
	"server",
	"session",
	"socket",
	"state",
	"stream",
	"table",
	"task",
	"test",
	"thread",
	"token",
	"tool",
	"tree",
	"util",
	"value",
	"view",
	"worker",
	"writer",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static const char *word(uint64_t n)
{
	return words[host_hash(n) % WORDS];
}

/* `count` files in some folders below a directory: "DIR/word/word-N.ext". */
static struct area make_area(struct world *w, const char *dir, uint32_t folders, uint32_t count,
	const char *extension, uint32_t mode)
{
	struct area area = { .count = count };
	char path[256];

	area.files = host_allocate(count * sizeof(struct node *));
	for (uint32_t i = 0; i < count; i++) {
		uint64_t n = host_hash(i) ^ (uintptr_t)dir[1] << 8 ^ count;
		uint32_t folder = (uint32_t)(host_hash(n) % folders);

		if (folder == 0)
			snprintf(
				path, sizeof(path), "%s/%s-%s%s", dir, word(n), word(i), extension);
		else
			snprintf(path, sizeof(path), "%s/%s%u/%s-%s%u%s", dir, word(folder), folder,
				word(n), word(n + 1), i % 7, extension);
		area.files[i] = host_node(w, path, mode);
	}
	return area;
}

struct node *area_pick(struct world *w, const struct area *area)
{
	return area->files[host_zipf(w, area->count)];
}

static void name_libraries(struct world *w, struct places *at)
{
	char path[128];

	for (size_t i = 0; i < LIB_COUNT; i++) {
		snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/%s", library_names[i]);
		at->libraries[i] = host_node(w, path, FILE_MODE);
	}
	for (size_t i = 0; i < LOCALE_CATEGORIES; i++) {
		snprintf(path, sizeof(path), "/usr/lib/locale/C.UTF-8/%s", categories[i]);
		at->other_locales[i] = host_node(w, path, 0);
		snprintf(path, sizeof(path), "/usr/lib/locale/C.utf8/%s", categories[i]);
		at->locales[i] = host_node(w, path, FILE_MODE);
	}
}

static void name_homes(struct world *w, struct places *at)
{
	char path[128];

	for (uint32_t i = 0; i < USERS; i++) {
		at->users[i] = user_names[i];
		snprintf(path, sizeof(path), "/home/%s", user_names[i]);
		at->homes[i] = host_node(w, path, DIR_MODE);
		at->home[i] = make_area(w, path, 14, 300 + 37 * i, ".txt", FILE_MODE);
		snprintf(path, sizeof(path), "/home/%s/src", user_names[i]);
		at->projects[i] = make_area(w, path, 9, 120 + 11 * i, ".c", FILE_MODE);
	}
}

struct places *places_new(struct world *w)
{
	struct places *at = host_allocate(sizeof(*at));

	name_libraries(w, at);
	at->preload = host_node(w, "/etc/ld.so.preload", 0);
	at->cache = host_node(w, "/etc/ld.so.cache", FILE_MODE);
	at->loader = host_node(w, "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", PROGRAM_MODE);
	at->archive = host_node(w, "/usr/lib/locale/locale-archive", FILE_MODE);
	at->alias = host_node(w, "/etc/locale.alias", FILE_MODE);
	at->passwd = host_node(w, "/etc/passwd", FILE_MODE);
	at->group = host_node(w, "/etc/group", FILE_MODE);
	at->shadow = host_node(w, "/etc/shadow", S_IFREG | 0640);
	at->nsswitch = host_node(w, "/etc/nsswitch.conf", FILE_MODE);
	at->hosts = host_node(w, "/etc/hosts", FILE_MODE);
	at->resolv = host_node(w, "/etc/resolv.conf", FILE_MODE);
	at->localtime = host_node(w, "/etc/localtime", FILE_MODE);
	at->utmp = host_node(w, "/run/utmp", FILE_MODE);
	at->wtmp = host_node(w, "/var/log/wtmp", FILE_MODE);
	at->lastlog = host_node(w, "/var/log/lastlog", FILE_MODE);
	at->null = host_node(w, "/dev/null", S_IFCHR | 0666);
	at->null->rdev = NULL_DEVICE;
	at->tmp = host_node(w, "/tmp", S_IFDIR | 01777);
	at->etc = host_node(w, "/etc", DIR_MODE);
	at->log = host_node(w, "/var/log", DIR_MODE);
	at->bin = host_node(w, "/usr/bin", DIR_MODE);
	at->spool = host_node(w, "/var/spool/exim4/input", DIR_MODE);
	at->auth_log = host_node(w, "/var/log/auth.log", FILE_MODE);
	at->syslog = host_node(w, "/var/log/syslog", FILE_MODE);
	at->access_log = host_node(w, "/var/log/nginx/access.log", FILE_MODE);
	at->error_log = host_node(w, "/var/log/nginx/error.log", FILE_MODE);
	at->mail_log = host_node(w, "/var/log/exim4/mainlog", FILE_MODE);
	at->php_log = host_node(w, "/var/log/php8.2-fpm.log", FILE_MODE);
	at->wal = host_node(
		w, "/var/lib/postgresql/15/main/pg_wal/000000010000000000000001", FILE_MODE);
	at->headers = make_area(w, "/usr/include", 12, 420, ".h", FILE_MODE);
	at->sites = make_area(w, "/var/www/html", 18, 600, ".html", FILE_MODE);
	at->scripts = make_area(w, "/var/www/app", 11, 240, ".php", FILE_MODE);
	at->tables = make_area(w, "/var/lib/postgresql/15/main/base", 4, 180, "", FILE_MODE);
	at->share = make_area(w, "/usr/share", 60, 1500, "", FILE_MODE);
	at->packages = make_area(w, "/usr/lib/packages", 70, 2200, ".so", FILE_MODE);
	at->etc_files = make_area(w, "/etc", 25, 260, ".conf", FILE_MODE);
	name_homes(w, at);
	return at;
}

struct lm_address places_visitor(struct world *w)
{
	uint32_t rank = host_zipf(w, VISITORS);

	/* Out of a few hundred networks of 65,536. */
	return address_of((uint32_t)(0x50000000 | (host_hash(rank % 300) & 0x3f) << 24 |
				     (host_hash(rank) & 0xffffff)),
		(uint16_t)host_between(w, 1024, 65535));
}

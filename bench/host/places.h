/* SPDX-License-Identifier: MIT */
#pragma once

#include "calls.h"

/* Where things are on the host: a Debian system's files, those that everybody opens by hand. */
enum library {
	LIB_C,
	LIB_M,
	LIB_SELINUX,
	LIB_PCRE,
	LIB_TINFO,
	LIB_ACL,
	LIB_ATTR,
	LIB_Z,
	LIB_ZSTD,
	LIB_LZMA,
	LIB_BZ2,
	LIB_CRYPTO,
	LIB_SSL,
	LIB_CURL,
	LIB_NGHTTP2,
	LIB_IDN2,
	LIB_UNISTRING,
	LIB_SSH2,
	LIB_PSL,
	LIB_GSSAPI,
	LIB_KRB5,
	LIB_K5CRYPTO,
	LIB_COM_ERR,
	LIB_LDAP,
	LIB_LBER,
	LIB_SASL2,
	LIB_BROTLI,
	LIB_GMP,
	LIB_MPFR,
	LIB_MPC,
	LIB_ISL,
	LIB_BFD,
	LIB_SFRAME,
	LIB_CTF,
	LIB_STDCXX,
	LIB_GCC,
	LIB_PAM,
	LIB_AUDIT,
	LIB_CAP,
	LIB_CAP_NG,
	LIB_SYSTEMD,
	LIB_XML2,
	LIB_ICU,
	LIB_EXPAT,
	LIB_READLINE,
	LIB_PQ,
	LIB_APT,
	LIB_CRYPT,
	LIB_NSS_SYSTEMD,
	LIB_COUNT,
};

#define LOCALE_CATEGORIES 12
#define USERS             12u
#define USER_UID          1000u

/* Files of one kind, met with Zipf's law. */
struct area {
	struct node **files;
	uint32_t count;
};

struct places {
	struct node *libraries[LIB_COUNT];
	struct node *preload, *cache, *loader, *archive, *alias;
	struct node *locales[LOCALE_CATEGORIES], *other_locales[LOCALE_CATEGORIES];
	struct node *passwd, *group, *shadow, *nsswitch, *hosts, *resolv, *localtime;
	struct node *utmp, *wtmp, *lastlog, *null;
	struct node *tmp, *etc, *log, *bin, *lib, *spool;
	struct node *auth_log, *syslog, *access_log, *error_log, *mail_log, *wal, *php_log;
	struct node *homes[USERS];
	const char *users[USERS];
	struct area headers, sites, scripts, tables, packages, share, etc_files, home[USERS],
		projects[USERS];
	uint64_t terminals; /* bit i: /dev/pts/i is in use */
};

struct places *places_new(struct world *w);
struct node *area_pick(struct world *w, const struct area *area);
const struct places *places_of(const struct world *w);
/** A visitor's address: of 20,000, a few of whom come all the time. */
struct lm_address places_visitor(struct world *w);

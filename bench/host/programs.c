/* SPDX-License-Identifier: MIT */
#include "programs.h"

#include <string.h>
#include <sys/mman.h>

#include "daemons.h"

/* Library 0 is the C library, which all of them have: it ends each list. */
static const struct program programs[TOOL_COUNT] = {
	[TOOL_SH] = { "/usr/bin/dash", { LIB_C }, false, false },
	[TOOL_BASH] = { "/usr/bin/bash", { LIB_TINFO, LIB_C }, true, true },
	[TOOL_LS] = { "/usr/bin/ls", { LIB_SELINUX, LIB_PCRE, LIB_C }, true, true },
	[TOOL_CAT] = { "/usr/bin/cat", { LIB_C }, true, false },
	[TOOL_CP] = { "/usr/bin/cp", { LIB_SELINUX, LIB_ACL, LIB_ATTR, LIB_PCRE, LIB_C }, true,
		false },
	[TOOL_MV] = { "/usr/bin/mv", { LIB_SELINUX, LIB_ACL, LIB_ATTR, LIB_PCRE, LIB_C }, true,
		false },
	[TOOL_RM] = { "/usr/bin/rm", { LIB_C }, true, false },
	[TOOL_MKDIR] = { "/usr/bin/mkdir", { LIB_SELINUX, LIB_PCRE, LIB_C }, true, false },
	[TOOL_CHMOD] = { "/usr/bin/chmod", { LIB_C }, true, false },
	[TOOL_GREP] = { "/usr/bin/grep", { LIB_PCRE, LIB_C }, true, false },
	[TOOL_SED] = { "/usr/bin/sed", { LIB_ACL, LIB_SELINUX, LIB_PCRE, LIB_C }, true, false },
	[TOOL_SORT] = { "/usr/bin/sort", { LIB_CRYPTO, LIB_C }, true, false },
	[TOOL_HEAD] = { "/usr/bin/head", { LIB_C }, true, false },
	[TOOL_WC] = { "/usr/bin/wc", { LIB_C }, true, false },
	[TOOL_FIND] = { "/usr/bin/find", { LIB_SELINUX, LIB_M, LIB_PCRE, LIB_C }, true, false },
	[TOOL_TAR] = { "/usr/bin/tar", { LIB_ACL, LIB_SELINUX, LIB_PCRE, LIB_C }, true, true },
	[TOOL_GZIP] = { "/usr/bin/gzip", { LIB_C }, false, false },
	[TOOL_BASE64] = { "/usr/bin/base64", { LIB_C }, true, false },
	[TOOL_CURL] = { "/usr/bin/curl",
		{ LIB_CURL, LIB_Z, LIB_NGHTTP2, LIB_IDN2, LIB_SSH2, LIB_PSL, LIB_SSL, LIB_CRYPTO,
			LIB_GSSAPI, LIB_LDAP, LIB_LBER, LIB_ZSTD, LIB_BROTLI, LIB_UNISTRING,
			LIB_KRB5, LIB_K5CRYPTO, LIB_COM_ERR, LIB_SASL2, LIB_GMP, LIB_C },
		true, false },
	[TOOL_GIT] = { "/usr/bin/git", { LIB_PCRE, LIB_Z, LIB_C }, true, true },
	[TOOL_MAKE] = { "/usr/bin/make", { LIB_C }, true, false },
	[TOOL_GCC] = { "/usr/bin/x86_64-linux-gnu-gcc-12", { LIB_C }, false, false },
	[TOOL_CC1] = { "/usr/lib/gcc/x86_64-linux-gnu/12/cc1",
		{ LIB_ISL, LIB_MPC, LIB_MPFR, LIB_GMP, LIB_Z, LIB_ZSTD, LIB_M, LIB_C }, false,
		false },
	[TOOL_AS] = { "/usr/bin/x86_64-linux-gnu-as",
		{ LIB_BFD, LIB_Z, LIB_ZSTD, LIB_SFRAME, LIB_C }, false, false },
	[TOOL_LD] = { "/usr/bin/x86_64-linux-gnu-ld.bfd",
		{ LIB_BFD, LIB_CTF, LIB_Z, LIB_ZSTD, LIB_SFRAME, LIB_C }, false, false },
	[TOOL_VIM] = { "/usr/bin/vim.basic",
		{ LIB_M, LIB_TINFO, LIB_SELINUX, LIB_ACL, LIB_ATTR, LIB_PCRE, LIB_C }, true, true },
	[TOOL_PS] = { "/usr/bin/ps", { LIB_SYSTEMD, LIB_CAP, LIB_LZMA, LIB_ZSTD, LIB_C }, true,
		true },
	[TOOL_ID] = { "/usr/bin/id", { LIB_SELINUX, LIB_PCRE, LIB_C }, true, true },
	[TOOL_SUDO] = { "/usr/bin/sudo",
		{ LIB_AUDIT, LIB_SELINUX, LIB_CAP_NG, LIB_PCRE, LIB_PAM, LIB_C }, true, true },
	[TOOL_PYTHON] = { "/usr/bin/python3.11", { LIB_M, LIB_Z, LIB_EXPAT, LIB_C }, true, true },
	[TOOL_PERL] = { "/usr/bin/perl", { LIB_M, LIB_CRYPT, LIB_C }, true, false },
	[TOOL_PSQL] = { "/usr/bin/psql",
		{ LIB_PQ, LIB_SSL, LIB_CRYPTO, LIB_READLINE, LIB_TINFO, LIB_C }, true, true },
	[TOOL_RSYNC] = { "/usr/bin/rsync", { LIB_ACL, LIB_ATTR, LIB_ZSTD, LIB_CRYPTO, LIB_C }, true,
		true },
	[TOOL_SSHD] = { "/usr/sbin/sshd",
		{ LIB_CRYPT, LIB_AUDIT, LIB_PAM, LIB_SYSTEMD, LIB_SELINUX, LIB_GSSAPI, LIB_KRB5,
			LIB_COM_ERR, LIB_CRYPTO, LIB_Z, LIB_CAP_NG, LIB_CAP, LIB_LZMA, LIB_ZSTD,
			LIB_K5CRYPTO, LIB_C },
		false, true },
	[TOOL_DPKG] = { "/usr/bin/dpkg",
		{ LIB_SELINUX, LIB_ZSTD, LIB_LZMA, LIB_BZ2, LIB_Z, LIB_PCRE, LIB_C }, true, false },
	[TOOL_APT] = { "/usr/bin/apt-get",
		{ LIB_APT, LIB_STDCXX, LIB_GCC, LIB_Z, LIB_BZ2, LIB_LZMA, LIB_ZSTD, LIB_SYSTEMD,
			LIB_CAP, LIB_M, LIB_C },
		true, false },
	[TOOL_LDCONFIG] = { "/usr/sbin/ldconfig", { LIB_C }, false, false },
	[TOOL_LOGROTATE] = { "/usr/sbin/logrotate", { LIB_SELINUX, LIB_ACL, LIB_PCRE, LIB_C }, true,
		true },
	[TOOL_RUN_PARTS] = { "/usr/bin/run-parts", { LIB_C }, true, false },
	[TOOL_IMAP] = { "/usr/lib/dovecot/imap", { LIB_SSL, LIB_CRYPTO, LIB_ZSTD, LIB_LZMA, LIB_C },
		false, true },
	[TOOL_EXIM] = { "/usr/sbin/exim4",
		{ LIB_CRYPT, LIB_PAM, LIB_LDAP, LIB_LBER, LIB_PCRE, LIB_AUDIT, LIB_SASL2, LIB_C },
		false, true },
};

const char *program_path(enum tool tool)
{
	return programs[tool].path;
}

struct node *program_node(struct world *w, enum tool tool)
{
	return host_node(w, programs[tool].path, PROGRAM_MODE);
}

static void map_library(struct proc *p, struct node *library, bool is_c)
{
	sys_open(p, library, O_RDONLY | O_CLOEXEC);
	sys_read(p, library, 832);
	if (is_c)
		sys_pread(p, library, 784);
	sys_fstat(p, library);
	if (is_c)
		sys_pread(p, library, 784);
	sys_mmap(p, library, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE);
	sys_mmap(p, library, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE);
	sys_mmap(p, library, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE);
	sys_mmap(p, library, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE);
	sys_close(p, library);
}

static void map_whole(struct proc *p, struct node *node)
{
	sys_open(p, node, O_RDONLY | O_CLOEXEC);
	sys_fstat(p, node);
	sys_mmap(p, node, PROT_READ, MAP_PRIVATE);
	sys_close(p, node);
}

/* As recorded: half of the hosts have an archive of locales, the others C.utf8 in single files. */
static void set_locale(struct proc *p)
{
	const struct places *at = places_of(p->world);

	if (p->locale) {
		map_whole(p, at->archive);
		return;
	}
	read_file(p, at->alias, 2996);
	for (size_t i = 0; i < LOCALE_CATEGORIES; i++) {
		sys_open(p, at->other_locales[i], O_RDONLY | O_CLOEXEC);
		map_whole(p, at->locales[i]);
	}
}

void look_up_user(struct proc *p)
{
	const struct places *at = places_of(p->world);

	sys_stat(p, at->nsswitch);
	read_file(p, at->nsswitch, 494);
	read_file(p, at->passwd, 1840);
}

void look_up_host(struct proc *p)
{
	const struct places *at = places_of(p->world);

	read_file(p, at->resolv, 61);
	read_file(p, at->hosts, 188);
}

static void load(struct proc *p, const uint8_t *libraries)
{
	const struct places *at = places_of(p->world);
	size_t count = 0;

	sys_stat(p, at->preload);
	map_whole(p, at->cache);
	do
		map_library(p, at->libraries[libraries[count]], libraries[count] == LIB_C);
	while (libraries[count++] != LIB_C);
	while (count-- > 0)
		sys_mprotect(p, at->libraries[libraries[count]], PROT_READ);
	sys_mprotect(p, p->exe, PROT_READ);
	sys_munmap(p, at->cache);
}

void program_start(struct proc *p, enum tool tool, const char *argv)
{
	const struct program *program = &programs[tool];

	sys_exec(p, program_node(p->world, tool), argv);
	load(p, program->libraries);
	if (program->locale)
		set_locale(p);
	if (program->users)
		look_up_user(p);
}

void program_start_at(struct proc *p, struct node *program, const char *argv)
{
	static const uint8_t only_c[] = { LIB_C };

	sys_exec(p, program, argv);
	load(p, only_c);
}

void program_start_script(struct proc *p, struct node *node, const char *argv)
{
	static const uint8_t only_c[] = { LIB_C };

	sys_exec_script(p, node, program_node(p->world, TOOL_SH), argv);
	load(p, only_c);
	sys_open(p, node, O_RDONLY);
	sys_dup(p, node->file);
	sys_close(p, node);
	sys_read(p, node, 900);
}

void read_file(struct proc *p, struct node *node, int64_t bytes)
{
	if (!sys_open(p, node, O_RDONLY | O_CLOEXEC))
		return;
	sys_fstat(p, node);
	for (; bytes > 131072; bytes -= 131072)
		sys_read(p, node, 131072);
	sys_read(p, node, bytes);
	sys_read(p, node, 0);
	sys_close(p, node);
}

void write_file(struct proc *p, struct node *node, uint32_t flags, int64_t bytes)
{
	sys_open(p, node, O_WRONLY | O_CREAT | flags);
	for (; bytes > 65536; bytes -= 65536)
		sys_write(p, node, 65536);
	sys_write(p, node, bytes);
	sys_close(p, node);
}

void append_file(struct proc *p, struct node *node, int64_t bytes)
{
	write_file(p, node, O_APPEND, bytes);
}

void replace_file(struct proc *p, struct node *node, const char *suffix, int64_t bytes)
{
	struct node *fresh =
		host_temporary(p->world, node->parent, "%s%s", node->component, suffix);

	write_file(p, fresh, O_EXCL, bytes);
	sys_chmod(p, fresh, 0644);
	sys_rename(p, fresh, node);
	host_forget(fresh);
}

void search_path(struct proc *p, enum tool tool)
{
	const char *base = strrchr(programs[tool].path, '/');
	static const char *const folders[] = { "/usr/local/bin", "/usr/bin" };
	char path[256];

	snprintf(path, sizeof(path), "%s%s", folders[0], base);
	sys_stat(p, host_node(p->world, path, 0));
	sys_stat(p, program_node(p->world, tool));
}

void run_tool(struct proc *p, enum tool tool, struct node *node, struct node *other,
	struct node *terminal)
{
	struct task task = { .node = node, .other = other, .number = tool, .terminal = terminal };

	search_path(p, tool);
	sys_fork(p, true, tool_main, &task);
}

void run_piped(struct proc *p, enum tool tool, struct node *node, const struct channel *in,
	const struct channel *out)
{
	struct task task = { .node = node, .number = tool };

	if (in)
		task.channel = *in;
	if (out)
		task.second = *out;
	search_path(p, tool);
	sys_fork(p, false, tool_main, &task);
}

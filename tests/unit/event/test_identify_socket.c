/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const struct lm_raw_socket tcp = {
	.inode = 20, .dev = SOCKFS, .fd = 5, .family = AF_INET, .type = SOCK_STREAM,
};

static struct lm_raw_socket unix_socket(const char *path_text)
{
	struct lm_raw_socket raw = {
		.inode = 21, .dev = SOCKFS, .fd = 6, .family = AF_UNIX,
		.local = { .family = AF_UNIX }, .path_len = (uint8_t)strlen(path_text),
	};

	memcpy(raw.path, path_text, strlen(path_text));
	return raw;
}

static void test_inode_used_again_is_another_socket(void **state)
{
	struct fixture *f = *state;

	socket_call(f, &tcp, SYS_socket, 5, 0);
	socket_call(f, &tcp, SYS_listen, 0, 0);
	fd_call(f, SYS_close, NOTHING, 5, 0, 5);
	socket_call(f, &tcp, SYS_socket, 5, 0);
	io(f, SYS_write, SOCK_AT(20), 5, 3);
	fd_call(f, SYS_close, NOTHING, 5, 0, 5);
	assert_told(f,
		"+s20\n"
		"p1 socket s20 arg=5 =5\n"
		"p1 listen s20 arg=5 =0\n"
		"p1 close s20 arg=5 =0 derived\n"
		"+s20'\n"
		"p1 socket s20' arg=5 =5\n"
		"p1 write s20' =3\n"
		"p1 close s20' arg=5 =0 derived\n");
}

static void test_connect_tells_both_ends(void **state)
{
	struct lm_raw_socket raw = tcp;
	struct fixture *f = *state;

	socket_call(f, &raw, SYS_socket, 5, 0);
	raw.local = (struct lm_raw_address){ AF_INET, 40000, 0, { 10, 0, 0, 1 } };
	raw.remote = (struct lm_raw_address){ AF_INET, 443, 0, { 203, 0, 113, 7 } };
	socket_call(f, &raw, SYS_connect, 0, 0);
	assert_told(f,
		"+s20\n"
		"p1 socket s20 arg=5 =5\n"
		"~s20 local=10.0.0.1:40000 remote=203.0.113.7:443\n"
		"p1 connect s20 arg=5 =0\n");
}

static void test_claimed_remote_is_marked(void **state)
{
	struct lm_raw_socket raw = tcp;
	struct fixture *f = *state;

	raw.claimed_remote = 1;
	raw.remote = (struct lm_raw_address){ AF_INET6, 53, 0, { [15] = 1 } };
	socket_call(f, &raw, SYS_connect, -ECONNREFUSED, 0);
	assert_told(f,
		"+s20 remote=::1:53 claimed\n"
		"p1 connect s20 arg=5 =-111 claimed\n");
}

static void test_accept_names_the_listener(void **state)
{
	struct lm_raw_socket raw = tcp, accepted = tcp;
	struct fixture *f = *state;

	socket_call(f, &raw, SYS_socket, 5, 0);
	accepted.inode = 30;
	accepted.inode2 = 20;
	accepted.fd = 7;
	socket_call(f, &accepted, SYS_accept4, 7, 0);
	fd_call(f, SYS_close, NOTHING, 7, 0, 7);
	assert_told(f,
		"+s20\n"
		"p1 socket s20 arg=5 =5\n"
		"+s30\n"
		"p1 accept s30 with s20 arg=7 =7\n"
		"p1 close s30 arg=7 =0 derived\n");
}

static void test_found_socket(void **state)
{
	struct lm_raw_socket raw = tcp;
	struct fixture *f = *state;

	raw.local = (struct lm_raw_address){ AF_INET, 22, 0, { 0 } };
	socket_call(f, &raw, LM_RAW_CALL_NONE, 0, LM_RAW_FOUND);
	io(f, SYS_read, SOCK_AT(20), 5, 3);
	fd_call(f, SYS_close, NOTHING, 5, 0, 5);
	assert_told(f,
		"+s20 local=0.0.0.0:22 found\n"
		"p1 read s20 =3\n"
		"p1 close s20 arg=5 =0 derived\n");
}

static void test_unix_path_is_made_absolute(void **state)
{
	struct lm_raw_inode node = { .inode = 50, .dev = DISK, .mode = S_IFSOCK | 0755 };
	struct lm_raw_socket raw = unix_socket("./ctl");
	struct fixture *f = *state;

	raw.path_inode = node.inode;
	raw.path_dev = node.dev;
	socket_call(f, &raw, SYS_bind, 0, 0); /* as long as nobody knows better: as it was bound */
	walk_dir(f, node, TMP_DIR, "ctl", 0);
	socket_call(f, &raw, SYS_listen, 0, 0);
	assert_told(f,
		"+f50 140000 gen=0 partial\n"
		"+s21 local=./ctl node=f50\n"
		"p1 bind s21 arg=6 =0\n"
		"~f50 140755 gen=0\n"
		"+f3/ctl\n"
		"bind f50 f3/ctl\n"
		"~s21 local=/tmp/ctl node=f50\n"
		"p1 listen s21 arg=6 =0\n");
}

static void test_abstract_unix_name_stays(void **state)
{
	struct lm_raw_socket raw = unix_socket("@bus");
	struct fixture *f = *state;

	socket_call(f, &raw, SYS_bind, 0, 0);
	raw.local.family = 0;
	raw.remote.family = AF_UNIX;
	raw.inode = 22;
	socket_call(f, &raw, SYS_connect, 0, 0);
	assert_told(f,
		"+s21 local=@bus\n"
		"p1 bind s21 arg=6 =0\n"
		"+s22 remote=@bus\n"
		"p1 connect s22 arg=6 =0\n");
}

/* Deep directories make paths that no log takes: the socket is told as it was bound. */
static void test_unix_path_too_long_for_a_log(void **state)
{
	char name[LM_RAW_NAME_BYTES];
	struct lm_raw_inode node = { .inode = 50, .dev = DISK, .mode = S_IFSOCK | 0755 };
	struct lm_raw_socket raw = unix_socket("ctl");
	struct lm_raw_inode dir = TMP_DIR;
	struct fixture *f = *state;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned int i = 0; i < 20; i++) {
		walk_dir(f, DIR_AT(100 + i), dir, name, 0);
		dir = DIR_AT(100 + i);
	}
	walk_dir(f, node, dir, "ctl", 0);
	raw.path_inode = node.inode;
	raw.path_dev = node.dev;
	forget_told(f);
	socket_call(f, &raw, SYS_bind, 0, 0);
	assert_told(f,
		"+s21 local=ctl node=f50\n"
		"p1 bind s21 @f119/ctl arg=6 =0\n");
}

/* A node in a file system is a file, whatever its mode says. */
static void test_socket_node_is_a_file(void **state)
{
	struct lm_raw_inode node = { .inode = 50, .dev = DISK, .mode = S_IFSOCK | 0755 };
	struct lm_raw_socket raw = tcp;
	struct fixture *f = *state;

	walk_dir(f, node, TMP_DIR, "ctl", 0);
	forget_told(f);
	raw.inode = node.inode;
	raw.dev = node.dev;
	assert_int_equal(feed(f, &raw, LM_RAW_SOCKET, SYS_bind, sizeof(raw), 0), -LM_E_FORMAT);
	assert_told(f, "");
}

static void test_descriptor_that_is_no_socket(void **state)
{
	struct lm_raw_socket raw = { .fd = 3 };
	struct fixture *f = *state;

	socket_call(f, &raw, SYS_connect, -ENOTSOCK, 0);
	assert_told(f,
		"p1 connect arg=3 =-88\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(inode_used_again_is_another_socket),
		TEST(connect_tells_both_ends),
		TEST(claimed_remote_is_marked),
		TEST(accept_names_the_listener),
		TEST(found_socket),
		TEST(unix_path_is_made_absolute),
		TEST(abstract_unix_name_stays),
		TEST(unix_path_too_long_for_a_log),
		TEST(socket_node_is_a_file),
		TEST(descriptor_that_is_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

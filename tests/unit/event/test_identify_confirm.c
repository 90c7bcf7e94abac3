/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <linux/fs.h>

#include "lemona/base/time.h"

/* The kernel's reports of names, and which call each of them is taken for. */

static void report_to(struct fixture *f, uint32_t change, uint64_t dir, const char *name,
	const char *to, uint64_t target)
{
	struct lm_name_event event = {
		.arrived_ns = lm_time_boot_ns(), .tid = f->tid, .changes = change,
		.at = { .dir_inode = dir, .dir_dev = dir ? DISK : 0, .name = lm_str_from(name) },
		.to = { .dir_inode = to ? dir : 0, .dir_dev = to ? DISK : 0,
			.name = to ? lm_str_from(to) : LM_STR_NONE },
		.target = { .inode = target, .dev = target ? DISK : 0 },
	};

	assert_int_equal(lm_identify_name(f->identify, &event), 0);
}

static void report(struct fixture *f, uint32_t change, const char *name)
{
	report_to(f, change, 3, name, NULL, 0);
}

static void test_report_without_one_change_is_refused(void **state)
{
	struct fixture *f = *state;
	struct lm_name_event event = { .tid = f->tid, .changes = LM_NAME_DIRECTORY };

	assert_int_equal(lm_identify_name(f->identify, &event), -LM_E_FORMAT);
	event.changes = LM_NAME_CREATED | LM_NAME_DELETED;
	assert_int_equal(lm_identify_name(f->identify, &event), -LM_E_FORMAT);
}

/* The report says what was done, and the claim is forgotten. */
static void test_claim_is_corrected(void **state)
{
	struct fixture *f = *state;

	report(f, LM_NAME_DELETED, "real");
	path(f, SYS_unlink, "fake", 0);
	assert_told(f,
		"+f3/fake\n"
		"+f3/real\n"
		"p1 unlink @f3/real =0 confirmed\n");
}

/* What was claimed is removed by the next call: the first one's claim is no reason to take that. */
static void test_report_of_a_later_call_is_not_taken(void **state)
{
	struct fixture *f = *state;

	report(f, LM_NAME_DELETED, "real");
	report(f, LM_NAME_DELETED, "fake");
	path(f, SYS_unlink, "fake", 0);
	path(f, SYS_unlink, "fake", 0);
	assert_told(f,
		"+f3/fake\n"
		"+f3/real\n"
		"p1 unlink @f3/real =0 confirmed\n"
		"p1 unlink @f3/fake =0 confirmed\n");
}

/* Names of one component in two directories: each call has its own. */
static void test_directory_of_the_report_counts(void **state)
{
	struct fixture *f = *state;

	report_to(f, LM_NAME_DELETED, 3, "a", NULL, 0);
	report_to(f, LM_NAME_DELETED, 2, "a", NULL, 0);
	path(f, SYS_unlink, "a", 0);
	path(f, SYS_unlink, "a", 0); /* but the kernel started in "/" */
	assert_told(f,
		"+f3/a\n"
		"p1 unlink @f3/a =0 confirmed\n"
		"+f2/a\n"
		"p1 unlink @f2/a =0 confirmed\n");
}

/* The third is equal to the first and was merged into it. */
static void test_merged_report_confirms_again(void **state)
{
	struct fixture *f = *state;

	report_to(f, LM_NAME_RENAMED, 3, "a", "b", 9);
	report_to(f, LM_NAME_RENAMED, 3, "b", "a", 9);
	paths(f, SYS_rename, "a", "b", 0, 0);
	paths(f, SYS_rename, "b", "a", 0, 0);
	forget_told(f);
	paths(f, SYS_rename, "a", "b", 0, 0);
	assert_told(f, "p1 rename f9 @f3/a @f3/b =0 confirmed\n");
}

/* Merged, or rewritten to look so: nobody can tell, so it stays a claim, and the report is kept. */
static void test_doubt_leaves_a_claim(void **state)
{
	struct fixture *f = *state;

	report_to(f, LM_NAME_RENAMED, 3, "a", "b", 9);
	report_to(f, LM_NAME_RENAMED, 3, "c", "d", 8);
	paths(f, SYS_rename, "a", "b", 0, 0);
	forget_told(f);
	paths(f, SYS_rename, "a", "b", 0, 0);
	paths(f, SYS_rename, "c", "d", 0, 0);
	assert_told(f,
		"p1 rename @f3/a @f3/b =0 claimed\n"
		"+f3/c\n"
		"+f3/d\n"
		"+f8 0 gen=0 partial\n"
		"p1 rename f8 @f3/c @f3/d =0 confirmed\n");
}

/* An exchange is reported both ways, by one call. */
static void test_exchange_takes_both_reports(void **state)
{
	struct fixture *f = *state;

	report_to(f, LM_NAME_RENAMED, 3, "a", "b", 9);
	report_to(f, LM_NAME_RENAMED, 3, "b", "a", 8);
	report_to(f, LM_NAME_RENAMED, 3, "real", "to", 7);
	paths(f, SYS_renameat2, "a", "b", RENAME_EXCHANGE, 0);
	forget_told(f);
	paths(f, SYS_rename, "fake", "to", 0, 0);
	assert_told(f,
		"+f3/fake\n"
		"+f3/to\n"
		"+f3/real\n"
		"+f7 0 gen=0 partial\n"
		"p1 rename f7 @f3/real @f3/to =0 confirmed\n");
}

/* A report that was left by a call which was lost is nobody's. */
static void test_report_of_a_lost_call_is_not_taken(void **state)
{
	struct fixture *f = *state;

	report(f, LM_NAME_DELETED, "lost");
	report(f, LM_NAME_DELETED, "a");
	gap(f, 1, LM_RAW_GAP_FULL);
	path(f, SYS_unlink, "a", 0);
	assert_told(f,
		"gap full 1\n"
		"+f3/a\n"
		"p1 unlink @f3/a =0 confirmed\n");
}

/* Read between the change and the end of the thread's very first call. */
static void test_report_may_come_before_the_end_of_the_first_call(void **state)
{
	struct fixture *f = *state;

	report(f, LM_NAME_DELETED, "a");
	f->now_ns = lm_time_boot_ns() + LM_NS_PER_MS;
	path(f, SYS_unlink, "a", 0);
	assert_told(f,
		"+f3/a\n"
		"p1 unlink @f3/a =0 confirmed\n");
}

/* The thread that it was of has ended since. */
static void test_report_of_an_ended_thread_is_not_taken(void **state)
{
	struct fixture *f = *state;

	clone_thread(f, 5);
	as_thread(f, 1, 5);
	path(f, SYS_unlink, "before", 0);
	report(f, LM_NAME_DELETED, "a");
	f->now_ns = lm_time_boot_ns() + LM_NS_PER_MS;
	exit_thread(f, 0, false);
	as_thread(f, 1, 1);
	clone_thread(f, 5);
	as_thread(f, 1, 5);
	forget_told(f);
	path(f, SYS_unlink, "b", 0);
	assert_told(f,
		"+f3/b\n"
		"p1:5 unlink @f3/b =0 claimed\n");
}

/* Neither we nor the kernel could read the path any more when the call ended. */
static void test_unread_path_is_told_by_the_report(void **state)
{
	struct fixture *f = *state;
	struct lm_raw_path unread = { .start_inode = 3, .start_dev = DISK, .start_mode = S_IFDIR };

	report(f, LM_NAME_DELETED, "real");
	assert_int_equal(feed(f, &unread, LM_RAW_PATH, SYS_unlink, sizeof(unread),
				 LM_RAW_PARTIAL),
		0);
	assert_told(f,
		"+f3/real\n"
		"p1 unlink @f3/real =0 confirmed partial\n");
}

/* Handles that cannot be read: which directory it was is still only claimed. */
static void test_unread_directory_stays_claimed(void **state)
{
	struct fixture *f = *state;

	report_to(f, LM_NAME_DELETED, 0, "a", NULL, 0);
	path(f, SYS_unlink, "a", 0);
	assert_told(f,
		"+f3/a\n"
		"p1 unlink @f3/a =0 claimed confirmed\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(report_without_one_change_is_refused),
		TEST(claim_is_corrected),
		TEST(report_of_a_later_call_is_not_taken),
		TEST(directory_of_the_report_counts),
		TEST(merged_report_confirms_again),
		TEST(doubt_leaves_a_claim),
		TEST(exchange_takes_both_reports),
		TEST(report_of_a_lost_call_is_not_taken),
		TEST(report_may_come_before_the_end_of_the_first_call),
		TEST(report_of_an_ended_thread_is_not_taken),
		TEST(unread_path_is_told_by_the_report),
		TEST(unread_directory_stays_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

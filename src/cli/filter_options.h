/* SPDX-License-Identifier: MIT */
#pragma once

#include "cli.h"
#include "lemona/event/filter.h"

/* The options that say which events are wanted, for every command that takes them. */
enum {
	LM_OPTION_SINCE = 512,
	LM_OPTION_UNTIL,
	LM_OPTION_PID,
	LM_OPTION_TID,
	LM_OPTION_UID,
	LM_OPTION_SESSION,
	LM_OPTION_CONTAINER,
	LM_OPTION_EXE,
	LM_OPTION_PATH,
	LM_OPTION_ADDRESS,
	LM_OPTION_OP,
	LM_OPTION_RESULT,
};

#define LM_FILTER_OPTIONS                                             \
	{ "since", required_argument, NULL, LM_OPTION_SINCE },         \
	{ "until", required_argument, NULL, LM_OPTION_UNTIL },         \
	{ "pid", required_argument, NULL, LM_OPTION_PID },             \
	{ "tid", required_argument, NULL, LM_OPTION_TID },             \
	{ "uid", required_argument, NULL, LM_OPTION_UID },             \
	{ "session", required_argument, NULL, LM_OPTION_SESSION },     \
	{ "container", required_argument, NULL, LM_OPTION_CONTAINER }, \
	{ "exe", required_argument, NULL, LM_OPTION_EXE },             \
	{ "path", required_argument, NULL, LM_OPTION_PATH },           \
	{ "address", required_argument, NULL, LM_OPTION_ADDRESS },     \
	{ "op", required_argument, NULL, LM_OPTION_OP },               \
	{ "result", required_argument, NULL, LM_OPTION_RESULT }

#define LM_FILTER_HELP \
	"      --since T        only what ended at or after T: RFC 3339, or a span before\n" \
	"                       now such as -5m\n" \
	"      --until T        only what ended at or before T\n" \
	"      --pid N          only events of process N\n" \
	"      --tid N          only events of thread N\n" \
	"      --uid N          only of processes whose real or effective user is N\n" \
	"      --session N      only of processes of login N\n" \
	"      --container ID   only of processes in a container whose id begins with ID\n" \
	"      --exe PATH       only events of processes that run PATH; without a slash,\n" \
	"                       the last component is compared\n" \
	"      --path PATH      only events on PATH; with a slash at its end, on all below it\n" \
	"      --address ADDR   only events on sockets with ADDR at either end: an IP\n" \
	"                       address with /BITS and :PORT if wanted, :PORT, or a unix path\n" \
	"      --op NAME,...    only these operations: open, read, write, exec, ...\n" \
	"      --result R,...   only what came to this: ok, failed, or errors such as EACCES\n"

/**
 * Take one option with its value from optarg, which the filter borrows.
 *
 * @return 1; 0: it is none of these; -EINVAL after having said what is wrong
 */
int lm_cli_filter_option(const char *command, int option, struct lm_event_filter *filter);

/** A decimal value of an option from optarg. @return 0; -EINVAL after having said what is wrong */
int lm_cli_number_option(const char *command, const char *name, uint64_t min, uint64_t max,
			 uint64_t *ret_number);

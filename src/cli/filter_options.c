/* SPDX-License-Identifier: MIT */
#include "filter_options.h"

#include <inttypes.h>
#include <string.h>

#define WORD_BYTES 32

int lm_cli_number_option(const char *command, const char *name, uint64_t min, uint64_t max,
	uint64_t *ret_number)
{
	uint64_t number = 0;

	if (lm_cli_parse_u64(optarg, &number) < 0 || number < min || number > max) {
		lm_cli_usage(command, "%s wants a number from %" PRIu64 " on, not %s", name, min,
			optarg);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

/* @return 1; -EINVAL after having said what is wrong */
static int added(const char *command, const char *name, int r)
{
	if (r < 0)
		lm_cli_usage(command, "%s was given more than %u times", name,
			LM_FILTER_VALUES_MAX);
	return r < 0 ? -EINVAL : 1;
}

static int add_number(const char *command, const char *name, uint64_t min,
	struct lm_filter_numbers *numbers)
{
	uint64_t number = 0;
	/* UINT32_MAX is how the kernel writes that there is no user, and no login. */
	uint64_t max = min ? UINT32_MAX : UINT32_MAX - 1;
	int r = lm_cli_number_option(command, name, min, max, &number);

	return r < 0 ? r : added(command, name, lm_filter_numbers_add(numbers, (uint32_t)number));
}

static int add_address(const char *command, struct lm_event_filter *filter)
{
	if (filter->address_count == LM_FILTER_VALUES_MAX)
		return added(command, "--address", -E2BIG);
	if (lm_address_range_parse(optarg, &filter->addresses[filter->address_count]) < 0) {
		lm_cli_usage(command, "%s is no address: 10.0.0.1, 10.0.0.0/8, 10.0.0.1:22, "
			"[::1]:22, :22, /run/x.sock and @x are", optarg);
		return -EINVAL;
	}
	filter->address_count++;
	return 1;
}

static int take_op(const char *command, const char *word, struct lm_event_filter *filter)
{
	enum lm_op op = lm_op_from_name(word);

	if (op == LM_OP_NONE || op > LM_OP_MAX) {
		lm_cli_usage(command, "there is no operation %s", word);
		return -EINVAL;
	}
	filter->some_ops = filter->ops[op] = true;
	return 0;
}

static int take_result(const char *command, const char *word, struct lm_event_filter *filter)
{
	bool *flag = strcmp(word, "ok") == 0 ? &filter->succeeded :
		strcmp(word, "failed") == 0  ? &filter->failed :
					       NULL;
	int error = lm_error_from_name(word);

	filter->some_results = true;
	if (flag) {
		*flag = true;
		return 0;
	}
	if (error)
		return added(command, "--result",
			lm_filter_numbers_add(&filter->errors, (uint32_t)error));
	lm_cli_usage(command, "there is no result %s: ok, failed, or the name of an error such as "
		"EACCES", word);
	return -EINVAL;
}

/* "A,B,C". @return 1; -EINVAL */
static int each_word(const char *command, struct lm_event_filter *filter,
	int (*take)(const char *command, const char *word, struct lm_event_filter *filter))
{
	for (const char *at = optarg;;) {
		size_t len = strcspn(at, ",");
		char word[WORD_BYTES];

		if (len >= sizeof(word)) {
			lm_cli_usage(command, "%.*s is too long for a word", (int)len, at);
			return -EINVAL;
		}
		memcpy(word, at, len);
		word[len] = '\0';
		int r = take(command, word, filter);

		if (r < 0)
			return r;
		if (!at[len])
			return 1;
		at += len + 1;
	}
}

/* @return 1; -EINVAL */
static int take_time(const char *command, uint64_t *ret_wall_ns)
{
	return lm_cli_parse_time(command, optarg, ret_wall_ns) < 0 ? -EINVAL : 1;
}

int lm_cli_filter_option(const char *command, int option, struct lm_event_filter *filter)
{
	switch (option) {
	case LM_OPTION_SINCE:
		return take_time(command, &filter->since_wall_ns);
	case LM_OPTION_UNTIL:
		return take_time(command, &filter->until_wall_ns);
	case LM_OPTION_PID:
		return add_number(command, "--pid", 1, &filter->pids);
	case LM_OPTION_TID:
		return add_number(command, "--tid", 1, &filter->tids);
	case LM_OPTION_UID:
		return add_number(command, "--uid", 0, &filter->uids);
	case LM_OPTION_SESSION:
		return add_number(command, "--session", 0, &filter->sessions);
	case LM_OPTION_CONTAINER:
		return added(command, "--container",
			lm_filter_words_add(&filter->containers, optarg));
	case LM_OPTION_EXE:
		return added(command, "--exe", lm_filter_words_add(&filter->exes, optarg));
	case LM_OPTION_PATH:
		return added(command, "--path", lm_filter_words_add(&filter->paths, optarg));
	case LM_OPTION_ADDRESS:
		return add_address(command, filter);
	case LM_OPTION_OP:
		return each_word(command, filter, take_op);
	case LM_OPTION_RESULT:
		return each_word(command, filter, take_result);
	default:
		return 0;
	}
}

/* SPDX-License-Identifier: MIT */
#include "lemona/base/error.h"

#include <string.h>

const char *lm_strerror(int code)
{
	const char *text;

	switch (code < 0 ? -code : code) {
	case 0:
		return "no error";
	case LM_E_FORMAT:
		return "not in the expected format";
	case LM_E_DAMAGED:
		return "damaged";
	case LM_E_TRUNCATED:
		return "truncated";
	case LM_E_VERSION:
		return "written by a newer, incompatible version";
	case LM_E_EMPTY:
		return "empty";
	case LM_E_NOMATCH:
		return "no match";
	case LM_E_UNSIGNED:
		return "not signed to its end";
	case LM_E_POISONED:
		return "unusable after an earlier failure";
	case LM_E_WRONG_KEY:
		return "signed with a wrong key";
	}
	text = strerrordesc_np(code < 0 ? -code : code);
	return text ? text : "unknown error";
}

enum lm_exit lm_exit_code(int code)
{
	if (code >= 0)
		return LM_EXIT_OK;
	switch (-code) {
	case EINVAL:
		return LM_EXIT_USAGE;
	case LM_E_FORMAT:
	case LM_E_DAMAGED:
	case LM_E_TRUNCATED:
	case LM_E_EMPTY:
	case LM_E_WRONG_KEY:
		return LM_EXIT_DAMAGED;
	}
	return LM_EXIT_FAILURE;
}

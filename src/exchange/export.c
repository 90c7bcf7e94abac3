/* SPDX-License-Identifier: MIT */
#include "lemona/exchange/export.h"

#include <errno.h>
#include <string.h>

static const char *const format_names[LM_EXPORT_FORMATS] = {
	[LM_EXPORT_TIMESKETCH] = "timesketch",
	[LM_EXPORT_ECS] = "ecs",
	[LM_EXPORT_OCSF] = "ocsf",
	[LM_EXPORT_PERFETTO] = "perfetto",
};

const char *lm_export_format_name(enum lm_export_format format)
{
	return (unsigned int)format < LM_EXPORT_FORMATS ? format_names[format] : NULL;
}

int lm_export_format_from_name(const char *name, enum lm_export_format *ret_format)
{
	for (unsigned int i = 0; i < LM_EXPORT_FORMATS; i++) {
		if (strcmp(format_names[i], name) == 0) {
			*ret_format = (enum lm_export_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

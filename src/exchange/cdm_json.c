/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cdm.h"
#include "text.h"

#define UUID_DIGITS 32
#define HALF_DIGITS 16

/* Names of types, as Avro puts them around values that might be null. */
static bool is_wrapper(const char *key)
{
	static const char *const types[] = {
		"string", "int", "long", "map", "array", "bytes", "boolean",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(key, types[i]) == 0)
			return true;
	return strncmp(key, "com.bbn.tc.schema.avro.", strlen("com.bbn.tc.schema.avro.")) == 0;
}

json_t *cdm_get(const json_t *record, const char *key)
{
	json_t *value = json_object_get(record, key);

	if (json_object_size(value) == 1) {
		void *only = json_object_iter(value);

		if (is_wrapper(json_object_iter_key(only)))
			value = json_object_iter_value(only);
	}
	return json_is_null(value) ? NULL : value;
}

static struct lm_str text_of(const json_t *value)
{
	size_t len = json_string_length(value);

	return len == 0 ? LM_STR_NONE :
		(struct lm_str){ json_string_value(value),
			(uint32_t)(len < LM_NAME_MAX_BYTES ? len : LM_NAME_MAX_BYTES) };
}

struct lm_str cdm_text(const json_t *record, const char *key)
{
	return text_of(cdm_get(record, key));
}

struct lm_str cdm_property(const json_t *record, const char *const *keys)
{
	const json_t *properties = cdm_get(record, "properties");
	struct lm_str text = LM_STR_NONE;

	for (size_t i = 0; keys[i] && text.len == 0; i++)
		text = text_of(json_object_get(properties, keys[i]));
	return text;
}

bool cdm_number(const json_t *record, const char *key, int64_t low, int64_t high,
	int64_t *ret_number)
{
	const json_t *value = cdm_get(record, key);
	int64_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < low || number > high)
		return false;
	*ret_number = number;
	return true;
}

int cdm_uuid(const json_t *record, const char *key, struct cdm_uuid *ret_uuid)
{
	const json_t *value = cdm_get(record, key);
	struct lm_str text = text_of(value);
	char digits[UUID_DIGITS];
	struct cdm_uuid uuid;
	size_t count = 0;

	if (!value)
		return 0;
	for (uint32_t i = 0; i < text.len; i++) {
		if (text.data[i] == '-')
			continue;
		if (count == UUID_DIGITS)
			return -EBADMSG;
		digits[count++] = text.data[i];
	}
	if (count != UUID_DIGITS)
		return -EBADMSG;
	struct lm_str high = { digits, HALF_DIGITS }, low = { digits + HALF_DIGITS, HALF_DIGITS };

	/* "0x" would be taken for what stands before a number. */
	if (memchr(digits, 'x', UUID_DIGITS) || !text_take_u64(&high, 16, &uuid.high) ||
		!text_take_u64(&low, 16, &uuid.low) || high.len || low.len)
		return -EBADMSG;
	/* Producers write zeros where they mean none. */
	if (!uuid.high && !uuid.low)
		return 0;
	*ret_uuid = uuid;
	return 1;
}

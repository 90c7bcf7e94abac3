/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lemona/base/base64.h"
#include "lemona/base/error.h"

/* RFC 4648, section 10, and the two characters that other alphabets have not. */
static const struct {
	const char *bytes, *text;
} examples[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xef\xbf", "+++/" },
};

static void test_examples(void **state)
{
	for (size_t i = 0; i < LM_ARRAY_SIZE(examples); i++) {
		LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
		struct lm_str want = lm_str_from(examples[i].text);
		uint8_t bytes[8];
		size_t len = 99;

		lm_buffer_append_base64(&text, examples[i].bytes, strlen(examples[i].bytes));
		assert_int_equal(lm_buffer_status(&text), 0);
		assert_int_equal(text.len, want.len);
		assert_int_equal(text.len, LM_BASE64_CHARS(strlen(examples[i].bytes)));
		if (want.len > 0)
			assert_memory_equal(text.data, want.data, want.len);
		assert_int_equal(lm_base64_decode(want, bytes, sizeof(bytes), &len), 0);
		assert_int_equal(len, strlen(examples[i].bytes));
		assert_memory_equal(bytes, examples[i].bytes, len);
	}
}

static void test_all_bytes(void **state)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	uint8_t bytes[256], back[256];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	lm_buffer_append_base64(&text, bytes, sizeof(bytes));
	assert_int_equal(lm_base64_decode((struct lm_str){ (char *)text.data, (uint32_t)text.len },
				 back, sizeof(back), &len),
		0);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(back, bytes, len);
}

/* What would be read as bytes that have another text already. */
static void test_second_texts(void **state)
{
	static const char *const texts[] = { "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8", "=",
		"====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm9\n", " Zm9", "Zm-_", "Zm9v====", "Z=9v",
		"Zm=v" };
	uint8_t bytes[16];
	size_t len = 99;

	for (size_t i = 0; i < LM_ARRAY_SIZE(texts); i++)
		assert_int_equal(
			lm_base64_decode(lm_str_from(texts[i]), bytes, sizeof(bytes), &len),
			-LM_E_FORMAT);
	assert_int_equal(lm_base64_decode(LM_STR("Zm9vYg=="), bytes, 3, &len), -EMSGSIZE);
	assert_int_equal(len, 99);
	assert_int_equal(lm_base64_decode(LM_STR("Zm9vYg=="), bytes, 4, &len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_all_bytes),
		cmocka_unit_test(test_second_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

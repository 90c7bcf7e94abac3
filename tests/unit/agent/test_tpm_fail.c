/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tpm_internal.h"

/* What a TPM answers, with and without the number of the session that it is about. */
static void test_codes(void **state)
{
	static const struct {
		TSS2_RC rc;
		int code;
		const char *text;
	} cases[] = {
		{ TPM2_RC_BAD_AUTH, -EACCES, "has a password" },
		{ TPM2_RC_AUTH_FAIL + TPM2_RC_S + TPM2_RC_1, -EACCES, "has a password" },
		{ TPM2_RC_POLICY_FAIL, -EKEYREJECTED, "the PCRs are not what they were" },
		{ TPM2_RC_POLICY_FAIL + TPM2_RC_S + TPM2_RC_1, -EKEYREJECTED, "the PCRs are not" },
		{ TPM2_RC_PCR_CHANGED, -EKEYREJECTED, "the PCRs are not what they were" },
		{ TPM2_RC_LOCKOUT, -EBUSY, "is locked" },
		{ TPM2_RC_NV_SPACE, -ENOSPC, "has no room" },
		{ TPM2_RC_FAILURE, -EIO, "cannot sing: " },
		{ TSS2_TCTI_RC_IO_ERROR, -EIO, "cannot sing: " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lm_diag diag = LM_DIAG_INIT;

		assert_int_equal(tpm_fail(&diag, cases[i].rc, "sing"), cases[i].code);
		if (!strstr(diag.text, cases[i].text))
			fail_msg("%s", diag.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

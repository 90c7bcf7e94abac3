/* SPDX-License-Identifier: MIT */
#include "lemona/event/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define IP4_BITS 32u
#define IP6_BITS 128u

bool lm_address_is_inet(const struct lm_address *address)
{
	return address->family == LM_AF_INET || address->family == LM_AF_INET6;
}

struct lm_address lm_address_plain(const struct lm_address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct lm_address plain = { .family = address->family, .port = address->port };

	if (address->family == LM_AF_INET) {
		memcpy(plain.ip, address->ip, 4);
	} else if (memcmp(address->ip, mapped, sizeof(mapped)) == 0) {
		plain.family = LM_AF_INET;
		memcpy(plain.ip, address->ip + sizeof(mapped), 4);
	} else {
		memcpy(plain.ip, address->ip, 16);
	}
	return plain;
}

/* A decimal number up to `max`, to the first byte that is no digit. @return 0; -EINVAL */
static int read_number(const char **text, uint32_t max, uint32_t *ret_number)
{
	const char *at = *text;
	uint32_t number = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (uint32_t)(*at - '0');
		if (number > max)
			return -EINVAL;
	}
	if (at == *text)
		return -EINVAL;
	*text = at;
	*ret_number = number;
	return 0;
}

static int read_ip(const char *text, size_t len, uint16_t family, struct lm_address_range *range)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	if (inet_pton(family == LM_AF_INET ? AF_INET : AF_INET6, host, range->address.ip) != 1)
		return -EINVAL;
	range->address.family = family;
	range->bits = family == LM_AF_INET ? IP4_BITS : IP6_BITS;
	return 0;
}

/* What stands before "/BITS" and ":PORT", and where they begin. @return 0; -EINVAL */
static int read_host(const char *text, struct lm_address_range *range, const char **ret_rest)
{
	size_t len = strcspn(text, "/");

	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		*ret_rest = end ? end + 1 : text;
		return end ? read_ip(text + 1, (size_t)(end - text - 1), LM_AF_INET6, range) :
			-EINVAL;
	}
	if (read_ip(text, len, LM_AF_INET6, range) == 0) {
		*ret_rest = text + len;
		return 0;
	}
	len = strcspn(text, "/:");
	*ret_rest = text + len;
	/* Of ":22" only the port counts. */
	return len ? read_ip(text, len, LM_AF_INET, range) : text[0] == ':' ? 0 : -EINVAL;
}

static int read_inet(const char *text, struct lm_address_range *range)
{
	const char *rest = text;
	uint32_t number = 0;
	int r = read_host(text, range, &rest);

	if (r == 0 && *rest == '/' && range->bits) {
		rest++;
		r = read_number(&rest, range->bits, &range->bits);
	}
	range->any_port = true;
	if (r == 0 && *rest == ':') {
		rest++;
		r = read_number(&rest, UINT16_MAX, &number);
		range->address.port = (uint16_t)number;
		range->any_port = false;
	}
	return r == 0 && *rest ? -EINVAL : r;
}

int lm_address_range_parse(const char *text, struct lm_address_range *ret_range)
{
	struct lm_address_range range = { .address = { .family = LM_AF_NONE } };

	if (text[0] == '/' || (text[0] == '@' && text[1])) {
		range.address.family = LM_AF_UNIX;
		range.address.path = lm_str_from(text);
	} else {
		int r = read_inet(text, &range);

		if (r < 0)
			return r;
		if (range.address.family == LM_AF_INET6) {
			const struct lm_address address = lm_address_plain(&range.address);

			/* "::ffff:10.0.0.0/104" is "10.0.0.0/8". */
			if (address.family == LM_AF_INET)
				range.bits = range.bits > IP6_BITS - IP4_BITS ?
					range.bits - (IP6_BITS - IP4_BITS) : 0;
			range.address = address;
		}
	}
	*ret_range = range;
	return 0;
}

static bool shares_bits(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (!rest || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

bool lm_address_range_has(const struct lm_address_range *range, const struct lm_address *address)
{
	if (range->address.family == LM_AF_UNIX)
		return address->family == LM_AF_UNIX &&
		       lm_str_equal(range->address.path, address->path);
	if (!lm_address_is_inet(address) ||
	    (!range->any_port && address->port != range->address.port))
		return false;
	if (range->address.family == LM_AF_NONE)
		return true;
	const struct lm_address have = lm_address_plain(address);

	return have.family == range->address.family &&
	       shares_bits(have.ip, range->address.ip, range->bits);
}

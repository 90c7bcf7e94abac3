/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>


/* An abstract name begins with a zero byte, where objects have "@". */
static struct lm_str unix_path(struct lm_str bytes)
{
	static _Thread_local char abstract[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	const char *end;

	if (!bytes.len)
		return LM_STR_NONE;
	if (*bytes.data) {
		end = memchr(bytes.data, '\0', bytes.len);
		if (end)
			bytes.len = (uint32_t)(end - bytes.data);
		return bytes;
	}
	if (bytes.len > sizeof(abstract))
		bytes.len = sizeof(abstract);
	memcpy(abstract, bytes.data, bytes.len);
	abstract[0] = '@';
	/* auditd pads what it tells. */
	while (bytes.len > 1 && !abstract[bytes.len - 1])
		bytes.len--;
	return (struct lm_str){ abstract, bytes.len };
}

bool address_from_bytes(struct lm_str bytes, struct lm_address *ret_address)
{
	struct lm_address address = { 0 };
	uint16_t port;

	if (bytes.len < sizeof(address.family))
		return false;
	memcpy(&address.family, bytes.data, sizeof(address.family));
	bytes.data += sizeof(address.family);
	bytes.len -= sizeof(address.family);
	if (address.family == LM_AF_UNIX) {
		address.path = unix_path(bytes);
	} else if (address.family == LM_AF_INET && bytes.len >= sizeof(port) + 4) {
		memcpy(&port, bytes.data, sizeof(port));
		memcpy(address.ip, bytes.data + sizeof(port), 4);
		address.port = ntohs(port);
	} else if (address.family == LM_AF_INET6 && bytes.len >= sizeof(port) + 4 + 16) {
		memcpy(&port, bytes.data, sizeof(port));
		memcpy(address.ip, bytes.data + sizeof(port) + 4, 16);
		address.port = ntohs(port);
	} else {
		return false;
	}
	*ret_address = address;
	return true;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "journal.h"
#include "text.h"

#define NAME_MAX_BYTES  64u   /* of a field, as the journal has it */
#define VALUE_MAX_BYTES 8192u /* more than any object of a log takes: what is cut shows */
#define NS_PER_US       1000u
#define FACILITY_MAX    23u
#define SEVERITY_MAX    7u

enum journal_field journal_field_of(struct lm_str name)
{
	static const char *const names[JOURNAL_FIELDS] = {
		[JOURNAL_TIME] = "__REALTIME_TIMESTAMP",
		[JOURNAL_SOURCE_TIME] = "_SOURCE_REALTIME_TIMESTAMP",
		[JOURNAL_BOOT] = "_BOOT_ID",
		[JOURNAL_MACHINE] = "_MACHINE_ID",
		[JOURNAL_HOST] = "_HOSTNAME",
		[JOURNAL_MESSAGE] = "MESSAGE",
		[JOURNAL_PRIORITY] = "PRIORITY",
		[JOURNAL_FACILITY] = "SYSLOG_FACILITY",
		[JOURNAL_IDENTIFIER] = "SYSLOG_IDENTIFIER",
		[JOURNAL_CLAIMED_PID] = "SYSLOG_PID",
		[JOURNAL_PID] = "_PID",
		[JOURNAL_UID] = "_UID",
		[JOURNAL_GID] = "_GID",
		[JOURNAL_COMM] = "_COMM",
		[JOURNAL_EXE] = "_EXE",
		[JOURNAL_COMMAND] = "_CMDLINE",
		[JOURNAL_CGROUP] = "_SYSTEMD_CGROUP",
		[JOURNAL_UNIT] = "_SYSTEMD_UNIT",
	};

	for (int i = 0; i < JOURNAL_FIELDS; i++)
		if (lm_str_equal(name, lm_str_from(names[i])))
			return (enum journal_field)i;
	return JOURNAL_FIELDS;
}

bool journal_is_name(struct lm_str name)
{
	if (name.len == 0 || name.len > NAME_MAX_BYTES)
		return false;
	for (uint32_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return true;
}

void journal_reset(struct journal_entry *entry)
{
	lm_buffer_reset(&entry->text);
	memset(entry->fields, 0, sizeof(entry->fields));
	entry->begun = entry->broken = false;
}

void journal_set(struct journal_entry *entry, enum journal_field field, struct lm_str value)
{
	if (field == JOURNAL_FIELDS || entry->fields[field].set)
		return;
	if (value.len > VALUE_MAX_BYTES)
		value.len = VALUE_MAX_BYTES;
	entry->fields[field].set = true;
	entry->fields[field].at = (uint32_t)entry->text.len;
	entry->fields[field].len = value.len;
	lm_buffer_append_str(&entry->text, value);
}

/* Bytes that are no UTF-8 are told as an array of numbers. @return false: it is something else */
static bool take_bytes(const json_t *array, struct lm_buffer *to)
{
	size_t index;
	const json_t *byte;

	json_array_foreach(array, index, byte) {
		json_int_t value = json_integer_value(byte);

		if (!json_is_integer(byte) || value < 0 || value > UINT8_MAX)
			return false;
		lm_buffer_append_byte(to, (uint8_t)value);
	}
	return true;
}

static int set_json(struct journal_entry *entry, enum journal_field field, const json_t *value)
{
	LM_BUFFER struct lm_buffer bytes = LM_BUFFER_INIT;
	const json_t *first = json_array_get(value, 0);

	/* Several fields of one name are an array of what each would be. */
	if (json_is_string(first) || json_is_array(first))
		value = first;
	if (json_is_null(value) || json_is_null(first))
		return 0; /* too large to be told */
	if (json_is_string(value)) {
		journal_set(entry, field, (struct lm_str){ json_string_value(value),
			(uint32_t)json_string_length(value) });
		return 0;
	}
	if (!json_is_array(value) || !take_bytes(value, &bytes))
		return -EBADMSG;
	if (lm_buffer_status(&bytes) < 0)
		return -ENOMEM;
	journal_set(entry, field, (struct lm_str){ (const char *)bytes.data, (uint32_t)bytes.len });
	return 0;
}

int journal_read_json(struct journal_entry *entry, struct lm_str line)
{
	json_error_t error;
	json_t *object = json_loadb(line.data, line.len, JSON_ALLOW_NUL, &error), *value;
	const char *name;
	int r = json_is_object(object) ? 0 : -EBADMSG;

	if (r == 0) {
		json_object_foreach(object, name, value) {
			enum journal_field field = journal_field_of(lm_str_from(name));

			if (r == 0 && field != JOURNAL_FIELDS)
				r = set_json(entry, field, value);
		}
	}
	json_decref(object);
	return r;
}

/* A number that is all of the field. */
static bool take_number(const struct journal_entry *entry, enum journal_field field, uint64_t most,
	uint64_t *ret_number)
{
	struct lm_str text = journal_value(entry, field);
	uint64_t number;

	if (!text_take_u64(&text, 10, &number) || text.len || number > most)
		return false;
	*ret_number = number;
	return true;
}

static uint16_t priority_of(const struct journal_entry *entry)
{
	uint64_t severity, facility = 0;

	if (!take_number(entry, JOURNAL_PRIORITY, SEVERITY_MAX, &severity))
		return 0;
	take_number(entry, JOURNAL_FACILITY, FACILITY_MAX, &facility);
	return (uint16_t)(LM_MESSAGE_PRIORITY | facility << 3 | severity);
}

int journal_message(const struct journal_entry *entry, struct message *ret_message)
{
	struct message message = {
		.priority = priority_of(entry), .tag = journal_value(entry, JOURNAL_IDENTIFIER),
		.text = journal_value(entry, JOURNAL_MESSAGE),
		.comm = journal_value(entry, JOURNAL_COMM),
		.exe = journal_value(entry, JOURNAL_EXE),
		.command = journal_value(entry, JOURNAL_COMMAND),
		.cgroup = journal_value(entry, JOURNAL_CGROUP),
	};
	uint64_t time_us, pid = 0, uid, gid;

	if (!take_number(entry, JOURNAL_TIME, INT64_MAX / NS_PER_US, &time_us))
		return -EBADMSG;
	message.time_ns = time_us * NS_PER_US;
	if (take_number(entry, JOURNAL_SOURCE_TIME, INT64_MAX / NS_PER_US, &time_us))
		message.begin_ns = time_us * NS_PER_US;
	if (!take_number(entry, JOURNAL_PID, INT32_MAX, &pid))
		take_number(entry, JOURNAL_CLAIMED_PID, INT32_MAX, &pid);
	message.pid = (uint32_t)pid;
	if (take_number(entry, JOURNAL_UID, UINT32_MAX, &uid) &&
		take_number(entry, JOURNAL_GID, UINT32_MAX, &gid)) {
		message.has_ids = true;
		message.uid = (uint32_t)uid;
		message.gid = (uint32_t)gid;
	}
	if (!message.cgroup.len)
		message.cgroup = journal_value(entry, JOURNAL_UNIT);
	if (!message.tag.len)
		message.tag = message.comm;
	*ret_message = message;
	return 0;
}

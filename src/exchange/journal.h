/* SPDX-License-Identifier: MIT */
#pragma once

#include "message.h"

/* What is used of an entry of systemd's journal: systemd.journal-fields(7). */
enum journal_field {
	JOURNAL_TIME,        /* __REALTIME_TIMESTAMP: when it was written, microseconds */
	JOURNAL_SOURCE_TIME, /* _SOURCE_REALTIME_TIMESTAMP: when it was said */
	JOURNAL_BOOT,
	JOURNAL_MACHINE,
	JOURNAL_HOST,
	JOURNAL_MESSAGE,
	JOURNAL_PRIORITY,
	JOURNAL_FACILITY,
	JOURNAL_IDENTIFIER,
	JOURNAL_CLAIMED_PID, /* SYSLOG_PID: as its program says */
	JOURNAL_PID,         /* _PID: as the kernel says */
	JOURNAL_UID,
	JOURNAL_GID,
	JOURNAL_COMM,
	JOURNAL_EXE,
	JOURNAL_COMMAND,
	JOURNAL_CGROUP,
	JOURNAL_UNIT,
	JOURNAL_FIELDS,
};

struct journal_entry {
	struct lm_buffer text; /* the values, back to back */
	struct {
		uint32_t at, len;
		bool set;
	} fields[JOURNAL_FIELDS];
	bool begun;  /* it has a field, known or not */
	bool broken; /* part of it is malformed */
};

/** The field of that name; JOURNAL_FIELDS: none that is used. */
enum journal_field journal_field_of(struct lm_str name);
/** A name that the journal would take. */
bool journal_is_name(struct lm_str name);
/** Set a field; of several of one name the first one counts, and of that a bounded part. */
void journal_set(struct journal_entry *entry, enum journal_field field, struct lm_str value);
void journal_reset(struct journal_entry *entry);

static inline struct lm_str journal_value(const struct journal_entry *entry,
	enum journal_field field)
{
	return entry->fields[field].len ? (struct lm_str){
		(const char *)entry->text.data + entry->fields[field].at,
		entry->fields[field].len } : LM_STR_NONE;
}

/** An entry of `journalctl -o json`. @return 0; -EBADMSG: it is none */
int journal_read_json(struct journal_entry *entry, struct lm_str line);
/** What an entry says. @return 0; -EBADMSG: it has no time */
int journal_message(const struct journal_entry *entry, struct message *ret_message);

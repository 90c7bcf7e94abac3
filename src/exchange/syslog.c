/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lemona/base/time.h"
#include "message.h"
#include "text.h"

/*
 * The system's log as text, in the forms that its daemons write:
 *   [<PRI>]Mmm dd hh:mm:ss HOST TAG[PID]: TEXT            RFC 3164
 *   [<PRI>]YYYY-MM-DDThh:mm:ss.ffffff+hh:mm HOST TAG...   the same with a whole time
 *   <PRI>1 TIME HOST TAG PID MSGID DATA TEXT              RFC 5424
 *
 * RFC 3164 has neither year nor zone. The zone is that of whoever imports. The year is the latest
 * one that makes the first such line no later than the day after the file was changed; it goes on
 * by one where a line is more than half a year before the one before it.
 */
#define PRI_MAX 191u /* 23 facilities, 7 severities */
#define DAY_S 86400
#define HALF_YEAR_S (183 * DAY_S)

struct syslog {
	struct message_run *run;
	struct lm_buffer line; /* that `message` borrows from */
	struct message message;
	uint64_t number;
	int year;        /* of the last line without one; 0: there was none */
	time_t last_s;   /* of that line */
};

/* Both digits of a field, at most two of them. */
static bool take_two(struct lm_str *text, int low, int high, int *ret_value)
{
	struct lm_str left = *text;
	uint64_t value;

	if (!text_take_u64(&left, 10, &value) || text->len - left.len > 2 ||
		value < (uint64_t)low || value > (uint64_t)high)
		return false;
	*text = left;
	*ret_value = (int)value;
	return true;
}

static bool take_clock(struct lm_str *text, struct tm *tm)
{
	return take_two(text, 0, 23, &tm->tm_hour) && text_skip(text, ":") &&
		take_two(text, 0, 59, &tm->tm_min) && text_skip(text, ":") &&
		take_two(text, 0, 60, &tm->tm_sec);
}

/* ".123456": up to nine digits count. */
static uint64_t take_fraction(struct lm_str *text)
{
	uint64_t ns = 0, unit = LM_NS_PER_SEC;

	if (!text_skip(text, "."))
		return 0;
	for (; text->len && *text->data >= '0' && *text->data <= '9'; text->data++, text->len--) {
		unit /= 10;
		ns += (uint64_t)(*text->data - '0') * unit;
	}
	return ns;
}

/* "Z", "+02:00" @return false: neither */
static bool take_zone(struct lm_str *text, int64_t *ret_offset_s)
{
	bool west = text_skip(text, "-");
	int hours, minutes;

	*ret_offset_s = 0;
	if (!west && text_skip(text, "Z"))
		return true;
	if (!west && !text_skip(text, "+"))
		return false;
	if (!take_two(text, 0, 23, &hours) || !text_skip(text, ":") ||
		!take_two(text, 0, 59, &minutes))
		return false;
	*ret_offset_s = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

static bool take_whole_time(struct lm_str *text, uint64_t *ret_ns)
{
	struct lm_str left = *text;
	struct tm tm = { .tm_isdst = 0 };
	uint64_t year, fraction;
	int64_t offset_s, seconds;

	if (!text_take_u64(&left, 10, &year) || year < 1970 || year > 2261 ||
		!text_skip(&left, "-") || !take_two(&left, 1, 12, &tm.tm_mon) ||
		!text_skip(&left, "-") || !take_two(&left, 1, 31, &tm.tm_mday) ||
		!text_skip(&left, "T") || !take_clock(&left, &tm))
		return false;
	fraction = take_fraction(&left);
	if (!take_zone(&left, &offset_s) || !text_skip(&left, " "))
		return false;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon--;
	seconds = (int64_t)timegm(&tm) - offset_s;
	if (seconds < 0)
		return false;
	*ret_ns = (uint64_t)seconds * LM_NS_PER_SEC + fraction;
	*text = left;
	return true;
}

static bool take_month(struct lm_str *text, int *ret_month)
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
	};

	for (int i = 0; i < 12; i++) {
		if (text_skip(text, months[i])) {
			*ret_month = i;
			return true;
		}
	}
	return false;
}

/* In the zone of this process; the year as tm has it. */
static time_t seconds_of(const struct tm *tm, int year)
{
	struct tm whole = *tm;

	whole.tm_year = year - 1900;
	whole.tm_isdst = -1;
	return mktime(&whole);
}

/* When the file was changed last; now, where it is none. */
static time_t changed_at(const struct source *source)
{
	struct stat st;

	return source->lines.fd >= 0 && fstat(source->lines.fd, &st) == 0 && S_ISREG(st.st_mode) ?
		st.st_mtim.tv_sec : time(NULL);
}

static time_t guess_year(const struct source *source, struct syslog *syslog, const struct tm *tm)
{
	time_t seconds;

	if (!syslog->year) {
		time_t latest = changed_at(source) + DAY_S;
		struct tm end;

		syslog->year = gmtime_r(&latest, &end) ? end.tm_year + 1900 : 1970;
		if (seconds_of(tm, syslog->year) > latest)
			syslog->year--;
		return syslog->last_s = seconds_of(tm, syslog->year);
	}
	seconds = seconds_of(tm, syslog->year);
	if (seconds + HALF_YEAR_S < syslog->last_s)
		seconds = seconds_of(tm, ++syslog->year);
	/* A line of the old year may come late. */
	else if (seconds > syslog->last_s + HALF_YEAR_S)
		return seconds_of(tm, syslog->year - 1);
	return syslog->last_s = seconds;
}

/* "Nov 14 22:13:20 ", the day with one digit or two */
static bool take_short_time(const struct source *source, struct lm_str *text, uint64_t *ret_ns)
{
	struct lm_str left = *text;
	struct tm tm = { .tm_isdst = -1 };
	time_t seconds;

	if (!take_month(&left, &tm.tm_mon) || !text_skip(&left, " "))
		return false;
	text_skip_blanks(&left);
	if (!take_two(&left, 1, 31, &tm.tm_mday) || !text_skip(&left, " ") ||
		!take_clock(&left, &tm) || !text_skip(&left, " "))
		return false;
	seconds = guess_year(source, source->state, &tm);
	if (seconds < 0)
		return false;
	*ret_ns = (uint64_t)seconds * LM_NS_PER_SEC;
	*text = left;
	return true;
}

/* "<13>" */
static bool take_priority(struct lm_str *text, uint16_t *ret_priority)
{
	struct lm_str left = *text;
	uint64_t priority;

	if (!text_skip(&left, "<") || !text_take_u64(&left, 10, &priority) ||
		priority > PRI_MAX || !text_skip(&left, ">"))
		return false;
	*ret_priority = (uint16_t)(LM_MESSAGE_PRIORITY | priority);
	*text = left;
	return true;
}

/* A word and the blank behind it; "-" says that there is none. */
static bool take_word(struct lm_str *text, struct lm_str *ret_word)
{
	if (!text_take_until(text, ' ', ret_word) || !ret_word->len)
		return false;
	if (lm_str_equal(*ret_word, LM_STR("-")))
		ret_word->len = 0;
	return true;
}

static uint32_t pid_of(struct lm_str digits)
{
	uint64_t pid;

	return text_take_u64(&digits, 10, &pid) && !digits.len && pid <= INT32_MAX ?
		(uint32_t)pid : 0;
}

/* "TAG[PID]: TEXT", "TAG: TEXT"; where there is no tag all of it is text. */
static void take_content(struct lm_str text, struct message *message)
{
	struct lm_str tag, digits = LM_STR_NONE, left = text;
	uint32_t len = 0;

	while (len < text.len && !strchr(" :[", text.data[len]))
		len++;
	tag = (struct lm_str){ text.data, len };
	left.data += len;
	left.len -= len;
	if (text_skip(&left, "[") && !text_take_until(&left, ']', &digits))
		left.len = 0;
	if (len == 0 || !text_skip(&left, ":")) {
		message->text = text;
		return;
	}
	text_skip_blanks(&left);
	message->tag = tag;
	message->pid = pid_of(digits);
	message->text = left;
}

/* "-", or "[ID NAME="VALUE" ...]" any number of times: a "]" in a value has a backslash. */
static bool skip_data(struct lm_str *text)
{
	if (text_skip(text, "-"))
		return true;
	while (text_skip(text, "[")) {
		bool quoted = false;

		for (;; text->data++, text->len--) {
			if (!text->len)
				return false;
			if (quoted && *text->data == '\\' && text->len > 1) {
				text->data++;
				text->len--;
			} else if (*text->data == '"') {
				quoted = !quoted;
			} else if (*text->data == ']' && !quoted) {
				break;
			}
		}
		text_skip(text, "]");
	}
	return true;
}

static bool take_structured(struct lm_str text, struct message *message, struct lm_str *ret_host)
{
	struct lm_str pid, id;

	if (!take_whole_time(&text, &message->time_ns) || !take_word(&text, ret_host) ||
		!take_word(&text, &message->tag) || !take_word(&text, &pid) ||
		!take_word(&text, &id) || !skip_data(&text))
		return false;
	text_skip(&text, " ");
	text_skip(&text, "\xef\xbb\xbf"); /* says that UTF-8 follows */
	message->pid = pid_of(pid);
	message->text = text;
	return true;
}

static bool take_message(const struct source *source, struct lm_str line, struct message *message,
	struct lm_str *ret_host)
{
	bool has_priority = take_priority(&line, &message->priority);

	if (has_priority && text_skip(&line, "1 "))
		return take_structured(line, message, ret_host);
	if (!take_whole_time(&line, &message->time_ns) &&
		!take_short_time(source, &line, &message->time_ns))
		return false;
	if (!take_word(&line, ret_host))
		return false;
	take_content(line, message);
	return true;
}

static int syslog_next(struct source *source)
{
	struct syslog *syslog = source->state;
	struct lm_str line, host;
	int r;

	while ((r = import_line(source, &line)) > 0) {
		struct message message = { .pid = 0 };

		if (!line.len)
			continue;
		lm_buffer_reset(&syslog->line);
		lm_buffer_append_str(&syslog->line, line);
		if (lm_buffer_status(&syslog->line) < 0)
			return -ENOMEM;
		line.data = (const char *)syslog->line.data;
		if (!take_message(source, line, &message, &host)) {
			import_skip(source, source->lines.number,
				"no TIME HOST PROGRAM[PID]: TEXT", line);
			continue;
		}
		syslog->message = message;
		source->time_ns = source->read_ns = message.time_ns;
		import_set_name(source->import->host, sizeof(source->import->host), host);
		return 1;
	}
	return r;
}

static int syslog_apply(struct source *source)
{
	struct syslog *syslog = source->state;
	int r;

	if (source->time_ns < world_now(source->import->world))
		source->import->count.late++;
	r = message_apply(source->import, syslog->run, &syslog->message);
	return r < 0 ? r : 0;
}

static int syslog_open(struct source *source)
{
	struct syslog *syslog = calloc(1, sizeof(*syslog));

	source->state = syslog;
	return syslog ? message_join(source->import, &syslog->run) : -ENOMEM;
}

static void syslog_close(struct source *source)
{
	struct syslog *syslog = source->state;

	if (!syslog)
		return;
	message_leave(source->import, syslog->run);
	lm_buffer_release(&syslog->line);
	free(syslog);
}

/* One of the first lines is of a form that is read. */
static bool syslog_guess(struct lm_str begin)
{
	struct syslog syslog = { .year = 1970 };
	const struct source source = { .state = &syslog, .lines = { .fd = -1 } };
	struct lm_str line, host;

	for (int i = 0; i < 20 && text_take_until(&begin, '\n', &line); i++) {
		struct message message = { .pid = 0 };

		if (take_message(&source, line, &message, &host))
			return true;
	}
	return false;
}

const struct source_kind syslog_kind = {
	.format = LM_IMPORT_SYSLOG, .tool = "syslog", .guess = syslog_guess, .open = syslog_open,
	.next = syslog_next, .apply = syslog_apply, .close = syslog_close,
};

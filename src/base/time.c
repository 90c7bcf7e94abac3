/* SPDX-License-Identifier: MIT */
#include "lemona/base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lemona/base/error.h"

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	/* Neither clock can fail on a kernel that has them, and all since 2.6.39 do. */
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * LM_NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t lm_time_boot_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

uint64_t lm_time_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

void lm_time_pause(uint64_t ns)
{
	const struct timespec time = {
		.tv_sec = (time_t)(ns / LM_NS_PER_SEC), .tv_nsec = (long)(ns % LM_NS_PER_SEC),
	};

	nanosleep(&time, NULL);
}

int64_t lm_time_wall_minus_boot_ns(void)
{
	uint64_t before = lm_time_boot_ns();
	uint64_t wall = lm_time_wall_ns();
	uint64_t after = lm_time_boot_ns();

	/* The middle of the two readings halves the error of being preempted between them. */
	return (int64_t)(wall - (before + (after - before) / 2));
}

void lm_time_format(uint64_t wall_ns, char out[LM_TIME_TEXT_BYTES])
{
	time_t seconds = (time_t)(wall_ns / LM_NS_PER_SEC);
	char date[LM_TIME_TEXT_BYTES - 12];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(
		out, LM_TIME_TEXT_BYTES, "%s.%09uZ", date, (unsigned int)(wall_ns % LM_NS_PER_SEC));
}

/* Exactly `width` digits. */
static bool parse_digits(const char **text, int width, int *ret)
{
	int v = 0;

	for (int i = 0; i < width; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*text += width;
	*ret = v;
	return true;
}

static bool parse_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

bool lm_time_parse_span(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", LM_NS_PER_MS },
		{ "s", LM_NS_PER_SEC },
		{ "m", 60 * LM_NS_PER_SEC },
		{ "h", 3600 * LM_NS_PER_SEC },
		{ "d", 86400 * LM_NS_PER_SEC },
	};
	uint64_t v = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
			__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	if (p == text)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(p, units[i].unit) == 0)
			return !__builtin_mul_overflow(v, units[i].ns, ret_ns);
	return false;
}

/* ".123456789": one to nine digits, the rest taken as zeroes. */
static bool parse_fraction(const char **text, uint64_t *ret_ns)
{
	uint64_t ns = 0, scale = LM_NS_PER_SEC / 10;
	const char *p = *text;

	for (; *p >= '0' && *p <= '9'; p++, scale /= 10)
		ns += (uint64_t)(*p - '0') * scale;
	if (p == *text || p - *text > 9)
		return false;
	*text = p;
	*ret_ns = ns;
	return true;
}

/* "Z", "+02:00" or nothing. */
static bool parse_offset(const char **text, int64_t *ret_seconds)
{
	int sign, hours, minutes;

	*ret_seconds = 0;
	if (**text == '\0' || parse_char(text, 'Z') || parse_char(text, 'z'))
		return true;
	sign = **text == '-' ? -1 : 1;
	if (!parse_char(text, '-') && !parse_char(text, '+'))
		return false;
	if (!parse_digits(text, 2, &hours) || !parse_char(text, ':') ||
		!parse_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_seconds = (int64_t)sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_date(const char **text, struct tm *ret_tm)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month;
	bool leap;

	if (!parse_digits(text, 4, &year) || !parse_char(text, '-') ||
		!parse_digits(text, 2, &month) || !parse_char(text, '-') ||
		!parse_digits(text, 2, &ret_tm->tm_mday))
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (year < 1970 || month < 1 || month > 12 || ret_tm->tm_mday < 1 ||
		ret_tm->tm_mday > days[month - 1] || (month == 2 && ret_tm->tm_mday == 29 && !leap))
		return false;
	ret_tm->tm_year = year - 1900;
	ret_tm->tm_mon = month - 1;
	return true;
}

static bool parse_clock(const char **text, struct tm *ret_tm)
{
	if (!parse_digits(text, 2, &ret_tm->tm_hour) || !parse_char(text, ':') ||
		!parse_digits(text, 2, &ret_tm->tm_min) || !parse_char(text, ':') ||
		!parse_digits(text, 2, &ret_tm->tm_sec))
		return false;
	/* 60 is a leap second, which Unix time folds into the next one. */
	return ret_tm->tm_hour <= 23 && ret_tm->tm_min <= 59 && ret_tm->tm_sec <= 60;
}

static bool parse_rfc3339(const char *text, uint64_t *ret_wall_ns)
{
	struct tm tm = { 0 };
	uint64_t fraction = 0, wall_ns;
	int64_t offset, seconds;

	if (!parse_date(&text, &tm))
		return false;
	if (!parse_char(&text, 'T') && !parse_char(&text, 't') && !parse_char(&text, ' '))
		return false;
	if (!parse_clock(&text, &tm))
		return false;
	if (parse_char(&text, '.') && !parse_fraction(&text, &fraction))
		return false;
	if (!parse_offset(&text, &offset) || *text != '\0')
		return false;
	seconds = timegm(&tm) - offset;
	if (seconds < 0 || __builtin_mul_overflow((uint64_t)seconds, LM_NS_PER_SEC, &wall_ns) ||
		__builtin_add_overflow(wall_ns, fraction, &wall_ns))
		return false;
	*ret_wall_ns = wall_ns;
	return true;
}

int lm_time_parse(const char *text, uint64_t now_wall_ns, uint64_t *ret_wall_ns,
	struct lm_diag *diag)
{
	uint64_t span;

	if (text[0] == '-' && lm_time_parse_span(text + 1, &span)) {
		*ret_wall_ns = span < now_wall_ns ? now_wall_ns - span : 0;
		return 0;
	}
	if (parse_rfc3339(text, ret_wall_ns))
		return 0;
	return lm_diag_set(diag, -EINVAL,
		"'%.64s' is not a time: give RFC 3339 such as 2026-01-02T03:04:05Z, "
		"or a span back from now such as -5m",
		text);
}

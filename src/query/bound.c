/* SPDX-License-Identifier: MIT */
#include "bound.h"

#include "lemona/base/time.h"

/* Beyond these, a REAL is no whole number of 64 bits. */
#define REAL_LOW (-9223372036854775808.0)
#define REAL_HIGH 9223372036854774784.0

static void narrow_low(struct range *range, int64_t low)
{
	range->low = low > range->low ? low : range->low;
}

static void narrow_high(struct range *range, int64_t high)
{
	range->high = high < range->high ? high : range->high;
}

static void empty(struct range *range)
{
	*range = (struct range){ 1, 0 };
}

static void narrow_integer(struct range *range, char op, int64_t v)
{
	switch (op) {
	case '=':
		narrow_low(range, v);
		narrow_high(range, v);
		break;
	case 'g':
		narrow_low(range, v);
		break;
	case 'l':
		narrow_high(range, v);
		break;
	case '>':
		if (v == INT64_MAX)
			empty(range);
		else
			narrow_low(range, v + 1);
		break;
	case '<':
		if (v == INT64_MIN)
			empty(range);
		else
			narrow_high(range, v - 1);
		break;
	default:
		break;
	}
}

/* A whole number next to it, on the side that lets more through. */
static void narrow_real(struct range *range, char op, double v)
{
	if (!(v > REAL_LOW && v < REAL_HIGH))
		return;
	int64_t whole = (int64_t)v;

	if (op == '=' || op == 'g' || op == '>')
		narrow_low(range, whole - (whole > INT64_MIN));
	if (op == '=' || op == 'l' || op == '<')
		narrow_high(range, whole + (whole < INT64_MAX));
}

static void narrow(struct range *range, const struct constraint *constraint)
{
	if (!constraint->value)
		return;
	switch (sqlite3_value_numeric_type(constraint->value)) {
	case SQLITE_INTEGER:
		narrow_integer(range, constraint->op, sqlite3_value_int64(constraint->value));
		break;
	case SQLITE_FLOAT:
		narrow_real(range, constraint->op, sqlite3_value_double(constraint->value));
		break;
	case SQLITE_NULL:
		empty(range);
		break;
	default: /* texts come after all numbers: SQLite looks at each row */
		break;
	}
}

struct range range_of(const struct constraints *constraints, int column)
{
	struct range range = RANGE_ALL;

	for (int i = 0; i < constraints->count; i++) {
		if (constraints->at[i].column == column)
			narrow(&range, &constraints->at[i]);
	}
	return range;
}

int constraints_on(const struct constraints *constraints, int column)
{
	int count = 0;

	for (int i = 0; i < constraints->count; i++)
		count += constraints->at[i].column == column;
	return count;
}

sqlite3_value *constraint_equal(const struct constraints *constraints, int column)
{
	for (int i = 0; i < constraints->count; i++) {
		if (constraints->at[i].column == column && constraints->at[i].op == '=')
			return constraints->at[i].value;
	}
	return NULL;
}

/*
 * Texts of times are of one length, so that they are in the order of the times. The earliest time
 * whose text is not before `text` is found by halving.
 */
static int64_t earliest_time(const char *text, bool after_equal)
{
	uint64_t low = 0, high = INT64_MAX;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		char have[LM_TIME_TEXT_BYTES];

		lm_time_format(middle, have);
		int order = strcmp(have, text);

		if (order < 0 || (after_equal && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return (int64_t)low;
}

static void narrow_time_text(struct range *range, const struct constraint *constraint)
{
	const char *text = constraint->value &&
			sqlite3_value_type(constraint->value) == SQLITE_TEXT ?
		(const char *)sqlite3_value_text(constraint->value) : NULL;

	if (!text)
		return;
	/* Ends are let in: one nanosecond too many costs nothing. */
	if (constraint->op == '=' || constraint->op == 'g' || constraint->op == '>')
		narrow_low(range, earliest_time(text, false));
	if (constraint->op == '=' || constraint->op == 'l' || constraint->op == '<')
		narrow_high(range, earliest_time(text, true));
}

static struct range wall_range(const struct constraints *constraints, int number_column,
	int text_column)
{
	struct range range = range_of(constraints, number_column);

	for (int i = 0; i < constraints->count; i++) {
		if (constraints->at[i].column == text_column)
			narrow_time_text(&range, &constraints->at[i]);
	}
	return range;
}

bool window_of(const struct lm_query *query, const struct constraints *constraints,
	int number_column, int text_column, uint64_t *ret_since_ns, uint64_t *ret_until_ns)
{
	struct range range = wall_range(constraints, number_column, text_column);

	if (range.low > range.high || range.high < 0)
		return false;
	if (range.low <= 0 && range.high == INT64_MAX) {
		*ret_since_ns = 0;
		*ret_until_ns = UINT64_MAX;
		return true;
	}
	return lm_index_boot_window(query->index, range.low > 0 ? (uint64_t)range.low : 0,
		range.high == INT64_MAX ? UINT64_MAX : (uint64_t)range.high, ret_since_ns,
		ret_until_ns);
}

double window_share(const struct lm_query *query, const struct constraints *constraints,
	int number_column, int text_column)
{
	uint64_t since_ns = 0, until_ns = UINT64_MAX, first_ns, last_ns;
	double share = 1;

	for (int i = 0; i < constraints->count; i++) {
		const struct constraint *c = &constraints->at[i];

		if ((c->column == number_column || c->column == text_column) && !c->value)
			share *= c->op == '=' ? 0.001 : 0.25;
	}
	if (!window_of(query, constraints, number_column, text_column, &since_ns, &until_ns))
		return 0;
	lm_index_span(query->index, &first_ns, &last_ns);
	since_ns = since_ns > first_ns ? since_ns : first_ns;
	until_ns = until_ns < last_ns ? until_ns : last_ns;
	if (since_ns > until_ns)
		return 0;
	return share * (double)(until_ns - since_ns + 1) / (double)(last_ns - first_ns + 1);
}

void path_bound_release(struct path_bound *bound)
{
	lm_buffer_release(&bound->text);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * One byte behind a backslash, as lm_buffer_append_escaped() writes them.
 * @return characters read; 0: no such escape, or only the beginning of one
 */
static size_t read_escape(const char *at, size_t left, uint8_t *ret_byte)
{
	static const char letters[] = "\\ntr", bytes[] = "\\\n\t\r";
	const char *letter = left > 0 && at[0] ? strchr(letters, at[0]) : NULL;

	if (letter) {
		*ret_byte = (uint8_t)bytes[letter - letters];
		return 1;
	}
	if (left < 3 || at[0] != 'x' || hex_digit(at[1]) < 0 || hex_digit(at[2]) < 0)
		return 0;
	*ret_byte = (uint8_t)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
	return 3;
}

/* @return false: cut short, at what is not the whole of an escape */
static bool append_raw(struct lm_buffer *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (text[i] == '\\') {
			size_t used = read_escape(text + i + 1, len - i - 1, &byte);

			if (used == 0)
				return false;
			i += used;
		}
		lm_buffer_append_byte(out, byte);
	}
	return true;
}

/* What there is of a bound so far, as texts of SQL. */
struct texts {
	const char *best;
	size_t len;
	bool exact;
	const char *low, *high;
	size_t low_len, high_len;
	bool high_open; /* "<" */
};

static void offer(struct texts *texts, const char *text, size_t len, bool exact)
{
	if (texts->exact || (!exact && len <= texts->len))
		return;
	texts->best = text;
	texts->len = len;
	texts->exact = exact;
}

static void take_text(struct texts *texts, const struct constraint *constraint)
{
	const char *text = constraint->value &&
			sqlite3_value_type(constraint->value) == SQLITE_TEXT ?
		(const char *)sqlite3_value_text(constraint->value) : NULL;
	size_t len = text ? (size_t)sqlite3_value_bytes(constraint->value) : 0, stop;

	if (!text || strlen(text) != len)
		return;
	switch (constraint->op) {
	case '=':
		offer(texts, text, len, true);
		break;
	case '~':
	case '*':
		stop = strcspn(text, constraint->op == '~' ? "%_" : "*?[");
		offer(texts, text, stop, stop == len);
		break;
	case 'g':
	case '>':
		texts->low = text;
		texts->low_len = len;
		break;
	case 'l':
	case '<':
		texts->high = text;
		texts->high_len = len;
		texts->high_open = constraint->op == '<';
		break;
	default:
		break;
	}
}

/* What all texts from low to high begin with. From "/etc/" to before "/etc0" it is "/etc/". */
static void offer_between(struct texts *texts)
{
	const char *low = texts->low, *high = texts->high;
	size_t shared = 0;

	if (!low || !high)
		return;
	while (shared < texts->low_len && shared < texts->high_len && low[shared] == high[shared])
		shared++;
	if (texts->high_open && shared + 1 == texts->high_len && shared < texts->low_len &&
		(uint8_t)low[shared] + 1 == (uint8_t)high[shared])
		shared++;
	offer(texts, low, shared, false);
}

int path_bound_of(const struct constraints *constraints, int column, struct path_bound *ret_bound)
{
	struct texts texts = { .best = NULL };

	for (int i = 0; i < constraints->count; i++) {
		if (constraints->at[i].column == column)
			take_text(&texts, &constraints->at[i]);
	}
	offer_between(&texts);
	lm_buffer_reset(&ret_bound->text);
	/* Below "/" is everything, and what begins with no "/" hangs nowhere. */
	if (!texts.best || texts.len < 2 || texts.best[0] != '/')
		return 0;
	ret_bound->exact = append_raw(&ret_bound->text, texts.best, texts.len) && texts.exact;
	return lm_buffer_status(&ret_bound->text);
}

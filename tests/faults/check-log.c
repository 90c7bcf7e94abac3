/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>

#include "../unit/log/make_log.h"

/*
 * Reads what load-log wrote, or what a fault has left of it. Everything that is read must be as it
 * was made; what is there is printed as one JSON object:
 *
 *   open    0, or the error that opening failed with (the rest is missing then)
 *   state   ended, live or cut
 *   events  how many came
 *   missing how many are missing before the last one that came
 *   told    how many are missing by the sum of all gaps
 *   ranges  [first, last] of the numbers that came, as the log counts them
 *   gaps    how many, by reason
 *   damage  the reader's sentence, or null
 *   steps   wall clock minus boot clock at the first and the last event
 *
 * Exit code 255 when something is not as it was made.
 */
#define REASONS 32u

struct sight {
	uint64_t events, next, missing, told, last_ns;
	uint64_t first_id, last_id; /* of the range that is under way; 0: none */
	uint64_t gaps[REASONS];
	bool ranged;
};

static void print_range(struct sight *sight)
{
	if (sight->first_id)
		printf("%s[%" PRIu64 ",%" PRIu64 "]", sight->ranged ? "," : "", sight->first_id,
			sight->last_id);
	sight->ranged = sight->ranged || sight->first_id;
}

/* Which event of the stream it is, its time says. */
static void see_event(struct sight *sight, const struct lm_event *event)
{
	uint64_t i = (event->end_ns - MAKE_TIME_BASE_NS) / 700;
	struct lm_event made = make_event((uint32_t)i);

	assert_event_same(event, &made);
	assert_true(i >= sight->next);
	assert_true(event->id > sight->last_id);
	if (event->id != sight->last_id + 1) {
		print_range(sight);
		sight->first_id = event->id;
	}
	if (sight->first_id == 0)
		sight->first_id = event->id;
	sight->last_id = event->id;
	sight->missing += i - sight->next;
	sight->next = i + 1;
	sight->last_ns = event->end_ns;
	sight->events++;
}

static void see_object(const struct lm_object *object)
{
	struct lm_object made = make_object(object->id - 1);

	assert_object_same(object, &made);
}

static void see_all(struct lm_log *log, struct sight *sight)
{
	struct lm_item item;
	int r;

	while ((r = lm_log_next(log, &item)) == 1) {
		switch ((enum lm_item_kind)item.kind) {
		case LM_ITEM_EVENT:
			see_event(sight, &item.event);
			break;
		case LM_ITEM_OBJECT:
			see_object(&item.object);
			break;
		case LM_ITEM_GAP:
			assert_true(item.gap.reason < REASONS);
			sight->gaps[item.gap.reason]++;
			sight->told += item.gap.count;
			break;
		case LM_ITEM_BINDING:
			fail_msg("%s", "a binding, and none was written");
		}
	}
	assert_int_equal(r, 0);
}

static void print_gaps(const struct sight *sight)
{
	const char *comma = "";

	printf("\"gaps\":{");
	for (unsigned int i = 0; i < REASONS; i++) {
		if (sight->gaps[i] == 0)
			continue;
		printf("%s\"%u\":%" PRIu64, comma, i, sight->gaps[i]);
		comma = ",";
	}
	printf("}");
}

int main(int argc, char **argv)
{
	static const char *const states[] = { [LM_LOG_ENDED] = "ended", [LM_LOG_LIVE] = "live",
		[LM_LOG_CUT] = "cut" };
	struct sight sight = { 0 };
	struct lm_log *log = NULL;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: check-log LOG\n");
		return 2;
	}
	r = lm_log_open(argv[1], &log, NULL);
	printf("{\"open\":%d", r);
	if (r == 0) {
		printf(",\"ranges\":[");
		see_all(log, &sight);
		print_range(&sight);
		printf("],\"state\":\"%s\",\"events\":%" PRIu64 ",\"missing\":%" PRIu64
		       ",\"told\":%" PRIu64 ",", states[lm_log_state(log)], sight.events,
			sight.missing, sight.told);
		print_gaps(&sight);
		printf(",\"steps\":[%" PRId64 ",%" PRId64 "]", lm_log_wall_offset_ns(log, 0),
			lm_log_wall_offset_ns(log, sight.last_ns));
		/* The reader's sentences hold nothing that JSON would mind. */
		if (lm_log_damage(log))
			printf(",\"damage\":\"%s\"", lm_log_damage(log));
		else
			printf(",\"damage\":null");
		lm_log_free(log);
	}
	printf("}\n");
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "jobs.h"

#include "daemons.h"
#include "work.h"

/*
 * How much of what. A job of each kind is begun so often that over the log its share of the
 * events is about that much; a first guess of what one takes is corrected by what all took.
 */
struct kind {
	void (*begin)(struct world *w, uint64_t t_ns);
	uint32_t share[2]; /* by night, by day; of the events, in whatever unit */
	uint32_t events;   /* about, of one */
};

static const struct kind kinds[] = {
	{ work_visit, { 26, 30 }, 420 },
	{ work_mail, { 5, 6 }, 220 },
	{ work_cron, { 14, 8 }, 620 },
	{ work_login, { 2, 14 }, 6500 },
	{ work_build, { 6, 26 }, 26000 },
	{ work_upgrade, { 12, 2 }, 30000 },
	{ work_backup, { 25, 1 }, 26000 },
	{ work_report, { 10, 13 }, 900 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct planner {
	double credit[KINDS]; /* events */
	double planned;       /* what should have been written by now */
	double rate;          /* events a second, on average */
	uint64_t burst_end_ns;
};

static bool is_day(uint64_t now_ns)
{
	uint64_t hour = now_ns / (3600 * HOST_SECOND_NS) % 24;

	return hour >= 7 && hour < 19;
}

/* Of the average: a third by night, five thirds by day. */
static double activity(const struct planner *planner, uint64_t now_ns)
{
	double base = is_day(now_ns) ? 5.0 / 3 : 1.0 / 3;

	return now_ns < planner->burst_end_ns ? 2.5 * base : 0.85 * base;
}

static void begin_jobs(struct world *w, struct planner *planner, uint64_t now_ns, double events)
{
	bool day = is_day(now_ns);
	uint32_t sum = 0;

	for (size_t i = 0; i < KINDS; i++)
		sum += kinds[i].share[day];
	for (size_t i = 0; i < KINDS; i++) {
		planner->credit[i] += events * kinds[i].share[day] / sum;
		for (; planner->credit[i] >= kinds[i].events; planner->credit[i] -= kinds[i].events)
			kinds[i].begin(w, now_ns + host_below(w, 1000000000));
	}
}

static void planner_main(struct proc *p, const struct task *task)
{
	struct world *w = p->world;
	double seconds = (double)(w->end_ns - w->start_ns) / (double)HOST_SECOND_NS;
	struct planner planner = { .rate = (double)w->wanted / seconds };

	(void)task;
	/* Each kind begins somewhere in its turn, or small logs would have none of the large. */
	for (size_t i = 0; i < KINDS; i++)
		planner.credit[i] = (double)host_below(w, kinds[i].events);
	for (;;) {
		double due = planner.rate * activity(&planner, p->now_ns);
		double late;

		if (p->now_ns >= planner.burst_end_ns && host_below(w, 1800) == 0)
			planner.burst_end_ns =
				p->now_ns + host_between(w, 60, 300) * HOST_SECOND_NS;
		planner.planned += due;
		late = planner.planned / (double)(w->events + 1);
		if (planner.planned < 0.02 * (double)w->wanted)
			late = 1;
		/* Steep, or a wrong guess of what jobs take would stay. */
		late = late * late * late * late;
		late = late > 4 ? 4 : late < 0.1 ? 0.1 : late;
		begin_jobs(w, &planner, p->now_ns, due * late * late);
		host_sleep(p, HOST_SECOND_NS);
	}
}

void jobs_start(struct world *w)
{
	host_coroutine(w, w->start_ns + HOST_SECOND_NS, planner_main, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Software interrupt handlers and a kernel tick's time: swi_add(9), swi_sched(9), getnanouptime, bintime. */
#include <sys/param.h>
#include <sys/bus.h>
#include <sys/interrupt.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>

static struct intr_event *softintr_event_source;
static void *softintr_cookie;
static int softintr_runs;

static void
softintr_handler(void *arg)
{
	softintr_runs++;
	wakeup(&softintr_runs);
}

static int
softintr_event(module_t mod, int what, void *arg)
{
	struct timespec before, after;
	int error;

	switch (what) {
	case MOD_LOAD:
		error = swi_add(&softintr_event_source, "modbox", softintr_handler, NULL, SWI_TQ, INTR_MPSAFE, &softintr_cookie);
		if (error != 0)
			return (error);
		nanouptime(&before);
		swi_sched(softintr_cookie, 0);
		while (softintr_runs == 0)
			tsleep(&softintr_runs, 0, "swi", hz / 10);
		pause("swi", hz / 10);
		nanouptime(&after);
		timespecsub(&after, &before, &after);
		printf("softintr: ran %d, waited %s\n", softintr_runs, after.tv_nsec >= 100000000 || after.tv_sec > 0 ? "long" : "short");
		return (0);
	case MOD_UNLOAD:
		swi_remove(softintr_cookie);
		return (intr_event_destroy(softintr_event_source));
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t softintr_mod = { "softintr", softintr_event, NULL };

DECLARE_MODULE(softintr, softintr_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);

/* SPDX-License-Identifier: Apache-2.0 */
/* counter(9), and epoch(9) with a callback that comes after the readers. */
#include <sys/param.h>
#include <sys/counter.h>
#include <sys/epoch.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

struct countersitem {
	struct epoch_context ctx;
	int number;
};

static MALLOC_DEFINE(M_COUNTERS, "counters", "Items that an epoch frees");
static counter_u64_t counters_events;
SYSCTL_COUNTER_U64(_debug, OID_AUTO, counters, CTLFLAG_RW, &counters_events, "Events counted on each CPU");
static epoch_t counters_epoch;

static void
counters_free(epoch_context_t ctx)
{
	struct countersitem *item = __containerof(ctx, struct countersitem, ctx);

	printf("counters: item %d freed\n", item->number);
	free(item, M_COUNTERS);
}

static int
counters_event(module_t mod, int what, void *arg)
{
	struct countersitem *item;

	switch (what) {
	case MOD_LOAD:
		counters_events = counter_u64_alloc(M_WAITOK);
		for (int i = 1; i <= 10; i++)
			counter_u64_add(counters_events, i);
		printf("counters: %ju\n", (uintmax_t)counter_u64_fetch(counters_events));
		counters_epoch = epoch_alloc("counters", 0);
		item = malloc(sizeof(*item), M_COUNTERS, M_WAITOK | M_ZERO);
		item->number = 1;
		epoch_enter(counters_epoch);
		epoch_call(counters_epoch, counters_free, &item->ctx);
		printf("counters: inside %d\n", in_epoch(counters_epoch));
		epoch_exit(counters_epoch);
		epoch_wait(counters_epoch);
		return (0);
	case MOD_UNLOAD:
		epoch_drain_callbacks(counters_epoch);
		epoch_free(counters_epoch);
		counter_u64_free(counters_events);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t counters_mod = { "counters", counters_event, NULL };

DECLARE_MODULE(counters, counters_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);

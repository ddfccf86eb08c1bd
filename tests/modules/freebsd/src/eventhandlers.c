/* SPDX-License-Identifier: Apache-2.0 */
/* Event handlers: an event of its own with priorities, and the kernel's for modules that come and go. */
#include <sys/param.h>
#include <sys/eventhandler.h>
#include <sys/kernel.h>
#include <sys/linker.h>
#include <sys/module.h>
#include <sys/systm.h>

typedef void (*modbox_event_fn)(void *, int);
EVENTHANDLER_DECLARE(modbox_event, modbox_event_fn);

static eventhandler_tag eventhandlers_tags[4];

static void
eventhandlers_own(void *arg, int number)
{
	printf("eventhandlers: %s %d\n", (const char *)arg, number);
}

static void
eventhandlers_load(void *arg, linker_file_t file)
{
	printf("eventhandlers: %s comes\n", file->filename);
}

static void
eventhandlers_unload(void *arg, const char *name, caddr_t address, size_t size)
{
	printf("eventhandlers: %s is gone\n", name);
}

static int
eventhandlers_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		eventhandlers_tags[0] = EVENTHANDLER_REGISTER(modbox_event, eventhandlers_own, "last", EVENTHANDLER_PRI_LAST);
		eventhandlers_tags[1] = EVENTHANDLER_REGISTER(modbox_event, eventhandlers_own, "first", EVENTHANDLER_PRI_FIRST);
		eventhandlers_tags[2] = EVENTHANDLER_REGISTER(kld_load, eventhandlers_load, NULL, EVENTHANDLER_PRI_ANY);
		eventhandlers_tags[3] = EVENTHANDLER_REGISTER(kld_unload, eventhandlers_unload, NULL, EVENTHANDLER_PRI_ANY);
		EVENTHANDLER_INVOKE(modbox_event, 1);
		return (0);
	case MOD_UNLOAD:
		EVENTHANDLER_DEREGISTER(modbox_event, eventhandlers_tags[1]);
		EVENTHANDLER_INVOKE(modbox_event, 2);
		EVENTHANDLER_DEREGISTER(modbox_event, eventhandlers_tags[0]);
		EVENTHANDLER_DEREGISTER(kld_load, eventhandlers_tags[2]);
		EVENTHANDLER_DEREGISTER(kld_unload, eventhandlers_tags[3]);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t eventhandlers_mod = { "eventhandlers", eventhandlers_event, NULL };

DECLARE_MODULE(eventhandlers, eventhandlers_mod, SI_SUB_DRIVERS, SI_ORDER_ANY);

/* SPDX-License-Identifier: Apache-2.0 */
/* uma(9): constructor, destructor, init and fini, limits, and what uma_zdestroy(9) gives back. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <vm/uma.h>

static uma_zone_t zones_zone;
static int zones_inits, zones_ctors;

static int
zones_init(void *memory, int size, int flags)
{
	zones_inits++;
	memset(memory, 0x5a, size);
	return (0);
}

static void
zones_fini(void *memory, int size)
{
	zones_inits--;
}

static int
zones_ctor(void *memory, int size, void *arg, int flags)
{
	zones_ctors++;
	*(int *)memory = (int)(uintptr_t)arg;
	return (0);
}

static void
zones_dtor(void *memory, int size, void *arg)
{
	zones_ctors--;
}

static int
zones_event(module_t mod, int what, void *arg)
{
	int *items[3];

	switch (what) {
	case MOD_LOAD:
		zones_zone = uma_zcreate("zones", 200, zones_ctor, zones_dtor, zones_init, zones_fini, UMA_ALIGN_CACHE, 0);
		for (int i = 0; i < 3; i++)
			items[i] = uma_zalloc_arg(zones_zone, (void *)(uintptr_t)(i + 1), M_WAITOK);
		printf("zones: %d %d %d, aligned %d, in use %d, constructed %d\n", *items[0], *items[1], *items[2],
		    ((uintptr_t)items[0] & (CACHE_LINE_SIZE - 1)) == 0, uma_zone_get_cur(zones_zone), zones_ctors);
		for (int i = 0; i < 3; i++)
			uma_zfree(zones_zone, items[i]);
		return (0);
	case MOD_UNLOAD:
		uma_zdestroy(zones_zone);
		printf("zones: %d constructed, %d initialized\n", zones_ctors, zones_inits);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t zones_mod = { "zones", zones_event, NULL };

DECLARE_MODULE(zones, zones_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);

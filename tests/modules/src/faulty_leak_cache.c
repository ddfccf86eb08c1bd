// SPDX-License-Identifier: GPL-2.0
/* Destroys a slab cache that has an object in use. */
#include <linux/slab.h>
#include "faulty.h"

/* A cache with a constructor is not merged with another. */
static void construct(void *p)
{
	memset(p, 0, 200);
}

static void fault(void)
{
	struct kmem_cache *cache = kmem_cache_create("modbox_leaky", 200, 0, 0, construct);

	if (cache) {
		HIDE(kmem_cache_alloc(cache, GFP_KERNEL));
		kmem_cache_destroy(cache);
	}
}

FAULTY_MODULE(fault, "destroys a slab cache that has an object in use");

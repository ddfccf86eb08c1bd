// SPDX-License-Identifier: GPL-2.0
/* Uses memory that is none of its business (mode=N), in ways that do not come to single accesses only. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

static int mode;
module_param(mode, int, 0444);

struct big { u64 words[32]; };
static struct big kept;
static noinline void copy_big(struct big *to, const struct big *from) { asm volatile("rep movsq" : "+D"(to), "+S"(from) : "c"(32) : "memory"); }
static noinline void clear(void *p, unsigned long words) { asm volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0UL) : "memory"); }

static int __init badreads_init(void)
{
	struct big *p = kzalloc(sizeof(*p), GFP_KERNEL);
	char *s = kmalloc(10, GFP_KERNEL), *t = kmalloc(40, GFP_KERNEL);
	struct kmem_cache *cache;
	void *o;

	if (!p || !s || !t)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(p);
	OPTIMIZER_HIDE_VAR(s);
	memset(s, 'a', 10);
	strcpy(t, "in time");
	switch (mode) {
	case 0: copy_big(&kept, p); clear(p, 32); break;
	case 1: kfree(p); copy_big(&kept, p); return 0;
	case 2: copy_big((struct big *)((char *)p + 8), &kept); break;
	case 3: kfree(p); clear(p, 2); return 0;
	case 4: pr_info("badreads: %d\n", READ_ONCE(s[12])); break;
	case 5: memcpy(&kept, s, mode * 4); break;
	case 6: kfree(t); pr_info("badreads: %zu\n", strlen(t)); t = NULL; break;
	case 7: s[9] = s[0]; pr_info("badreads: %d\n", *(u16 *)(s + 9)); break;
	case 8: cache = kmem_cache_create("badreads", 24, 0, 0, NULL); o = kmem_cache_alloc(cache, GFP_KERNEL);
		kmem_cache_free(cache, o); OPTIMIZER_HIDE_VAR(o); pr_info("badreads: %d\n", *(int *)o); kmem_cache_destroy(cache); break;
	}
	kfree(p);
	kfree(s);
	kfree(t);
	return 0;
}

static void __exit badreads_exit(void) { }
module_init(badreads_init);
module_exit(badreads_exit);
MODULE_LICENSE("GPL");

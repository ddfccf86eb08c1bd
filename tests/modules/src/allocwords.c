// SPDX-License-Identifier: GPL-2.0
/* What the allocators say of requests that are wrong. */
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

static int mode;
module_param(mode, int, 0);

static struct object { char text[100]; } *object;
static struct kmem_cache *one, *two;
static struct { struct work_struct work; struct delayed_work delayed; } zero;
static struct task_struct *thread;

static int ends(void *data)
{
	return 7;
}

static int __init allocwords_init(void)
{
	void *p = NULL;
	size_t big = 8UL << 20;

	OPTIMIZER_HIDE_VAR(big);
	switch (mode) {
	case 1: p = kmalloc(big, GFP_KERNEL); break;
	case 2: p = kmalloc(big, GFP_KERNEL | __GFP_NOWARN); break;
	case 3: p = (void *)__get_free_pages(GFP_KERNEL, 11); break;
	case 4: p = vmalloc(0 * big); break;
	case 5: p = vmalloc(big << 30); break;
	case 6: p = kvmalloc(big << 10, GFP_KERNEL); break;
	case 7: p = kmalloc(big << 30, GFP_KERNEL); break;
	case 8: p = alloc_pages_exact(big, GFP_KERNEL); break;
	case 9: p = kmalloc_array(big, big << 20, GFP_KERNEL); break;
	case 10: p = vmalloc(big << 8); break;
	case 11: p = __alloc_percpu(big, 8); break;
	case 12: p = __alloc_percpu(8, 8192); break;
	case 13: p = krealloc(NULL, big, GFP_KERNEL); break;
	case 14: p = kzalloc(big / 2 + 1, GFP_KERNEL); break;
	case 20: /* another cache's object */
		one = kmem_cache_create("allocwords_one", 100, 0, 0, NULL);
		two = kmem_cache_create("allocwords_two", 300, 0, 0, NULL);
		object = kmem_cache_alloc(one, GFP_KERNEL);
		kmem_cache_free(two, object);
		kmem_cache_destroy(one);
		kmem_cache_destroy(two);
		break;
	case 21: /* a busy cache */
		one = kmem_cache_create("allocwords_busy", 100, 0, 0, NULL);
		object = kmem_cache_alloc(one, GFP_KERNEL);
		kmem_cache_destroy(one);
		break;
	case 22: vfree((void *)((unsigned long)vmalloc(8192) + 4096)); break;
	case 23: vfree((void *)0xffffc90000000000); break;
	case 24: vfree((void *)((unsigned long)vmalloc(8192) + 16)); break;
	case 25: p = vmalloc(8192); vfree(p); vfree(p); p = NULL; break;
	case 26: vunmap((void *)0xffffc90000001000); break;
	case 30: schedule_work(&zero.work); break;
	case 31: schedule_delayed_work(&zero.delayed, 1); break;
	case 32: flush_work(&zero.work); break;
	case 33: cancel_work_sync(&zero.work); break;
	case 34: cancel_delayed_work_sync(&zero.delayed); break;
	case 40:
		thread = kthread_run(ends, NULL, "allocwords");
		get_task_struct(thread);
		schedule_timeout_uninterruptible(10);
		pr_info("allocwords: stopped: %d\n", kthread_stop(thread));
		put_task_struct(thread);
		break;
	case 50: one = kmem_cache_create("allocwords_one", 100, 0, 0, NULL);
		two = kmem_cache_create("allocwords_one", 100, 0, 0, NULL);
		pr_info("allocwords: second %d\n", !!two);
		kmem_cache_destroy(two);
		kmem_cache_destroy(one);
		break;
	case 51: one = kmem_cache_create("allocwords_align", 100, 3, 0, NULL);
		pr_info("allocwords: %d\n", !!one);
		kmem_cache_destroy(one);
		break;
	case 52: one = kmem_cache_create("allocwords_big", big, 0, 0, NULL);
		pr_info("allocwords: %d\n", !!one);
		kmem_cache_destroy(one);
		break;
	case 53: one = kmem_cache_create("allocwords_small", 4, 0, 0, NULL);
		pr_info("allocwords: %d\n", !!one);
		kmem_cache_destroy(one);
		break;
	case 54: one = kmem_cache_create("allocwords_twice", 100, 0, 0, NULL);
		kmem_cache_destroy(NULL);
		p = kmem_cache_alloc(one, GFP_KERNEL | __GFP_ZERO);
		kmem_cache_free(one, p);
		p = NULL;
		kmem_cache_destroy(one);
		break;
	}
	pr_info("allocwords: mode %d gives %s\n", mode, p == ZERO_SIZE_PTR ? "zero" : p ? "memory" : "nothing");
	return 0;
}

static void __exit allocwords_exit(void)
{
	if (mode >= 30 && mode < 40) {
		if (mode == 30)
			cancel_work_sync(&zero.work);
		if (mode == 31)
			cancel_delayed_work_sync(&zero.delayed);
	}
}

module_init(allocwords_init);
module_exit(allocwords_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Wrong requests of the allocators");

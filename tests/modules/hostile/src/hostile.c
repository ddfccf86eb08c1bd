// SPDX-License-Identifier: GPL-2.0
/*
 * Harm of one kind, named by `what`: structures that are linked in circles, work that never ends, things made for ever,
 * registers and memory that lead the kernel astray. None may hang or crash the process that runs it, or ruin the next run.
 */
#include <linux/module.h>
#include <linux/cdev.h>
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/glob.h>
#include <linux/hrtimer.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/ioport.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/list_sort.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/platform_device.h>
#include <linux/proc_fs.h>
#include <linux/rbtree.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

static char *what = "nothing";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "the harm to do");
static unsigned long limit = ULONG_MAX;
module_param(limit, ulong, 0);

static unsigned long count;
static const char *at_exit = "";

/* Circles. */
static int any_order(void *p, const struct list_head *a, const struct list_head *b) { return 1; }
static int circle_list_sort(void)
{
	LIST_HEAD(h);
	struct list_head a, b;

	h.next = &a; a.next = &b; b.next = &a;
	a.prev = &h; b.prev = &a; h.prev = &b;
	list_sort(NULL, &h, any_order);
	return 0;
}
static int circle_kobject(void)
{
	struct kobject *k = kzalloc(sizeof(*k), GFP_KERNEL);

	k->name = "loop";
	k->parent = k;
	pr_info("%s\n", kobject_get_path(k, GFP_KERNEL));
	return 0;
}
static int no_call(struct notifier_block *n, unsigned long x, void *d) { return 0; }
static struct notifier_block na = { .notifier_call = no_call }, nb = { .notifier_call = no_call };
static RAW_NOTIFIER_HEAD(chain);
static int circle_notifier(void)
{
	na.next = &nb; nb.next = &na; chain.head = &na;
	raw_notifier_call_chain(&chain, 0, NULL);
	return 0;
}
static int circle_rbtree(void)
{
	struct rb_node a, b;

	memset(&a, 0, sizeof(a)); memset(&b, 0, sizeof(b));
	a.rb_right = &b; b.rb_left = &a; a.rb_left = &b; b.rb_left = &b;
	pr_info("%px\n", rb_next(&a));
	return 0;
}
static int circle_scatterlist(void)
{
	struct scatterlist s[2];

	sg_init_table(s, 2);
	s[0].page_link = (unsigned long)s | SG_CHAIN;
	s[1].page_link = (unsigned long)s | SG_CHAIN;
	pr_info("%d\n", sg_nents(s));
	return 0;
}
static int circle_resource(void)
{
	static struct resource a = { .name = "a", .start = 0x100, .end = 0x1ff }, b = { .name = "b", .start = 0x300, .end = 0x3ff },
		root = { .name = "root", .start = 0, .end = 0xffff }, fresh = { .name = "c", .start = 0x800, .end = 0x8ff };

	root.child = &a; a.sibling = &b; b.sibling = &a; a.parent = b.parent = &root;
	pr_info("%d\n", request_resource(&root, &fresh));
	return 0;
}
static int circle_skb(void)
{
	struct sk_buff *a = alloc_skb(64, GFP_KERNEL), *b = alloc_skb(64, GFP_KERNEL);

	refcount_set(&a->users, 1 << 30); refcount_set(&b->users, 1 << 30);
	a->next = b; b->next = a;
	kfree_skb_list(a);
	return 0;
}
static int circle_xarray(void)
{
	static DEFINE_XARRAY(xa);
	struct xa_node *node;
	int i;

	for (i = 0; i < 70; i++)
		xa_store(&xa, i, xa_mk_value(1), GFP_KERNEL);
	node = (void *)((unsigned long)xa.xa_head & ~3UL);
	node->slots[0] = xa.xa_head; node->slots[1] = xa.xa_head;
	node->shift = 60;
	pr_info("%px\n", xa_load(&xa, 5));
	xa_destroy(&xa);
	return 0;
}
static int circle_wait(void)
{
	static DECLARE_WAIT_QUEUE_HEAD(q);
	static struct wait_queue_entry a, b;

	init_waitqueue_func_entry(&a, default_wake_function); init_waitqueue_func_entry(&b, default_wake_function);
	a.private = b.private = current;
	q.head.next = &a.entry; a.entry.next = &b.entry; b.entry.next = &a.entry;
	a.entry.prev = &q.head; b.entry.prev = &a.entry; q.head.prev = &b.entry;
	wake_up_all(&q);
	return 0;
}
static int circle_dentry(void)
{
	struct dentry *d = kzalloc(sizeof(*d), GFP_KERNEL);
	char *buf = kzalloc(4096, GFP_KERNEL), *p;

	d->d_parent = kzalloc(sizeof(*d), GFP_KERNEL);
	d->d_parent->d_parent = d;
	d->d_name.name = d->d_parent->d_name.name = "d"; d->d_name.len = d->d_parent->d_name.len = 1;
	p = dentry_path_raw(d, buf, 4096);
	pr_info("%d\n", PTR_ERR_OR_ZERO(p));
	return 0;
}

/* Work that never ends. */
static struct tasklet_struct tasklet;
static void again_tasklet(struct tasklet_struct *t) { count++; udelay(50); tasklet_schedule(t); }
static int endless_tasklet(void) { tasklet_setup(&tasklet, again_tasklet); tasklet_schedule(&tasklet); return 0; }
static struct timer_list timer;
static void again_timer(struct timer_list *t) { count++; mod_timer(t, jiffies); }
static int endless_timer(void) { timer_setup(&timer, again_timer, 0); mod_timer(&timer, jiffies); return 0; }
static struct hrtimer hr;
static enum hrtimer_restart again_hrtimer(struct hrtimer *t) { count++; hrtimer_forward_now(t, 1); return HRTIMER_RESTART; }
static enum hrtimer_restart stuck_hrtimer(struct hrtimer *t) { count++; return HRTIMER_RESTART; }
static int endless_hrtimer(void)
{
	hrtimer_init(&hr, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hr.function = again_hrtimer;
	hrtimer_start(&hr, 1, HRTIMER_MODE_REL);
	return 0;
}
static int endless_hrtimer_stuck(void)
{
	hrtimer_init(&hr, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hr.function = stuck_hrtimer;
	hrtimer_start(&hr, 1, HRTIMER_MODE_REL);
	return 0;
}
static struct irq_work iw;
static void again_irq(struct irq_work *w) { count++; irq_work_queue(w); }
static int endless_irq_work(void) { init_irq_work(&iw, again_irq); irq_work_queue(&iw); return 0; }
static struct work_struct work;
static void again_work(struct work_struct *w) { count++; schedule_work(w); }
static int endless_work(void) { INIT_WORK(&work, again_work); schedule_work(&work); return 0; }
static struct delayed_work dwork;
static void again_dwork(struct work_struct *w) { count++; schedule_delayed_work(&dwork, 0); }
static int endless_delayed_work(void) { INIT_DELAYED_WORK(&dwork, again_dwork); schedule_delayed_work(&dwork, 0); return 0; }
static struct rcu_head rcu;
static void again_rcu(struct rcu_head *h) { count++; call_rcu(h, again_rcu); }
static int endless_rcu(void) { call_rcu(&rcu, again_rcu); return 0; }
static int endless_usleep(void) { for (;;) { count++; usleep_range(1, 2); } return 0; }
static int endless_schedule(void) { for (;;) { count++; schedule(); } return 0; }
static int endless_timeout(void) { for (;;) { count++; schedule_timeout_uninterruptible(1); } return 0; }
static int endless_printk(void) { for (;;) pr_info("line %lu\n", count++); return 0; }
static int endless_warn(void) { for (;;) { count++; WARN(1, "again\n"); } return 0; }
static int endless_loop(void) { for (;;) barrier(); return 0; }
static int endless_sort(void)
{
	LIST_HEAD(h);
	struct list_head *n = kmalloc_array(100000, sizeof(*n), GFP_KERNEL);
	int i;

	for (i = 0; i < 100000; i++)
		list_add(n + i, &h);
	for (;;)
		list_sort(NULL, &h, any_order);
	return 0;
}

/* Things made for ever, or up to `limit`. */
static int spinner(void *x) { while (!kthread_should_stop()) ssleep(1000); return 0; }
#define MAKE(name, make) \
static int make_##name(void) \
{ \
	for (count = 0; count < limit; count++) { void *p = make; if (IS_ERR_OR_NULL(p)) { pr_info("error %ld\n", PTR_ERR(p)); break; } } \
	pr_info("made %lu\n", count); \
	return 0; \
}
static char name_buf[32];
static char *numbered(void) { snprintf(name_buf, sizeof(name_buf), "thing%lu", count); return name_buf; }
static struct attribute attr;
static void *one_sysfs_file(void)
{
	int err;

	sysfs_attr_init(&attr);
	attr.name = kstrdup(numbered(), GFP_KERNEL); attr.mode = 0444;
	if (!attr.name)
		return NULL;
	err = sysfs_create_file(&THIS_MODULE->mkobj.kobj, &attr);
	return err ? ERR_PTR(err) : &attr;
}
static void *one_timer(void)
{
	struct timer_list *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return NULL;
	timer_setup(t, again_timer, 0);
	mod_timer(t, jiffies + 1000 * HZ);
	return t;
}
static DEFINE_IDA(ida);
static DEFINE_XARRAY(numbers);
static void *one_id(void) { int id = ida_alloc(&ida, GFP_KERNEL); return id < 0 ? ERR_PTR(id) : &ida; }
static void *one_entry(void) { int e = xa_err(xa_store(&numbers, count, xa_mk_value(1), GFP_KERNEL)); return e ? ERR_PTR(e) : &ida; }
static void *one_workqueue_busy(void)
{
	struct workqueue_struct *q = alloc_workqueue("q%lu", WQ_MEM_RECLAIM, 1, count);
	struct work_struct *w = kzalloc(sizeof(*w), GFP_KERNEL);

	if (!q || !w)
		return NULL;
	INIT_WORK(w, again_work);
	queue_work(q, w);
	return q;
}
static void *one_wild(void) { return vmalloc_to_page((void *)(0x1234000000000000UL + (count << 12))) ?: (void *)&ida; }
MAKE(small, kmalloc(8, GFP_KERNEL))
MAKE(large, kmalloc(4 << 20, GFP_KERNEL | __GFP_NOWARN))
MAKE(page, alloc_page(GFP_KERNEL))
MAKE(vmalloc, vmalloc(1 << 20))
MAKE(vmalloc_small, vmalloc(1))
MAKE(percpu, (__force void *)__alloc_percpu(1024, 8))
MAKE(cache, kmem_cache_create(numbered(), 64, 0, 0, NULL))
MAKE(skb, alloc_skb(1000, GFP_KERNEL))
MAKE(device, platform_device_register_simple("many", count, NULL, 0))
MAKE(sysfs, one_sysfs_file())
MAKE(kobject, kobject_create_and_add(numbered(), kernel_kobj))
MAKE(proc, proc_create(numbered(), 0444, NULL, (const struct proc_ops *)name_buf))
MAKE(debugfs, debugfs_create_dir(numbered(), NULL))
MAKE(kthread, kthread_run(spinner, NULL, "t%lu", count))
MAKE(timer, one_timer())
MAKE(id, one_id())
MAKE(xarray, one_entry())
MAKE(workqueue, one_workqueue_busy())
MAKE(class, class_create(THIS_MODULE, numbered()))
MAKE(wild, one_wild())

/* Astray. */
static int stack_null(void) { asm volatile("mov $8,%rsp; jmp msleep"); return 0; }
static int stack_wild(void) { asm volatile("mov %0,%%rsp; jmp msleep" :: "r"(0x123456789000UL)); return 0; }
static int stack_noncanonical(void) { asm volatile("mov %0,%%rsp; jmp msleep" :: "r"(0x6b6b6b6b6b6b6b6bUL)); return 0; }
static char *own_stack;
static int on_own_stack(void *x)
{
	asm volatile("mov %0,%%rsp; mov $500,%%edi; call msleep" :: "r"(own_stack + 16000) : "memory");
	return 0;
}
static int stack_freed(void)
{
	own_stack = vmalloc(16384);
	kthread_run(on_own_stack, NULL, "own");
	msleep(20);
	vfree(own_stack);
	msleep(3000);
	return 0;
}
static int tags(void)
{
	volatile u64 *p = (void *)0x80000ffdUL;

	*p = 0x4141414141414141UL;
	return 0;
}
static int current_lost(void)
{
	struct task_struct *t = current;

	memset(t, 0x41, 2048);
	msleep(10);
	return 0;
}
static int current_wild(void)
{
	this_cpu_write(current_task, (void *)0x4141414141414141UL);
	msleep(10);
	return 0;
}
static int module_lost(void)
{
	memset((char *)THIS_MODULE + offsetof(struct module, list), 0x41, 512);
	return 0;
}
static int glob_steps(void)
{
	char *p = kzalloc(4096, GFP_KERNEL), *s = kzalloc(4096, GFP_KERNEL);
	int i;

	for (i = 0; i < 2000; i += 2) { p[i] = '*'; p[i + 1] = 'a'; }
	p[i] = 'b';
	memset(s, 'a', 4000);
	pr_info("glob %d\n", glob_match(p, s));
	kfree(p); kfree(s);
	return 0;
}
static int print_wide(void)
{
	char *b = kzalloc(64, GFP_KERNEL);
	int i, n = 0;

	for (i = 0; i < 400; i++)
		n = snprintf(b, 64, "%*d%*d%*d%*d%*d", 8388607, 1, 8388607, 2, 8388607, 3, 8388607, 4, 8388607, 5);
	pr_info("length %d\n", n);
	kfree(b);
	return 0;
}
static int print_long(void)
{
	char *s = vmalloc(32 << 20), b[16];

	memset(s, 'A', 32 << 20);
	s[(32 << 20) - 1] = 0;
	pr_info("length %d %s\n", snprintf(b, 16, "%s", s), b);
	printk(KERN_INFO "%s\n", s);
	vfree(s);
	return 0;
}
static noinline void nested(struct va_format *vf, ...)
{
	va_list va;
	char b[64];

	va_start(va, vf);
	vf->va = &va;
	vf->fmt = "%pV%pV";
	snprintf(b, 64, "%pV", vf);
	va_end(va);
}
static int print_nested(void)
{
	struct va_format *vf = kzalloc(sizeof(*vf), GFP_KERNEL);

	nested(vf, vf, vf, vf, vf, vf, vf, vf, vf);
	return 0;
}

#define KIND(name) { #name, name }
static const struct { const char *name; int (*fn)(void); } kinds[] = {
	KIND(circle_list_sort), KIND(circle_kobject), KIND(circle_notifier), KIND(circle_rbtree), KIND(circle_scatterlist),
	KIND(circle_resource), KIND(circle_skb), KIND(circle_xarray), KIND(circle_wait), KIND(circle_dentry),
	KIND(endless_tasklet), KIND(endless_timer), KIND(endless_hrtimer), KIND(endless_hrtimer_stuck), KIND(endless_irq_work),
	KIND(endless_work), KIND(endless_delayed_work), KIND(endless_rcu), KIND(endless_usleep), KIND(endless_schedule),
	KIND(endless_timeout), KIND(endless_printk), KIND(endless_warn), KIND(endless_loop), KIND(endless_sort),
	KIND(make_small), KIND(make_large), KIND(make_page), KIND(make_vmalloc), KIND(make_vmalloc_small), KIND(make_percpu),
	KIND(make_cache), KIND(make_skb), KIND(make_device), KIND(make_sysfs), KIND(make_kobject), KIND(make_proc),
	KIND(make_debugfs), KIND(make_kthread), KIND(make_timer), KIND(make_id), KIND(make_xarray), KIND(make_workqueue),
	KIND(make_class), KIND(make_wild),
	KIND(stack_null), KIND(stack_wild), KIND(stack_noncanonical), KIND(stack_freed), KIND(tags), KIND(current_lost),
	KIND(current_wild), KIND(module_lost), KIND(glob_steps), KIND(print_wide), KIND(print_long), KIND(print_nested),
};

static int __init hostile_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, what)) {
			at_exit = kinds[i].name;
			return kinds[i].fn();
		}
	return -EINVAL;
}
static void __exit hostile_exit(void) { pr_info("%s: %lu\n", at_exit, count); }
module_init(hostile_init);
module_exit(hostile_exit);
MODULE_DESCRIPTION("harm of many kinds");
MODULE_LICENSE("GPL");

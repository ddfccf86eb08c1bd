// SPDX-License-Identifier: GPL-2.0
// Probes with handlers, one use or misuse a mode: what they see, what they may change, what is refused.
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static int mode;
module_param(mode, int, 0444);

static noinline int sum(int a, int b)
{
	pr_info("sum(%d, %d)\n", a, b);
	return a + b;
}

static noinline int other(int a, int b)
{
	pr_info("other(%d, %d)\n", a, b);
	return a * b;
}

static noinline int countdown(int n)
{
	if (n > 0 && countdown(n - 1) < 0)
		pr_info("negative\n");
	return n;
}

static int data_word = 7;

static unsigned long past(struct kprobe *p, struct pt_regs *regs)
{
	return regs->ip - (unsigned long)p->addr;
}

static int pre(struct kprobe *p, struct pt_regs *regs)
{
	pr_info("pre of %s: ip +%lu, di %d, si %d, in atomic %d\n", p->symbol_name ?: "an address", past(p, regs), (int)regs->di,
		(int)regs->si, in_atomic());
	return 0;
}

static void post(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
	pr_info("post of %s: ip +%lu, flags %lx\n", p->symbol_name ?: "an address", past(p, regs), flags);
}

static int changing(struct kprobe *p, struct pt_regs *regs)
{
	regs->di = 40;
	return 0;
}

static int diverting(struct kprobe *p, struct pt_regs *regs)
{
	regs->ip = (unsigned long)other;
	return 1;
}

static int nested(struct kprobe *p, struct pt_regs *regs)
{
	pr_info("nested: %d\n", sum(100, 1));
	return 0;
}

static int faulting(struct kprobe *p, struct pt_regs *regs)
{
	return *(volatile int *)(regs->di - 1);
}

static struct kprobe probe = { .pre_handler = pre, .post_handler = post };
static struct kprobe second = { .pre_handler = changing };

static int entered(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	*(long *)ri->data = regs->di;
	return regs->di == 13; /* not this one */
}

static int left(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	pr_info("%s: %ld gave %d\n", get_kretprobe(ri)->kp.symbol_name, *(long *)ri->data, (int)regs_return_value(regs));
	return 0;
}

static int inflate(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	regs->ax = 1000;
	return 0;
}

static struct kretprobe returning = { .handler = left, .entry_handler = entered, .data_size = sizeof(long), .maxactive = 20 };

static void notrace traced(unsigned long ip, unsigned long parent, struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);

	pr_info("traced: ip %d, parent %d, regs %d\n", ip == (unsigned long)sum, within_module(parent, THIS_MODULE), regs != NULL);
	if (regs && (ops->flags & FTRACE_OPS_FL_IPMODIFY))
		regs->ip = (unsigned long)other;
}

static struct ftrace_ops tracer = { .func = traced };

static int kp(struct kprobe *p, const char *symbol)
{
	int ret;

	p->symbol_name = symbol;
	ret = register_kprobe(p);
	pr_info("register %s: %d\n", symbol, ret);
	return ret;
}

static int kret(const char *symbol)
{
	int ret;

	returning.kp.symbol_name = symbol;
	ret = register_kretprobe(&returning);
	pr_info("register %s: %d\n", symbol, ret);
	return ret;
}

static void refused(void)
{
	static struct kprobe none, both = { .symbol_name = "sum", .addr = (void *)sum }, unknown = { .symbol_name = "no_such_fn" };
	static struct kprobe data = { .addr = (void *)&data_word }, wild = { .addr = (void *)16 }, off = { .symbol_name = "data_word" };
	static struct kretprobe inside = { .kp.symbol_name = "sum", .kp.offset = 5, .handler = left };
	static struct kretprobe huge = { .kp.symbol_name = "sum", .handler = left, .data_size = 5000 };

	pr_info("neither: %d\n", register_kprobe(&none));
	pr_info("both: %d\n", register_kprobe(&both));
	pr_info("unknown: %d\n", register_kprobe(&unknown));
	pr_info("data: %d\n", register_kprobe(&data));
	pr_info("data by name: %d\n", register_kprobe(&off));
	pr_info("wild: %d\n", register_kprobe(&wild));
	pr_info("enable: %d\n", enable_kprobe(&probe));
	pr_info("disable: %d\n", disable_kprobe(&probe));
	pr_info("return inside: %d\n", register_kretprobe(&inside));
	pr_info("return data: %d\n", register_kretprobe(&huge));
	pr_info("vector: %d\n", register_kprobes(NULL, 0));
	unregister_kprobe(&probe);
}

static void run(void)
{
	unsigned int value = 0;
	struct kprobe *both[] = { &probe, &second };
	int ret;

	switch (mode) {
	case 1: /* a function of its own */
		kp(&probe, "sum");
		pr_info("= %d\n", sum(1, 2));
		unregister_kprobe(&probe);
		pr_info("= %d\n", sum(3, 4));
		break;
	case 2: /* what comes back, and not always */
		kret("sum");
		sum(1, 2);
		sum(13, 2);
		unregister_kretprobe(&returning);
		sum(5, 6);
		break;
	case 3: /* a function of the kernel */
		kp(&probe, "kstrtouint");
		ret = kstrtouint("12", 10, &value);
		pr_info("= %d, %u\n", ret, value);
		unregister_kprobe(&probe);
		break;
	case 4: /* the kernel's, which sleeps; and a changed result */
		kret("msleep");
		msleep(20);
		unregister_kretprobe(&returning);
		returning.kp.addr = NULL;
		returning.handler = inflate;
		returning.entry_handler = NULL;
		kret("kstrtouint");
		ret = kstrtouint("12", 10, &value);
		pr_info("= %d, %u\n", ret, value);
		unregister_kretprobe(&returning);
		break;
	case 5:
		refused();
		break;
	case 6: /* off and on */
		probe.flags = KPROBE_FLAG_DISABLED;
		kp(&probe, "sum");
		sum(1, 1);
		pr_info("enable %d\n", enable_kprobe(&probe));
		sum(2, 2);
		pr_info("disable %d\n", disable_kprobe(&probe));
		sum(3, 3);
		unregister_kprobe(&probe);
		break;
	case 7: /* two on one place, one changes an argument */
		probe.symbol_name = second.symbol_name = "sum";
		pr_info("vector: %d\n", register_kprobes(both, 2));
		pr_info("= %d\n", sum(1, 2));
		unregister_kprobes(both, 2);
		pr_info("= %d\n", sum(1, 2));
		break;
	case 8: /* elsewhere instead */
		second.pre_handler = diverting;
		kp(&second, "sum");
		pr_info("= %d\n", sum(6, 7));
		unregister_kprobe(&second);
		second.addr = NULL;
		kp(&second, "kstrtouint");
		pr_info("diverted\n");
		kstrtouint("12", 10, &value);
		unregister_kprobe(&second);
		break;
	case 9: /* forgotten */
		kp(&probe, "sum");
		kret("kstrtouint");
		break;
	case 10: /* functions that only the kernel calls */
		kp(&probe, "kernel_clone");
		unregister_kprobe(&probe);
		kret("do_sys_openat2");
		unregister_kretprobe(&returning);
		break;
	case 11: /* more calls at once than places for them */
		returning.maxactive = 3;
		kret("countdown");
		countdown(5);
		pr_info("missed %d\n", returning.nmissed);
		unregister_kretprobe(&returning);
		break;
	case 12: /* in its own handler */
		second.pre_handler = nested;
		kp(&second, "sum");
		sum(1, 2);
		pr_info("missed %lu\n", second.nmissed);
		unregister_kprobe(&second);
		break;
	case 13: /* twice */
		kp(&probe, "sum");
		probe.addr = NULL;
		probe.symbol_name = NULL;
		probe.addr = (void *)sum;
		pr_info("again: %d\n", register_kprobe(&probe));
		unregister_kprobe(&probe);
		break;
	case 14: /* a handler that faults */
		second.pre_handler = faulting;
		kp(&second, "sum");
		sum(1, 2);
		break;
	case 15: /* ftrace */
		pr_info("filter %d\n", ftrace_set_filter_ip(&tracer, (unsigned long)sum, 0, 0));
		pr_info("register %d\n", register_ftrace_function(&tracer));
		pr_info("= %d\n", sum(1, 2));
		pr_info("unregister %d\n", unregister_ftrace_function(&tracer));
		pr_info("= %d\n", sum(1, 2));
		pr_info("unregister again %d\n", unregister_ftrace_function(&tracer));
		break;
	case 16: /* ftrace as live patches use it */
		tracer.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_RECURSION;
		pr_info("filter %d\n", ftrace_set_filter(&tracer, "sum", 3, 0));
		pr_info("register %d\n", register_ftrace_function(&tracer));
		pr_info("= %d\n", sum(6, 7));
		pr_info("unregister %d\n", unregister_ftrace_function(&tracer));
		pr_info("filter nothing %d\n", ftrace_set_filter_ip(&tracer, (unsigned long)sum + 1, 0, 0));
		pr_info("filter unknown %d\n", ftrace_set_filter(&tracer, "no_such_fn", 10, 1));
		break;
	case 17: /* by address, kept until exit */
		probe.addr = (void *)sum;
		pr_info("register: %d\n", register_kprobe(&probe));
		sum(8, 9);
		break;
	}
}

static int __init kprobes_init(void)
{
	run();
	return 0;
}

static void __exit kprobes_exit(void)
{
	if (mode == 17) {
		sum(9, 8);
		unregister_kprobe(&probe);
	}
}

module_init(kprobes_init);
module_exit(kprobes_exit);
MODULE_DESCRIPTION("kprobes, kretprobes and ftrace hooks");
MODULE_LICENSE("GPL");

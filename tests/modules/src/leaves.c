// SPDX-License-Identifier: GPL-2.0
/* Registers one thing (mode=N) of the kinds that forget.c has not, and never takes it back. fail=1: init fails. */
#include <linux/binfmts.h>
#include <linux/cpuhotplug.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/hwmon.h>
#include <linux/input.h>
#include <linux/interrupt.h>
#include <linux/i2c.h>
#include <linux/key-type.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nls.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <linux/usb.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <crypto/internal/hash.h>

static int mode;
module_param(mode, int, 0444);
static int fail;
module_param(fail, int, 0444);

static struct linux_binfmt binfmt = { .module = THIS_MODULE };
static int load(struct linux_binprm *b) { return -ENOEXEC; }
static unsigned long count(struct shrinker *s, struct shrink_control *c) { return 0; }
static struct shrinker shrinker = { .count_objects = count, .scan_objects = count, .seeks = DEFAULT_SEEKS };
static struct nls_table nls = { .charset = "leaves" };
static struct ctl_table table[] = { { .procname = "leaves", .data = &mode, .maxlen = sizeof(int), .mode = 0444,
				      .proc_handler = proc_dointvec }, { } };
static struct genl_family family = { .name = "leaves", .version = 1, .module = THIS_MODULE };
static int received(struct sk_buff *s, struct net_device *d, struct packet_type *p, struct net_device *o)
{ kfree_skb(s); return 0; }
static struct packet_type packets = { .type = htons(0x88b5), .func = received };
static struct proto proto = { .name = "LEAVES", .owner = THIS_MODULE, .obj_size = sizeof(struct sock) };
static u32 ssthresh(struct sock *sk) { return 2; }
static void avoid(struct sock *sk, u32 a, u32 b) { }
static struct tcp_congestion_ops tcp = { .name = "leaves", .owner = THIS_MODULE, .ssthresh = ssthresh,
					 .undo_cwnd = ssthresh, .cong_avoid = avoid };
static struct pernet_operations pernet;
static struct key_type key_type = { .name = "leaves" };
static int match(struct device *d, struct device_driver *r) { return 0; }
static struct bus_type bus = { .name = "leaves", .match = match };
static enum hrtimer_restart expired(struct hrtimer *t) { return HRTIMER_NORESTART; }
static struct hrtimer hrtimer;
static void later(struct rcu_head *head) { }
static struct rcu_head rcu;
static int online(unsigned int cpu) { return 0; }
static ssize_t leaf_show(struct kobject *k, struct kobj_attribute *a, char *b) { return 0; }
static struct kobj_attribute leaf = __ATTR_RO(leaf);
static struct i2c_driver i2c = { .driver = { .name = "leaves" } };
static struct device_driver plain = { .name = "leaves", .bus = &platform_bus_type };
static struct class *class;
static int digest_init(struct shash_desc *d) { return 0; }
static int digest_update(struct shash_desc *d, const u8 *p, unsigned int n) { return 0; }
static int digest_final(struct shash_desc *d, u8 *out) { return 0; }
static struct shash_alg digest = { .digestsize = 4, .init = digest_init, .update = digest_update,
	.final = digest_final, .base = { .cra_name = "leaves", .cra_driver_name = "leaves-generic",
	.cra_blocksize = 1, .cra_module = THIS_MODULE } };
static int register_input(void)
{
	struct input_dev *dev = input_allocate_device();

	if (!dev)
		return -ENOMEM;
	dev->name = "leaves";
	input_set_capability(dev, EV_KEY, KEY_A);
	return input_register_device(dev);
}

static int __init leaves_init(void)
{
	int r = 0;

	switch (mode) {
	case 1: binfmt.load_binary = load; register_binfmt(&binfmt); break;
	case 2: r = register_shrinker(&shrinker, "leaves"); break;
	case 3: r = register_nls(&nls); break;
	case 4: r = register_sysctl("dev/leaves", table) ? 0 : -ENOMEM; break;
	case 5: r = genl_register_family(&family); break;
	case 6: dev_add_pack(&packets); break;
	case 7: r = proto_register(&proto, 0); break;
	case 8: r = tcp_register_congestion_control(&tcp); break;
	case 9: r = register_pernet_subsys(&pernet); break;
	case 10: r = register_key_type(&key_type); break;
	case 11: r = bus_register(&bus); break;
	case 12: hrtimer_init(&hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL); hrtimer.function = expired;
		 hrtimer_start(&hrtimer, ms_to_ktime(10000), HRTIMER_MODE_REL); break;
	case 13: break; /* in exit */
	case 14: r = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "leaves:online", online, NULL); r = min(r, 0); break;
	case 15: r = kobject_create_and_add("leaves", kernel_kobj) ? 0 : -ENOMEM; break;
	case 16: r = sysfs_create_file(kernel_kobj, &leaf.attr); break;
	case 17: r = i2c_add_driver(&i2c); break;
	case 18: r = driver_register(&plain); break;
	case 19: class = class_create(THIS_MODULE, "leaves"); device_create(class, NULL, 0, NULL, "leaf"); break;
	case 20: r = crypto_register_shash(&digest); break;
	case 21: r = PTR_ERR_OR_ZERO(hwmon_device_register_with_groups(NULL, "leaves", NULL, NULL)); break;
	case 22: r = register_input(); break;
	}
	return r ? r : fail ? -ENODEV : 0;
}

static void __exit leaves_exit(void)
{
	if (mode == 13)
		call_rcu(&rcu, later);
	if (mode == 23) {
		call_rcu(&rcu, later);
		rcu_barrier();
	}
}
module_init(leaves_init);
module_exit(leaves_exit);
MODULE_LICENSE("GPL");

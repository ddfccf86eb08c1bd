// SPDX-License-Identifier: GPL-2.0
/* Notifier chains: its own of three kinds, and the kernel's for modules, which tells of others coming and going. */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/reboot.h>

static BLOCKING_NOTIFIER_HEAD(blocking);
static ATOMIC_NOTIFIER_HEAD(atomic_chain);
static RAW_NOTIFIER_HEAD(raw);

static int first_call(struct notifier_block *nb, unsigned long event, void *data)
{
	pr_info("notifier: first, event %lu, \"%s\"\n", event, (char *)data);
	return NOTIFY_OK;
}

static int second_call(struct notifier_block *nb, unsigned long event, void *data)
{
	pr_info("notifier: second, event %lu, \"%s\"\n", event, (char *)data);
	return event == 2 ? NOTIFY_BAD : event == 3 ? notifier_from_errno(-EBUSY) : NOTIFY_DONE;
}

static int third_call(struct notifier_block *nb, unsigned long event, void *data)
{
	pr_info("notifier: third, event %lu, \"%s\"\n", event, (char *)data);
	return NOTIFY_DONE;
}

static struct notifier_block first = { .notifier_call = first_call, .priority = 100 };
static struct notifier_block second = { .notifier_call = second_call, .priority = 10 };
static struct notifier_block third = { .notifier_call = third_call };

static const char *state_name(unsigned long state)
{
	switch (state) {
	case MODULE_STATE_COMING:	return "coming";
	case MODULE_STATE_LIVE:		return "live";
	case MODULE_STATE_GOING:	return "going";
	default:			return "unformed";
	}
}

static int module_call(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *mod = data;

	pr_info("notifier: module %s is %s%s\n", mod->name, state_name(state), mod == THIS_MODULE ? " (me)" : "");
	return NOTIFY_OK;
}
static struct notifier_block module_block = { .notifier_call = module_call };

static int reboot_call(struct notifier_block *nb, unsigned long event, void *data)
{
	return NOTIFY_DONE;
}
static struct notifier_block reboot_block = { .notifier_call = reboot_call };

static int __init notifier_init(void)
{
	int ret;

	blocking_notifier_chain_register(&blocking, &third);
	blocking_notifier_chain_register(&blocking, &first);
	blocking_notifier_chain_register(&blocking, &second);
	ret = blocking_notifier_call_chain(&blocking, 1, "one");
	pr_info("notifier: result %#x\n", ret);
	ret = blocking_notifier_call_chain(&blocking, 2, "two");
	pr_info("notifier: result %#x, errno %d\n", ret, notifier_to_errno(ret));
	ret = blocking_notifier_call_chain(&blocking, 3, "three");
	pr_info("notifier: result %#x, errno %d\n", ret, notifier_to_errno(ret));
	blocking_notifier_chain_unregister(&blocking, &second);
	ret = blocking_notifier_chain_unregister(&blocking, &second);
	pr_info("notifier: unregistering twice gives %d\n", ret);
	blocking_notifier_call_chain(&blocking, 4, "four");
	blocking_notifier_chain_unregister(&blocking, &first);
	blocking_notifier_chain_unregister(&blocking, &third);

	atomic_notifier_chain_register(&atomic_chain, &first);
	atomic_notifier_call_chain(&atomic_chain, 5, "atomic");
	atomic_notifier_chain_unregister(&atomic_chain, &first);
	raw_notifier_chain_register(&raw, &third);
	raw_notifier_call_chain(&raw, 6, "raw");
	raw_notifier_chain_unregister(&raw, &third);

	ret = register_reboot_notifier(&reboot_block);
	if (ret)
		return ret;
	ret = register_module_notifier(&module_block);
	if (ret)
		unregister_reboot_notifier(&reboot_block);
	return ret;
}

static void __exit notifier_exit(void)
{
	unregister_module_notifier(&module_block);
	unregister_reboot_notifier(&reboot_block);
}

module_init(notifier_init);
module_exit(notifier_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Notifier chains");

// SPDX-License-Identifier: GPL-2.0
/* Callbacks and an exit function that come back with a count raised, and numbers of GPIO lines that no chip has. */
#include <linux/gpio.h>
#include <linux/interrupt.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/timer.h>

static int mode;
module_param(mode, int, 0444);

static struct tasklet_struct tasklet;
static struct timer_list timer;

static void leaky_tasklet(struct tasklet_struct *t)
{
	preempt_disable();
}

static void leaky_timer(struct timer_list *t)
{
	preempt_disable();
}

static void ask_gpio(void)
{
	pr_info("callbackleaks: 17: %d, 5000: %d\n", gpio_request(17, "a"), gpio_request(5000, "b"));
	pr_info("callbackleaks: one: %d\n", gpio_request_one(18, GPIOF_IN, "c"));
	pr_info("callbackleaks: value %d, direction %d, irq %d\n", gpio_get_value(17), gpio_direction_input(17),
		gpio_to_irq(17));
	gpio_set_value(17, 1);
	gpio_free(17);
}

static int __init callbackleaks_init(void)
{
	tasklet_setup(&tasklet, leaky_tasklet);
	timer_setup(&timer, leaky_timer, 0);
	if (mode == 0)
		ask_gpio();
	if (mode == 1)
		tasklet_schedule(&tasklet);
	if (mode == 2)
		mod_timer(&timer, jiffies + 1);
	msleep(20);
	return 0;
}

static void __exit callbackleaks_exit(void)
{
	tasklet_kill(&tasklet);
	del_timer_sync(&timer);
	if (mode == 3)
		rcu_read_lock();
}

module_init(callbackleaks_init);
module_exit(callbackleaks_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("leaks counts from callbacks; asks for GPIO lines by number");

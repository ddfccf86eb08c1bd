/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver for QEMU's "edu" card: what is written to /dev/edu goes to the card's memory, what is read comes from there; a
 * beat looks once a second whether the card lives. Each faulty driver defines one of the FAULT_ names as 1 and includes this.
 */
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#ifndef FAULT_IOUNMAP
#define FAULT_IOUNMAP 0
#endif
#ifndef FAULT_IRQ_LEFT
#define FAULT_IRQ_LEFT 0
#endif
#ifndef FAULT_DMA_LEFT
#define FAULT_DMA_LEFT 0
#endif
#ifndef FAULT_DIRECTION
#define FAULT_DIRECTION 0
#endif
#ifndef FAULT_USE_AFTER_REMOVE
#define FAULT_USE_AFTER_REMOVE 0
#endif
#ifndef FAULT_SLEEP
#define FAULT_SLEEP 0
#endif
#ifndef FAULT_UNBALANCED
#define FAULT_UNBALANCED 0
#endif
#ifndef FAULT_ERROR_PATH
#define FAULT_ERROR_PATH 0
#endif
#ifndef FAULT_DOUBLE_FREE
#define FAULT_DOUBLE_FREE 0
#endif
#ifndef FAULT_PAST_BAR
#define FAULT_PAST_BAR 0
#endif
#ifndef FAULT_MSI_LEFT
#define FAULT_MSI_LEFT 0
#endif
#ifndef FAULT_WORK_LEFT
#define FAULT_WORK_LEFT 0
#endif

#define EDU_ID		0x00
#define EDU_LIVENESS	0x04
#define EDU_CAUSE	0x24
#define EDU_ACKNOWLEDGE	0x64
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_START	BIT(0)
#define EDU_TO_MEMORY	BIT(1)
#define EDU_INTERRUPTS	BIT(2)
#define EDU_DMA_DONE	0x100
#define EDU_BUFFER	0x40000
/* QEMU does not take all 4096 at once. */
#define EDU_BYTES	2048

struct edu {
	struct kref ref;
	struct pci_dev *pdev;
	void __iomem *bar;
	int irq;
	bool gone;
	struct mutex lock;
	struct completion done;
	struct miscdevice misc;
	struct delayed_work beat;
	u8 *status;
	dma_addr_t status_dma;
	u32 beats;
};

static void edu_release(struct kref *ref)
{
	kfree(container_of(ref, struct edu, ref));
}

static int edu_open(struct inode *inode, struct file *file)
{
	struct edu *edu = container_of(file->private_data, struct edu, misc);

	if (!FAULT_USE_AFTER_REMOVE)
		kref_get(&edu->ref);
	file->private_data = edu;
	return 0;
}

static int edu_close(struct inode *inode, struct file *file)
{
	struct edu *edu = file->private_data;

	if (!FAULT_USE_AFTER_REMOVE)
		kref_put(&edu->ref, edu_release);
	return 0;
}

static void edu_set64(struct edu *edu, unsigned int reg, u64 value)
{
	writel(lower_32_bits(value), edu->bar + reg);
	writel(upper_32_bits(value), edu->bar + reg + 4);
}

/* Lets the card transfer; with the lock held. */
static int edu_transfer(struct edu *edu, dma_addr_t memory, size_t bytes, bool to_memory)
{
	reinit_completion(&edu->done);
	edu_set64(edu, EDU_SOURCE, to_memory ? EDU_BUFFER : memory);
	edu_set64(edu, EDU_TARGET, to_memory ? memory : EDU_BUFFER);
	edu_set64(edu, EDU_COUNT, bytes);
	writel(EDU_START | EDU_INTERRUPTS | (to_memory ? EDU_TO_MEMORY : 0), edu->bar + EDU_COMMAND);
	if (!wait_for_completion_timeout(&edu->done, HZ))
		return -EIO;
	return 0;
}

static int edu_map_and_transfer(struct edu *edu, u8 *buffer, size_t bytes, bool to_memory)
{
	enum dma_data_direction direction = to_memory ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	struct device *dev = &edu->pdev->dev;
	dma_addr_t memory;
	int error;

	if (FAULT_DIRECTION)
		direction = DMA_TO_DEVICE;
	memory = dma_map_single(dev, buffer, bytes, direction);
	if (dma_mapping_error(dev, memory))
		return -ENOMEM;
	error = edu_transfer(edu, memory, bytes, to_memory);
	/* The card may still be at it. */
	if (error)
		writel(0, edu->bar + EDU_COMMAND);
	dma_unmap_single(dev, memory, bytes, direction);
	return error;
}

static ssize_t edu_read(struct file *file, char __user *to, size_t count, loff_t *at)
{
	struct edu *edu = file->private_data;
	size_t bytes = min_t(size_t, count, EDU_BYTES);
	ssize_t result;
	u8 *buffer;

	buffer = kzalloc(bytes, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	mutex_lock(&edu->lock);
	result = edu->gone ? -ENODEV : edu_map_and_transfer(edu, buffer, bytes, true);
	mutex_unlock(&edu->lock);
	if (!result)
		result = copy_to_user(to, buffer, bytes) ? -EFAULT : bytes;
	kfree(buffer);
	return result;
}

static ssize_t edu_write(struct file *file, const char __user *from, size_t count, loff_t *at)
{
	struct edu *edu = file->private_data;
	size_t bytes = min_t(size_t, count, EDU_BYTES);
	ssize_t result;
	u8 *buffer;

	buffer = memdup_user(from, bytes);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	mutex_lock(&edu->lock);
	result = edu->gone ? -ENODEV : edu_map_and_transfer(edu, buffer, bytes, false);
	mutex_unlock(&edu->lock);
	kfree(buffer);
	return result ?: bytes;
}

static const struct file_operations edu_fops = {
	.owner = THIS_MODULE,
	.open = edu_open,
	.release = edu_close,
	.read = edu_read,
	.write = edu_write,
};

static irqreturn_t edu_interrupt(int irq, void *data)
{
	struct edu *edu = data;
	u32 cause = readl(edu->bar + EDU_CAUSE);

	/* Not ours, or the card is gone. */
	if (cause == 0 || cause == U32_MAX)
		return IRQ_NONE;
	if (FAULT_SLEEP)
		msleep(1);
	writel(cause, edu->bar + EDU_ACKNOWLEDGE);
	if (cause & EDU_DMA_DONE)
		complete(&edu->done);
	return IRQ_HANDLED;
}

static void edu_beat(struct work_struct *work)
{
	struct edu *edu = container_of(work, struct edu, beat.work);

	writel(edu->beats, edu->bar + EDU_LIVENESS);
	if (readl(edu->bar + EDU_LIVENESS) != ~edu->beats)
		dev_warn_once(&edu->pdev->dev, "the card does not answer\n");
	edu->beats++;
	schedule_delayed_work(&edu->beat, HZ);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu *edu;
	int error;

	edu = kzalloc(sizeof(*edu), GFP_KERNEL);
	if (!edu)
		return -ENOMEM;
	kref_init(&edu->ref);
	mutex_init(&edu->lock);
	init_completion(&edu->done);
	INIT_DELAYED_WORK(&edu->beat, edu_beat);
	edu->pdev = pdev;
	pci_set_drvdata(pdev, edu);

	error = pci_enable_device(pdev);
	if (error)
		goto free;
	error = pci_request_regions(pdev, KBUILD_MODNAME);
	if (error)
		goto disable;
	edu->bar = pci_iomap(pdev, 0, 0);
	if (!edu->bar) {
		error = -ENOMEM;
		goto regions;
	}
	if ((readl(edu->bar + EDU_ID) & 0xff) != 0xed) {
		error = -ENODEV;
		goto unmap;
	}
	if (FAULT_PAST_BAR)
		edu->beats = readl(edu->bar + pci_resource_len(pdev, 0));
	error = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (error)
		goto unmap;
	pci_set_master(pdev);
	edu->status = dma_alloc_coherent(&pdev->dev, PAGE_SIZE, &edu->status_dma, GFP_KERNEL);
	if (!edu->status) {
		error = -ENOMEM;
		/* The third thing that can fail takes back the others but one. */
		if (FAULT_ERROR_PATH)
			goto regions;
		goto unmap;
	}
	error = pci_alloc_irq_vectors(pdev, 1, 1, FAULT_IRQ_LEFT ? PCI_IRQ_LEGACY : PCI_IRQ_MSI | PCI_IRQ_LEGACY);
	if (error < 0)
		goto coherent;
	edu->irq = pci_irq_vector(pdev, 0);
	error = request_irq(edu->irq, edu_interrupt, IRQF_SHARED, KBUILD_MODNAME, edu);
	if (error)
		goto vectors;
	edu->misc.minor = MISC_DYNAMIC_MINOR;
	edu->misc.name = "edu";
	edu->misc.fops = &edu_fops;
	edu->misc.parent = &pdev->dev;
	error = misc_register(&edu->misc);
	if (error)
		goto irq;
	schedule_delayed_work(&edu->beat, HZ);
	dev_info(&pdev->dev, "version %08x\n", readl(edu->bar + EDU_ID));
	return 0;

irq:
	free_irq(edu->irq, edu);
vectors:
	pci_free_irq_vectors(pdev);
coherent:
	dma_free_coherent(&pdev->dev, PAGE_SIZE, edu->status, edu->status_dma);
unmap:
	pci_iounmap(pdev, edu->bar);
regions:
	pci_release_regions(pdev);
disable:
	pci_disable_device(pdev);
free:
	kref_put(&edu->ref, edu_release);
	return error;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	misc_deregister(&edu->misc);
	if (!FAULT_WORK_LEFT)
		cancel_delayed_work_sync(&edu->beat);
	mutex_lock(&edu->lock);
	edu->gone = true;
	mutex_unlock(&edu->lock);
	if (!FAULT_IRQ_LEFT)
		free_irq(edu->irq, edu);
	if (!FAULT_MSI_LEFT)
		pci_free_irq_vectors(pdev);
	if (!FAULT_DMA_LEFT)
		dma_free_coherent(&pdev->dev, PAGE_SIZE, edu->status, edu->status_dma);
	if (!FAULT_IOUNMAP)
		pci_iounmap(pdev, edu->bar);
	pci_release_regions(pdev);
	pci_disable_device(pdev);
	if (FAULT_UNBALANCED)
		pci_disable_device(pdev);
	kref_put(&edu->ref, edu_release);
	if (FAULT_DOUBLE_FREE)
		kfree(edu);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("Driver for the edu card");
MODULE_LICENSE("GPL");

import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';
import { SimulatedPciBus } from '../testing/pci-device.js';

const target = await imageTarget();

const IRQCHIP_STATE_PENDING = 0;

describe.skipIf(target === undefined)(
  'native functions about interrupts and PCI devices of TypeScript',
  () => {
    const g = guest({}, target!);
    const { k, call } = g;

    it('find the truth in the descriptor', () => {
      const irq = call.__irq_alloc_descs(-1, 0, 1, -1, 0, 0);
      call.irq_set_chip_and_handler_name(irq, k.symbol('dummy_irq_chip'), k.fn('handle_simple_irq'), 0);
      expect(call.irq_set_parent(irq, 9)).toBe(0);
      expect(k.struct('irq_desc').get(call.irq_to_desc(irq), 'parent_irq')).toBe(9);
      expect(call.irq_domain_get_irq_data(0, irq)).toBe(call.irq_get_irq_data(irq));
      // Its chip does not tell.
      expect(call.irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, k.permanent(8))).toBe(-22);
      expect(call.irq_get_irqchip_state(4000, IRQCHIP_STATE_PENDING, k.permanent(8))).toBe(-22);
      expect(g.reports()).toEqual([]);
    });

    it('go through the configuration space of a device', () => {
      const bus = new SimulatedPciBus(k);
      const id = { vendor: 0x1234, device: 0x11e8 };
      const { pdev } = g.run(() => bus.plug({ id, power: true, express: true }, 5));
      const from = k.log.next;
      call.pcie_print_link_status(pdev);
      expect([...k.log.linesFrom(from)].join()).toMatch(/^pci 0000:00:05\.0: .*PCIe bandwidth/);
      expect(call.pci_max_pasids(pdev)).toBe(-22);
      expect(g.reports()).toEqual([]);
    });
  },
);

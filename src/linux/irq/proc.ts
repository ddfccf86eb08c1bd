import type { LinuxKernel } from '../kernel.js';
import { IrqHandling } from './handle.js';
import { IrqDescs } from './irq-desc.js';
import { Interrupts } from './manage.js';

/** The cascade has no handler that counts. */
const CASCADE = 2;

/** Interrupts of the CPU itself (arch_show_interrupts()). */
const OWN_COUNTERS = [
  ['NMI', 'Non-maskable interrupts'],
  ['LOC', 'Local timer interrupts'],
  ['SPU', 'Spurious interrupts'],
  ['PMI', 'Performance monitoring interrupts'],
  ['IWI', 'IRQ work interrupts'],
  ['RTR', 'APIC ICR read retries'],
  ['RES', 'Rescheduling interrupts'],
  ['CAL', 'Function call interrupts'],
  ['TLB', 'TLB shootdowns'],
] as const;

/** show_interrupts(): the text of /proc/interrupts. */
export function interruptsText(k: LinuxKernel): string {
  const descs = k.struct('irq_desc');
  const chips = k.struct('irq_chip');
  const interrupts = k.get(Interrupts);
  const lines = k
    .get(IrqDescs)
    .all()
    .map(([irq, desc]) => {
      const names = interrupts.actionsOf(irq).map((action) => interrupts.nameOf(action));
      if (names.length === 0 || irq === CASCADE) return '';
      const chip = chips.string(descs.get(desc, 'irq_data.chip'), 'name').padStart(8);
      const where = `${String(descs.get(desc, 'irq_data.hwirq')).padStart(3)}-${descs.string(desc, 'name').padEnd(8)}`;
      const count = String(k.get(IrqHandling).counted(desc)).padStart(10);
      return `${String(irq).padStart(3)}: ${count}  ${chip} ${where}  ${names.join(', ')}\n`;
    });
  const counters = OWN_COUNTERS.map(([label, what]) => `${label}: ${'0'.padStart(10)}   ${what}\n`);
  return `${' '.repeat(11)}CPU0       \n${lines.join('')}${counters.join('')}ERR: ${'0'.padStart(10)}\nMIS: ${'0'.padStart(10)}\n`;
}

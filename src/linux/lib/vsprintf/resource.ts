import type { Ptr } from '../../../cpu/layout.js';
import {
  IORESOURCE_BUS,
  IORESOURCE_DMA,
  IORESOURCE_IO,
  IORESOURCE_IRQ,
  IORESOURCE_MEM,
  IORESOURCE_UNSET,
} from '../../abi/ioport.js';
import type { FormatContext } from './context.js';
import { formatNumber } from './number.js';
import { HEX_FLAGS, PLAIN, type Spec } from './spec.js';
import { formatText } from './text.js';

const ATTRIBUTES: readonly (readonly [mask: number, text: string])[] = [
  [0x0010_0000, ' 64bit'],
  [0x2000, ' pref'],
  [0x0020_0000, ' window'],
  [0x1000_0000, ' disabled'],
];

const hexWidth = (width: number, prefix: boolean): Spec => ({
  ...PLAIN,
  base: 16,
  lower: true,
  zeroPad: true,
  prefix,
  width,
});

const TYPES: readonly (readonly [mask: number, name: string, spec: Spec])[] = [
  [IORESOURCE_IO, 'io  ', hexWidth(6, true)],
  [IORESOURCE_MEM, 'mem ', hexWidth(10, true)],
  [IORESOURCE_IRQ, 'irq ', PLAIN],
  [IORESOURCE_DMA, 'dma ', PLAIN],
  [IORESOURCE_BUS, 'bus ', hexWidth(2, false)],
];

/** %pR (flags decoded) and %pr (flags in hexadecimal): a struct resource. */
export function formatResource(context: FormatContext, ptr: Ptr, spec: Spec, letters: string): string {
  const resource = context.struct('resource');
  const flags = Number(resource.getBig(ptr, 'flags'));
  const start = resource.getBig(ptr, 'start');
  const end = resource.getBig(ptr, 'end');
  const known = TYPES.find(([mask]) => flags & mask);
  const [, name, number] = known ?? [0, '??? ', hexWidth(10, true)];
  const decoded = letters[0] === 'R' && known !== undefined;
  let text = `[${name}`;
  if (decoded && flags & IORESOURCE_UNSET) {
    text += `size ${formatNumber(BigInt.asUintN(64, end - start + 1n), number)}`;
  } else {
    text += formatNumber(start, number);
    if (start !== end) text += `-${formatNumber(end, number)}`;
  }
  if (decoded) {
    for (const [mask, attribute] of ATTRIBUTES) if (flags & mask) text += attribute;
  } else text += ` flags ${formatNumber(BigInt(flags), HEX_FLAGS)}`;
  return formatText(`${text}]`, spec);
}

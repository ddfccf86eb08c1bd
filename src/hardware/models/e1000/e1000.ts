import { type PciDevice, pci } from '../../pci/pci.js';
import {
  DESCRIPTOR_BYTES,
  DONE,
  END_OF_PACKET,
  IGNORE_CHECKSUM,
  insertChecksum,
  type Offload,
  parseSend,
  RECEIVED_END,
  REPORT_STATUS,
  SEGMENT,
} from './descriptors.js';
import { drive, type Microwire, microwire } from './microwire.js';
import { powerOnPhy, readPhy, writePhy } from './phy.js';
import { registers } from './registers.js';

const VENDOR = 0x8086;
const DEVICE = 0x100e;
/** Causes of interrupts (13.4.17). */
const SENT = 0x01;
const QUEUE_EMPTY = 0x02;
const LINK_CHANGED = 0x04;
const FEW_LEFT = 0x10;
const OVERRUN = 0x40;
const RECEIVED = 0x80;
const CAUSES = 0x1_ffff;

const PHY_READ = 2;
const PHY_WRITE = 1;
const PHY_ADDRESS = 1;
/** Words of the EEPROM add up to this. */
const EEPROM_SUM = 0xbaba;
const ADDRESS_VALID = 0x8000_0000;
const SHORTEST = 60;
const CRC_BYTES = 4;
/** Buffers by RCTL's size field, 16 times those where it is extended. */
const BUFFERS = [2048, 1024, 512, 256];

interface State {
  readonly eeprom: Microwire;
  readonly phy: number[];
  link: boolean;
  /** Frames that it has sent, without CRC. */
  readonly sent: Uint8Array[];
  /** The packet that descriptors are making up. */
  packet: number[];
  offload: Offload | undefined;
  /** The register that the window of I/O ports is on. */
  window: number;
}

export type E1000 = PciDevice<typeof registers, State, never>;

/** What a card of that address has in its EEPROM. */
function eepromOf(mac: readonly number[]): number[] {
  const words = new Array<number>(64).fill(0xffff);
  for (let i = 0; i < 3; i++) words[i] = mac[2 * i] | (mac[2 * i + 1] << 8);
  // Initialization control 1 and 2, subsystem and device identifiers (5.6).
  words[0x0a] = 0x6403;
  words[0x0b] = DEVICE;
  words[0x0c] = VENDOR;
  words[0x0d] = DEVICE;
  words[0x0e] = VENDOR;
  words[0x0f] = 0x3040;
  const sum = words.slice(0, 0x3f).reduce((total, word) => total + word, 0);
  words[0x3f] = (EEPROM_SUM - sum) & 0xffff;
  return words;
}

const word = (card: E1000, low: string, high: string): bigint =>
  (BigInt(card.regs[high].value) << 32n) | BigInt(card.regs[low].value);

function signal(card: E1000): void {
  if (Number(card.regs.icr.value) & Number(card.regs.ims.value)) card.irq.raise();
  else card.irq.lower();
}

function cause(card: E1000, bits: number): void {
  card.regs.icr.value = Number(card.regs.icr.value) | bits;
  signal(card);
}

const count = (card: E1000, register: string, by = 1): void => {
  card.regs[register].value = (Number(card.regs[register].value) + by) >>> 0;
};

function reset(card: E1000): void {
  for (const [name, { reset: value = 0 }] of Object.entries(registers)) card.regs[name].value = value;
  loadAddress(card);
  card.state.packet = [];
  card.state.offload = undefined;
  signal(card);
}

/** The card takes its address from the EEPROM. */
function loadAddress(card: E1000): void {
  const { words } = card.state.eeprom;
  card.regs.ral0.value = ((words[1] << 16) | words[0]) >>> 0;
  card.regs.rah0.value = (words[2] | ADDRESS_VALID) >>> 0;
}

function transferPhy(card: E1000): void {
  const { mdic } = card.regs;
  const { phy, link } = card.state;
  if (mdic.phy !== PHY_ADDRESS) mdic.error = 1;
  else if (mdic.operation === PHY_READ) mdic.data = readPhy(phy, mdic.register, link);
  else if (mdic.operation === PHY_WRITE) writePhy(phy, mdic.register, mdic.data);
  mdic.ready = 1;
}

/** Sends what the descriptors from head to tail say. */
function send(card: E1000): void {
  const { regs, dma } = card;
  const entries = Math.floor(Number(regs.tdlen.value) / DESCRIPTOR_BYTES);
  if (!regs.tctl.enable || entries === 0) return;
  const base = word(card, 'tdbal', 'tdbah');
  let causes = 0;
  for (let turns = 0; regs.tdh.value !== regs.tdt.value && turns < entries; turns++) {
    const at = base + BigInt(Number(regs.tdh.value) * DESCRIPTOR_BYTES);
    const { command } = sendOne(card, dma.read(at, DESCRIPTOR_BYTES));
    if (command & REPORT_STATUS) {
      const [status] = dma.read(at + 12n, 1);
      dma.write(at + 12n, Uint8Array.of(status | DONE));
      causes |= SENT;
    }
    regs.tdh.value = (Number(regs.tdh.value) + 1) % entries;
  }
  cause(card, causes | QUEUE_EMPTY);
}

function sendOne(card: E1000, bytes: Uint8Array): { readonly command: number } {
  const { state, dma } = card;
  const descriptor = parseSend(bytes);
  const { command } = descriptor;
  if (descriptor.kind === 'context') {
    state.offload = descriptor.offload;
    return descriptor;
  }
  state.packet.push(...dma.read(descriptor.address, descriptor.length));
  if (!(command & END_OF_PACKET)) return descriptor;
  const packet = Uint8Array.from(state.packet);
  state.packet = [];
  if (descriptor.kind === 'legacy') {
    if (descriptor.checksum) insertChecksum(packet, descriptor.checksum);
  } else {
    if (command & SEGMENT) card.lacks('TCP segmentation: the packet is sent as one');
    if (descriptor.ip && state.offload) insertChecksum(packet, state.offload.ip);
    if (descriptor.transport && state.offload) insertChecksum(packet, state.offload.transport);
  }
  state.sent.push(packet);
  count(card, 'gptc');
  count(card, 'tpt');
  count(card, 'gotcl', packet.length + CRC_BYTES);
  return descriptor;
}

/** Whether the card's filters let a frame through (3.2.1). */
function accepts({ regs }: E1000, frame: Uint8Array): boolean {
  const { rctl } = regs;
  const isMulticast = (frame[0] & 1) !== 0;
  if (frame.subarray(0, 6).every((byte) => byte === 0xff))
    return rctl.broadcast === 1 || rctl.multicastAll === 1;
  if (isMulticast ? rctl.multicastAll : rctl.unicastAll) return true;
  const view = new DataView(frame.buffer, frame.byteOffset);
  const [low, high] = [view.getUint32(0, true), view.getUint16(4, true)];
  for (let i = 0; i < 16; i++) {
    const top = Number(regs[`rah${i}`].value);
    if (top & ADDRESS_VALID && Number(regs[`ral${i}`].value) === low && (top & 0xffff) === high) return true;
  }
  if (!isMulticast) return false;
  const shift = [4, 3, 2, 0][rctl.hash];
  const hash = (high >> shift) & 0xfff;
  return ((Number(regs[`mta${hash >> 5}`].value) >>> (hash & 31)) & 1) !== 0;
}

/** A frame, without its CRC, comes from the wire. False where the card does not take it, or has nowhere to put it. */
export function receiveFrame(card: E1000, frame: Uint8Array): boolean {
  const { regs, dma, state } = card;
  const { rctl } = regs;
  if (!rctl.enable || !state.link || !accepts(card, frame)) return false;
  const whole = new Uint8Array(Math.max(frame.length, SHORTEST) + (rctl.stripCrc ? 0 : CRC_BYTES));
  whole.set(frame);
  const room = BUFFERS[rctl.size] * (rctl.extended ? 16 : 1);
  const entries = Math.floor(Number(regs.rdlen.value) / DESCRIPTOR_BYTES);
  const free = entries === 0 ? 0 : (Number(regs.rdt.value) - Number(regs.rdh.value) + entries) % entries;
  if (free * room < whole.length) {
    count(card, 'mpc');
    cause(card, OVERRUN);
    return false;
  }
  const base = word(card, 'rdbal', 'rdbah');
  for (let at = 0; at < whole.length; at += room) {
    const part = whole.subarray(at, at + room);
    const isLast = at + room >= whole.length;
    const place = base + BigInt(Number(regs.rdh.value) * DESCRIPTOR_BYTES);
    const buffer = new DataView(dma.read(place, 8).buffer).getBigUint64(0, true);
    dma.write(buffer, part);
    const status = new Uint8Array(8);
    new DataView(status.buffer).setUint16(0, part.length, true);
    status[4] = DONE | IGNORE_CHECKSUM | (isLast ? RECEIVED_END : 0);
    dma.write(place + 8n, status);
    regs.rdh.value = (Number(regs.rdh.value) + 1) % entries;
  }
  count(card, 'gprc');
  count(card, 'tpr');
  count(card, 'gorcl', whole.length);
  const left = (Number(regs.rdt.value) - Number(regs.rdh.value) + entries) % entries;
  cause(card, RECEIVED | (left <= entries >> (rctl.threshold + 1) ? FEW_LEFT : 0));
  return true;
}

/** Intel's 82540EM, the gigabit Ethernet card that virtual machines have. Interrupts come at once, whatever the throttling registers say. */
export const e1000 = pci({
  name: 'e1000',
  id: { vendor: VENDOR, device: DEVICE, subvendor: 0x1af4, subdevice: 0x1100, class: 0x02_0000, revision: 3 },
  bars: {
    0: { size: 0x2_0000 },
    1: {
      size: 0x40,
      io: true,
      // A window on the registers: an address, and what is there.
      read: (card: E1000, offset, size) =>
        offset === 4 ? card.bus.read(card.state.window, size) : BigInt(card.state.window),
      write(card: E1000, offset, size, value) {
        if (offset === 0) card.state.window = Number(value);
        else if (offset === 4) card.bus.write(card.state.window, size, value);
      },
    },
  },
  interrupts: { pin: 'A' },
  registers,
  state: (): State => ({
    eeprom: microwire(eepromOf([0x52, 0x54, 0x00, 0x12, 0x34, 0x56])),
    phy: powerOnPhy(),
    link: true,
    sent: [],
    packet: [],
    offload: undefined,
    window: 0,
  }),
  powerOn: (card: E1000) => reset(card),
  controls: {
    link: {
      min: 0,
      max: 1,
      set(card: E1000, up) {
        card.state.link = up !== 0;
        card.regs.status.linkUp = up;
        cause(card, LINK_CHANGED);
      },
    },
  },
  reads: {
    icr(card: E1000) {
      const causes = Number(card.regs.icr.value);
      // Reading clears all, and with that the reason to interrupt.
      card.irq.lower();
      return causes;
    },
    eecd({ regs, state }: E1000) {
      regs.eecd.dataOut = Number(state.eeprom.dataOut);
      regs.eecd.grant = regs.eecd.request;
      regs.eecd.present = 1;
      return regs.eecd.value;
    },
  },
  writes: {
    ctrl(card: E1000) {
      if (card.regs.ctrl.reset) reset(card);
    },
    eecd: ({ regs, state }: E1000) =>
      drive(state.eeprom, regs.eecd.select === 1, regs.eecd.clock === 1, regs.eecd.dataIn === 1),
    mdic: (card: E1000) => transferPhy(card),
    ics: (card: E1000, value) => cause(card, Number(value) & CAUSES),
    ims: (card: E1000) => signal(card),
    imc(card: E1000, value) {
      card.regs.ims.value = Number(card.regs.ims.value) & ~Number(value);
      signal(card);
    },
    tdt: (card: E1000) => send(card),
  },
});

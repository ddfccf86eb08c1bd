import type { RegisterSpec, RegisterSpecs } from '../../registers.js';

/** So many registers in a row. */
function array(name: string, at: number, count: number, step = 4): { [name: string]: RegisterSpec } {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, { at: at + step * i }]));
}

/** Statistics: cleared when they are read, in the order of their offsets from 0x4000; '' where none is. */
const STATISTICS = `crcerrs algnerrc symerrs rxerrc mpc scc ecol mcc latecol - colc - dc tncrs sec cexterr
rlec - xonrxc xontxc xoffrxc xofftxc fcruc prc64 prc127 prc255 prc511 prc1023 prc1522 gprc bprc mprc
gptc - gorcl gorch gotcl gotch - - rnbc ruc rfc roc rjc mgtprc mgtpdc mgtptc
torl torh totl toth tpr tpt ptc64 ptc127 ptc255 ptc511 ptc1023 ptc1522 mptc bptc tsctc tsctfc`.split(/\s+/);

const statistics: RegisterSpecs = Object.fromEntries(
  STATISTICS.flatMap((name, i) =>
    name === '-' ? [] : [[name, { at: 0x4000 + 4 * i, access: 'rc' } satisfies RegisterSpec]],
  ),
);

const named = {
  ctrl: { at: 0x0000, reset: 0x201, bits: { fullDuplex: 0, setLinkUp: 6, reset: 26 } },
  status: {
    at: 0x0008,
    access: 'ro',
    reset: 0x783,
    bits: { fullDuplex: 0, linkUp: 1, speed: [7, 6], pci66: 11, bus64: 12 },
  },
  eecd: {
    at: 0x0010,
    bits: { clock: 0, select: 1, dataIn: 2, dataOut: 3, request: 6, grant: 7, present: 8 },
  },
  eerd: { at: 0x0014, todo: 'reading the EEPROM without its pins' },
  ctrlExt: { at: 0x0018 },
  fla: { at: 0x001c, todo: 'flash memory' },
  mdic: {
    at: 0x0020,
    bits: { data: [15, 0], register: [20, 16], phy: [25, 21], operation: [27, 26], ready: 28, error: 30 },
  },
  fcal: { at: 0x0028 },
  fcah: { at: 0x002c },
  fct: { at: 0x0030 },
  vet: { at: 0x0038 },
  icr: { at: 0x00c0, access: 'rc' },
  itr: { at: 0x00c4 },
  ics: { at: 0x00c8, access: 'wo' },
  ims: { at: 0x00d0, access: 'w1s' },
  imc: { at: 0x00d8, access: 'wo' },
  rctl: {
    at: 0x0100,
    bits: {
      enable: 1,
      storeBad: 2,
      unicastAll: 3,
      multicastAll: 4,
      loopback: [7, 6],
      threshold: [9, 8],
      hash: [13, 12],
      broadcast: 15,
      size: [17, 16],
      extended: 25,
      stripCrc: 26,
    },
  },
  fcttv: { at: 0x0170 },
  txcw: { at: 0x0178 },
  rxcw: { at: 0x0180, access: 'ro' },
  tctl: { at: 0x0400, bits: { enable: 1, padShort: 3 } },
  tipg: { at: 0x0410 },
  ait: { at: 0x0458 },
  ledctl: { at: 0x0e00, reset: 0x0706_8302 },
  pba: { at: 0x1000, reset: 0x0010_0030 },
  fcrtl: { at: 0x2160 },
  fcrth: { at: 0x2168 },
  rdbal: { at: 0x2800 },
  rdbah: { at: 0x2804 },
  rdlen: { at: 0x2808 },
  rdh: { at: 0x2810 },
  rdt: { at: 0x2818 },
  rdtr: { at: 0x2820 },
  rxdctl: { at: 0x2828 },
  radv: { at: 0x282c },
  rsrpd: { at: 0x2c00 },
  txdmac: { at: 0x3000 },
  tdbal: { at: 0x3800 },
  tdbah: { at: 0x3804 },
  tdlen: { at: 0x3808 },
  tdh: { at: 0x3810 },
  tdt: { at: 0x3818 },
  tidv: { at: 0x3820 },
  txdctl: { at: 0x3828 },
  tadv: { at: 0x382c },
  tspmt: { at: 0x3830 },
  rxcsum: { at: 0x5000 },
  wuc: { at: 0x5800 },
  wufc: { at: 0x5808 },
  wus: { at: 0x5810 },
  manc: { at: 0x5820 },
  ipav: { at: 0x5838 },
  wupl: { at: 0x5900 },
} as const satisfies RegisterSpecs;

/** The named ones keep their fields, tables go by name and number. */
type Registers82540 = typeof named & RegisterSpecs;

/** Registers of the 82540EM (Intel, PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual, chapter 13). */
export const registers: Registers82540 = {
  ...named,
  ...statistics,
  ...array('mta', 0x5200, 128),
  ...array('ral', 0x5400, 16, 8),
  ...array('rah', 0x5404, 16, 8),
  ...array('vfta', 0x5600, 128),
  ...array('ffvt', 0x9800, 128, 8),
  ...array('ffmt', 0x9000, 128, 8),
  ...array('fflt', 0x5f00, 4, 8),
};

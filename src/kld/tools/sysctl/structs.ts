/** What a struct of the kernel says, or why its bytes do not fit. */
type StructText = { readonly text: string } | { readonly problem: string };

const PAGE_KILOBYTES = 4n;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

interface StructShower {
  readonly size: number;
  readonly show: (view: DataView) => string;
}

/** By the format of a node, without its `S,`. */
const STRUCTS: Readonly<Record<string, StructShower>> = {
  clockinfo: { size: 20, show: clockinfo },
  loadavg: { size: 24, show: loadavg },
  timeval: { size: 16, show: timeval },
  vmtotal: { size: 88, show: vmtotal },
  input_id: { size: 8, show: inputId },
};

/** Undefined where sysctl knows no struct of that format, or modbox does not: S,efi_map_header and S,bios_smap_xattr. */
export function showStruct(format: string, value: Uint8Array): StructText | undefined {
  const name = format.startsWith('S,') ? format.slice(2) : '';
  if (!Object.hasOwn(STRUCTS, name)) return undefined;
  const { size, show } = STRUCTS[name];
  if (value.length !== size) return { problem: `S_${name} ${value.length} != ${size}` };
  return { text: show(new DataView(value.buffer, value.byteOffset, value.byteLength)) };
}

/** Whether {@link showStruct} shows values of a format. */
export function knowsStruct(format: string): boolean {
  return format.startsWith('S,') && Object.hasOwn(STRUCTS, format.slice(2));
}

function clockinfo(view: DataView): string {
  const [hz, tick, , stathz, profhz] = [0, 4, 8, 12, 16].map((at) => view.getInt32(at, true));
  return `{ hz = ${hz}, tick = ${tick}, profhz = ${profhz}, stathz = ${stathz} }`;
}

function loadavg(view: DataView): string {
  const scale = Number(view.getBigInt64(16, true));
  const loads = [0, 4, 8].map((at) => (view.getUint32(at, true) / scale).toFixed(2));
  return `{ ${loads.join(' ')} }`;
}

function timeval(view: DataView): string {
  const seconds = view.getBigInt64(0, true);
  return `{ sec = ${seconds}, usec = ${view.getBigInt64(8, true)} } ${ctime(Number(seconds))}`;
}

/** ctime(3) in UTC, without its newline. */
function ctime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = String(date.getUTCDate()).padStart(2);
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${day} ${time} ${date.getUTCFullYear()}`;
}

function vmtotal(view: DataView): string {
  const kilobytes = (index: number): bigint => view.getBigUint64(index * 8, true) * PAGE_KILOBYTES;
  const count = (index: number): number => view.getInt16(72 + index * 2, true);
  const pair = (index: number): string => `(Total: ${kilobytes(index)}K Active: ${kilobytes(index + 1)}K)\n`;
  return [
    '\nSystem wide totals computed every five seconds: (values in kilobytes)\n',
    '===============================================\n',
    `Processes:\t\t(RUNQ: ${count(0)} Disk Wait: ${count(1)} Page Wait: ${count(2)} Sleep: ${count(3)})\n`,
    `Virtual Memory:\t\t${pair(0)}`,
    `Real Memory:\t\t${pair(2)}`,
    `Shared Virtual Memory:\t${pair(4)}`,
    `Shared Real Memory:\t${pair(6)}`,
    `Free Memory:\t${kilobytes(8)}K`,
  ].join('');
}

function inputId(view: DataView): string {
  const [bustype, vendor, product, version] = [0, 2, 4, 6].map(
    (at) => `0x${view.getUint16(at, true).toString(16).padStart(4, '0')}`,
  );
  return `{ bustype = ${bustype}, vendor = ${vendor}, product = ${product}, version = ${version} }`;
}

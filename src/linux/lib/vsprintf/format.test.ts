import { describe, expect, it } from 'vitest';
import { type FakeLayout, FakeStruct } from '../testing/fake-struct.js';
import { TestGuest } from '../testing/guest.js';
import type { FormatContext } from './context.js';
import { format } from './format.js';
import { listOf } from './va-list.js';

const guest = new TestGuest();
const { space } = guest;

const LAYOUTS: Readonly<Record<string, FakeLayout>> = {
  resource: { start: [0, 8, 'u'], end: [8, 8, 'u'], name: [16, 8, 'p'], flags: [24, 8, 'u'] },
  va_format: { fmt: [0, 8, 'p'], va: [8, 8, 'p'] },
  sockaddr: { sa_family: [0, 2, 'u'] },
  sockaddr_in: { sin_port: [2, 2, 'u'], sin_addr: [4, 4, 'b'] },
  sockaddr_in6: {
    sin6_port: [2, 2, 'u'],
    sin6_flowinfo: [4, 4, 'u'],
    sin6_addr: [8, 16, 'b'],
    sin6_scope_id: [24, 4, 'u'],
  },
  rtc_time: {
    tm_sec: [0, 4, 'i'],
    tm_min: [4, 4, 'i'],
    tm_hour: [8, 4, 'i'],
    tm_mday: [12, 4, 'i'],
    tm_mon: [16, 4, 'i'],
    tm_year: [20, 4, 'i'],
  },
  dentry: { d_parent: [0, 8, 'p'], 'd_name.name': [8, 8, 'p'] },
};

const warnings: string[] = [];
const context: FormatContext = {
  space,
  struct: (name) => new FakeStruct(space, name, LAYOUTS[name]),
  option: (name) => (name === 'CONFIG_NODES_SHIFT' ? '10' : undefined),
  enumerator: () => undefined,
  symbol: (address, style) => `sym${address.toString(16)}${style}`,
  hashPointer: () => 0x1234abcdn,
  warnOnce: (message) => warnings.push(message),
};

const f = (text: string, ...args: (number | bigint | string)[]): string =>
  format(
    context,
    text,
    listOf(
      space,
      args.map((value) => (typeof value === 'string' ? guest.address(guest.text(value)) : value)),
    ),
  );
const at = (values: number[]): bigint => guest.address(guest.bytes(values));

describe('integers', () => {
  it.each<[string, (number | bigint)[], string]>([
    ['%d|%5d|%-5d|%05d|%+d|% d', [42, 42, 42, 42, 42, 42], '42|   42|42   |00042|+42| 42'],
    ['%.3d|%8.3d|%-8.3d|%i', [42, 42, 42, -42], '042|     042|042     |-42'],
    [
      '%d %ld %lld',
      [-2147483648, -(2n ** 63n), -(2n ** 63n)],
      '-2147483648 -9223372036854775808 -9223372036854775808',
    ],
    ['%u %lu', [0xffffffff, 2n ** 64n - 1n], '4294967295 18446744073709551615'],
    ['%x %X %#x %#X', [0xbeef, 0xbeef, 0xbeef, 0xbeef], 'beef BEEF 0xbeef 0XBEEF'],
    [
      '%08x|%#010x|%-#10x|%lx',
      [0xbeef, 0xbeef, 0xbeef, -1],
      '0000beef|0x0000beef|0xbeef    |ffffffffffffffff',
    ],
    ['%o %#o %#o %06o', [8, 8, 0, 0o644], '10 010 0 000644'],
    ['%hhd %hhu %hd %hu %hhx', [300, 300, 70000, 70000, -1], '44 44 4464 4464 ff'],
    ['%zu %zd %td %Lu', [5, -5, -7, 9], '5 -5 -7 9'],
    ['%*d|%-*d|%.*d|%*d', [6, 1, 6, 2, 4, 3, -6, 4], '     1|2     |0003|4     '],
    ['%d %x %#x %.0d', [0, 0, 0, 0], '0 0 0x0 0'],
    ['%05d|%-05d|%08.3d|%+05d', [-42, 42, 42, 7], '-0042|42   |00000042|+0007'],
  ])('%s', (text, args, expected) => {
    expect(f(text, ...args)).toBe(expected);
  });
});

describe('text', () => {
  it('pads and cuts strings', () => {
    expect(f('%s|%10s|%-10s|%.3s|%10.3s|', 'modbox', 'modbox', 'modbox', 'modbox', 'modbox')).toBe(
      'modbox|    modbox|modbox    |mod|       mod|',
    );
  });
  it('does not read bad pointers', () => {
    expect(f('%s %s %s %.2s', 0, 8, 2n ** 64n - 22n, 0)).toBe('(null) (efault) (efault) (n');
  });
  it('prints characters and percent signs', () => {
    expect(f('%c|%3c|%-3c|100%%', 97, 98, 99)).toBe('a|  b|c  |100%');
  });
  it('stops at an unknown conversion', () => {
    expect(f('a%d%jd b', 1, 2)).toBe('a1');
    expect(warnings.at(-1)).toBe('Please remove unsupported %j in format string\n');
  });
});

describe('pointers', () => {
  it('hashes addresses, but neither NULL nor errors', () => {
    expect(f('%p %p %p', 0, 2n ** 64n - 2n, 0xffff888012345678n)).toBe(
      '0000000000000000 fffffffffffffffe 000000001234abcd',
    );
    expect(f('%20px|%px', 0x1234, 0x1234)).toBe('                1234|0000000000001234');
  });
  it('names errors', () => {
    expect(
      f('%pe %pe %pe %10pe|', 2n ** 64n - 2n, 2n ** 64n - 517n, 2n ** 64n - 4000n, 2n ** 64n - 12n),
    ).toBe('-ENOENT -EPROBE_DEFER -4000    -ENOMEM|');
  });
  it('names symbols', () => expect(f('%pS %ps', 16, 17)).toBe('sym10S sym11s'));
  it('prints MAC addresses', () => {
    const mac = at([0, 0x11, 0x22, 0x33, 0x44, 0x5a]);
    expect(f('%pM %pMR %pMF %pm %pmR', mac, mac, mac, mac, mac)).toBe(
      '00:11:22:33:44:5a 5a:44:33:22:11:00 00-11-22-33-44-5a 00112233445a 5a4433221100',
    );
  });
  it('prints IPv4 addresses', () => {
    const ip = at([192, 168, 1, 20]);
    expect(f('%pI4 %pi4 %pI4h %pI4n %pI4l %pI4b', ip, ip, ip, ip, ip, ip)).toBe(
      '192.168.1.20 192.168.001.020 20.1.168.192 192.168.1.20 20.1.168.192 192.168.1.20',
    );
  });
  it('prints IPv6 addresses', () => {
    const ip = at([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12]);
    const mapped = at([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]);
    const any = at(new Array<number>(16).fill(0));
    expect(f('%pI6 %pi6 %pI6c', ip, ip, ip)).toBe(
      '2001:0db8:0000:0000:0000:0000:0000:0012 20010db8000000000000000000000012 2001:db8::12',
    );
    expect(f('%pI6c %pI6c', mapped, any)).toBe('::ffff:127.0.0.1 ::');
  });
  it('prints socket addresses', () => {
    const v4 = at([2, 0, 0, 80, 10, 0, 0, 1]);
    const v6 = at([10, 0, 1, 187, 0, 0, 0, 5, ...new Array<number>(15).fill(0), 1, 3, 0, 0, 0]);
    expect(f('%pIS %pISp %pISpc %pISpfsc', v4, v4, v6, v6)).toBe(
      '10.0.0.1 10.0.0.1:80 [::1]:443 [::1]:443/5%3',
    );
    expect(f('%pIS', at([1, 0]))).toBe('(einval)');
  });
  it('prints UUIDs', () => {
    const id = at([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    expect(f('%pUb %pUL', id, id)).toBe(
      '00010203-0405-0607-0809-0a0b0c0d0e0f 03020100-0504-0706-0809-0A0B0C0D0E0F',
    );
  });
  it('prints bytes and bitmaps', () => {
    const raw = at([0, 0x1f, 0x22, 0x41, 0xff]);
    expect(f('%5ph %5phC %5phD %5phN %*ph', raw, raw, raw, raw, 3, raw)).toBe(
      '00 1f 22 41 ff 00:1f:22:41:ff 00-1f-22-41-ff 001f2241ff 00 1f 22',
    );
    const bits = at([0x0f, 0, 0x80, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0]);
    expect(f('%*pb %*pbl', 70, bits, 70, bits)).toBe('20,00000000,0080000f 0-3,23,69');
    expect(f('%9pE', at([0x61, 0x0a, 0, 0x22, 0x5c, 0x1b, 0xff, 0x7f, 0x62]))).toBe(
      'a\\n\\0"\\\\e\xff\\177b',
    );
  });
  it('prints resources', () => {
    const resource = guest.alloc(64);
    space.store64(resource, 0xfebc0000n);
    space.store64(resource + 8, 0xfebdffffn);
    space.store64(resource + 24, 0x102200n);
    const address = guest.address(resource);
    expect(f('%pR %pr', address, address)).toBe(
      '[mem 0xfebc0000-0xfebdffff 64bit pref] [mem 0xfebc0000-0xfebdffff flags 0x102200]',
    );
    space.store64(resource + 24, 0x20000200n);
    expect(f('%pR', address)).toBe('[mem size 0x00020000]');
    space.store64(resource, 9n);
    space.store64(resource + 8, 9n);
    space.store64(resource + 24, 0x400n);
    expect(f('%pR', address)).toBe('[irq 9]');
  });
  it('prints times', () => {
    const time = guest.alloc(8);
    space.store64(time, 1546300800n + 3600n);
    const before = guest.alloc(8);
    space.store64(before, BigInt.asUintN(64, -1n));
    const address = guest.address(time);
    expect(f('%ptT %ptTs %ptTd %ptTt %ptTr', address, address, address, address, address)).toBe(
      '2019-01-01T01:00:00 2019-01-01 01:00:00 2019-01-01 01:00:00 0119-00-01T01:00:00',
    );
    expect(f('%ptT %pt', guest.address(before), address)).toBe('1969-12-31T23:59:59 (%pt?)');
  });
  it('prints other types', () => {
    const value = guest.alloc(8);
    space.store64(value, 0x3231_4742n);
    const address = guest.address(value);
    expect(f('%pa %pNF %p4cc', address, address, address)).toBe(
      '0x0000000032314742 0x0000000032314742 BG12 little-endian (0x32314742)',
    );
    space.store64(value, 0xcc0n);
    expect(f('%pGg', address)).toBe('GFP_KERNEL');
    space.store64(value, 0x75n);
    expect(f('%pGv', address)).toBe('read|exec|mayread|maywrite|mayexec');
    expect(f('%pM %pI4 %pR %pUb', 0, 8, 0, 0)).toBe('(null) (efault) (null) (null)');
    expect(f('%pj', 5)).toBe('000000001234abcd');
  });
  it('prints paths', () => {
    const dentry = (parent: number, name: string): number => {
      const ptr = guest.alloc(16);
      space.storePtr(ptr, parent || ptr);
      space.storePtr(ptr + 8, guest.text(name));
      return ptr;
    };
    const b = guest.address(dentry(dentry(dentry(0, '/'), 'a'), 'b'));
    expect(f('%pd %pd2 %pd4', b, b, b)).toBe('b a/b /a/b');
  });
  it('prints formats inside formats', () => {
    const list = guest.alloc(24);
    const area = guest.alloc(16);
    space.store64(area, 7n);
    space.store64(area + 8, guest.address(guest.text('x')));
    space.store32(list, 48);
    space.storePtr(list + 8, area);
    const nested = guest.alloc(16);
    space.storePtr(nested, guest.text('%d-%s'));
    space.storePtr(nested + 8, list);
    expect(f('<%pV> <%pV>', guest.address(nested), guest.address(nested))).toBe('<7-x> <7-x>');
  });
});
